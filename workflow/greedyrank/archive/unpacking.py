"""Reading a bundle that somebody else made: it is data, and every file of it is verified.

Nothing of a bundle is run. A file is written only if the manifest lists it, with its size and its SHA-256; its path
stays inside the folder; links and other special files are refused, and so are netCDF files that refer to other files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import h5py
from backports import zstd

from greedyrank.archive import manifest
from greedyrank.archive.manifest import Manifest, NoBundle

BLOCK = 2**20


def _member(archive: tarfile.TarFile, bundle: Path) -> tarfile.TarInfo | None:
    """Return the next file of an archive.

    Raises
    ------
    NoBundle
        If it is a link, a folder or another thing that bundles do not hold.
    """
    member = archive.next()
    if member is not None and not member.isreg():
        raise NoBundle(f"{bundle}: {member.name!r} is no plain file")
    return member


def _copy(source: IO[bytes], target: Path, expected: manifest.File, name: str, bundle: Path) -> None:
    """Write a file, and compare it with what the manifest says of it.

    Raises
    ------
    NoBundle
        If it differs.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    found, left = hashlib.sha256(), expected.size
    with target.open("wb") as out:
        while block := source.read(min(BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                break
            found.update(block)
            out.write(block)
    if left or found.hexdigest() != expected.sha256:
        raise NoBundle(f"{bundle}: {name} is not what was packed (its size or SHA-256 differs)")


@contextlib.contextmanager
def _reading(bundle: Path) -> Iterator[tarfile.TarFile]:
    """Open a packed bundle from its beginning.

    Raises
    ------
    NoBundle
        If it is no such file, or ends early.
    """
    try:
        with zstd.ZstdFile(bundle, "rb") as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            yield archive
    except EOFError:
        raise NoBundle(f"{bundle} is truncated: get it again") from None
    except (zstd.ZstdError, tarfile.TarError) as error:
        raise NoBundle(f"{bundle} is damaged, or is no .tar.zst file: {error}") from None


def _check_room(files: dict[str, manifest.File], folder: Path, bundle: Path) -> None:
    """Refuse what the disk has no room for, before anything is written."""
    needed, free = sum(file.size for file in files.values()), shutil.disk_usage(folder).free
    if needed > free:
        raise NoBundle(f"{bundle} holds {needed / 1e9:.3g} GB, and {folder.parent} has room for {free / 1e9:.3g} GB")


def _first(archive: tarfile.TarFile, bundle: Path) -> bytes:
    """Return the manifest, which is the first file of an archive."""
    first = _member(archive, bundle)
    if first is None or first.name != manifest.NAME or first.size > manifest.LARGEST:
        raise NoBundle(f"{bundle} is no bundle: it does not begin with {manifest.NAME}")
    return _content(archive, first).read()


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    source = archive.extractfile(member)
    assert source is not None  # a plain file has a content
    return source


def described(bundle: Path) -> Manifest:
    """Return what a bundle, a file or a folder, says of itself.

    Raises
    ------
    NoBundle
        If there is none, or one of another format; in one line.
    """
    if not bundle.exists():
        raise NoBundle(f"there is no bundle {bundle}")
    if not bundle.is_dir():
        with _reading(bundle) as archive:
            return manifest.read(_first(archive, bundle), bundle)
    path = bundle / manifest.NAME
    if not path.is_file() or path.stat().st_size > manifest.LARGEST:
        raise NoBundle(f"{bundle} is no bundle: it has no {manifest.NAME}")
    return manifest.read(path.read_bytes(), bundle)


def _unpack_file(bundle: Path, folder: Path, lacking: dict[str, manifest.File]) -> None:
    with _reading(bundle) as archive:
        (folder / manifest.NAME).write_bytes(_first(archive, bundle))
        while (member := _member(archive, bundle)) is not None:
            if (expected := lacking.pop(member.name, None)) is None:
                raise NoBundle(f"{bundle}: {member.name!r} is not in {manifest.NAME}, or stands twice")
            _copy(_content(archive, member), folder / member.name, expected, member.name, bundle)
    if lacking:
        raise NoBundle(f"{bundle} lacks {next(iter(lacking))}, one of {len(lacking)} files that it should hold")


def _unpack_folder(bundle: Path, folder: Path, files: dict[str, manifest.File]) -> None:
    shutil.copyfile(bundle / manifest.NAME, folder / manifest.NAME)
    for name, expected in files.items():
        source = bundle / name
        if not source.is_file():
            raise NoBundle(f"{bundle} lacks {name}")
        if not source.resolve().is_relative_to(bundle.resolve()):
            raise NoBundle(f"{bundle}: {name} is a link to another place")
        with source.open("rb") as file:
            _copy(file, folder / name, expected, name, bundle)


def _check_netcdf(path: Path, bundle: Path) -> None:
    """Refuse a netCDF file with data in other files: reading it would read them.

    Raises
    ------
    NoBundle
        Naming the file.
    """

    def check(group: h5py.Group) -> None:
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise NoBundle(f"{bundle}: {path.name} has a link, {name!r}, to another place")
            entry = group[name]
            if isinstance(entry, h5py.Dataset):
                if entry.external is not None or entry.is_virtual:
                    raise NoBundle(f"{bundle}: {path.name} has its {name!r} in another file")
            elif isinstance(entry, h5py.Group):
                check(entry)

    try:
        with h5py.File(path, "r", locking=False) as file:
            check(file)
    except (OSError, RuntimeError, RecursionError) as error:
        raise NoBundle(f"{bundle}: {path.name} is no netCDF file: {error}") from None


def unpack(bundle: Path, folder: Path) -> None:
    """Verify a bundle, a file or a folder, and write its files into a folder.

    Parameters
    ----------
    bundle : Path
        A ``.tar.zst`` file that `greedyrank.archive.packing.pack` wrote, or the folder that it was unpacked into.
    folder : Path
        Where to; what an earlier bundle left there is replaced, once the new one is verified.

    Raises
    ------
    NoBundle
        If it is damaged, incomplete, of another format, or holds what it must not; in one line.
    """
    files = described(bundle).files
    if folder.exists() and not (folder / manifest.NAME).is_file():
        raise NoBundle(f"{folder} is in the way: a bundle is unpacked there, and it holds none")
    partial = folder.with_name(f".{os.getpid()}.{folder.name}")
    partial.mkdir(parents=True)
    try:
        _check_room(files, partial, bundle)
        (_unpack_folder if bundle.is_dir() else _unpack_file)(bundle, partial, dict(files))
        for path in partial.glob("spectra/*.nc"):
            _check_netcdf(path, bundle)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
