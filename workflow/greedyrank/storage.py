"""Files that are whole or absent, and checked before they are read.

Every file is written to a temporary name beside its own and then renamed; its SHA-256 goes into
``<file>.sha256`` (the format of ``sha256sum``) and is compared before each reading.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from greedyrank.errors import UserError

FORMAT_VERSION = 1  # of arrays in npz files, and of checksums; see `greedyrank.code_digest`


class CorruptFile(UserError):
    """A file whose content is not what was written, named with the command that rebuilds it."""


class DiskFull(UserError, OSError):
    """No room for a file; the message names it and the disk."""


def checksum(path: str | Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed had written of a file."""
    for leftover in path.parent.glob(f".*.{glob.escape(path.name)}"):
        process = leftover.name.split(".")[1]
        if process.isdigit() and not _is_running(int(process)):
            leftover.unlink(missing_ok=True)


def _is_full_disk(error: Exception) -> bool:
    # HDF5 has the number of the error in its text alone.
    numbers = (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "errno", None) in numbers or any(f"errno = {number}," in str(error) for number in numbers)


def _disk_full(path: Path) -> DiskFull:
    folder = path.parent.resolve()
    disk = next(place for place in (folder, *folder.parents) if place.is_mount())
    return DiskFull(f"no room for {path}: the disk at {disk} is full; make room there, and build again")


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path; rename it to ``path`` when the block ends well, else remove it.

    Raises
    ------
    DiskFull
        If there is no room for the file.
    """
    path = Path(path)
    # The suffix stays last: matplotlib and numpy look at it.
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except Exception as error:
        if _is_full_disk(error):
            raise _disk_full(path) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def has_checksum(path: str | Path) -> bool:
    """Tell whether the checksum of a file stands beside it."""
    return _sidecar(Path(path)).exists()


def checksum_line(sha256: str, name: str) -> str:
    """Return a line as ``sha256sum`` writes and checks it."""
    return f"{sha256}  {name}\n"


def _checksums(path: Path) -> list[str]:
    """Return the checksums beside a file: its own, and while it is replaced that of the next."""
    sidecar = _sidecar(path)
    lines = sidecar.read_text(encoding="utf-8", errors="replace").splitlines() if sidecar.exists() else []
    return [line.split()[0] for line in lines if line.strip()]


@contextlib.contextmanager
def writing_checked(path: str | Path) -> Iterator[Path]:
    """Like `writing`, and write the checksum beside it."""
    path = Path(path)
    with writing(path) as temporary:
        yield temporary
        # The two files cannot change at once: until the new one is there, the checksum of the old one is needed too.
        known = [old for old in _checksums(path) if path.exists() and old == checksum(path)]
        with writing(_sidecar(path)) as sidecar:
            sidecar.write_text(
                "".join(checksum_line(sha, path.name) for sha in dict.fromkeys([checksum(temporary), *known])),
                encoding="utf-8",
            )


def build_command(*words: str) -> str:
    """Return a command line of Snakemake, with the config given to the build that this is a job of, if it is one."""
    return " ".join(filter(None, ["snakemake --cores 1", *words, os.environ.get("GREEDYRANK_CONFIG")]))


def check(path: str | Path) -> Path:
    """Compare a file with the checksum taken when it was written.

    Raises
    ------
    CorruptFile
        If they differ, or there is no checksum, naming the command that rebuilds the file.
    """
    path = Path(path)
    found, known = checksum(path), _checksums(path)
    if found not in known:
        beside = _sidecar(path).name
        differs = f"is not what was written (its checksum differs from {beside})"
        reason = differs if known else f"cannot be checked ({beside}, with its checksum, is missing or empty)"
        raise CorruptFile(f"{path} {reason}; rebuild it with: {build_command('--force', str(path))}")
    return path


def read_json(path: str | Path) -> dict:
    """Return what a JSON file holds, a mapping.

    Raises
    ------
    CorruptFile
        If it is not JSON, or holds something else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise CorruptFile(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise CorruptFile(f"{path} holds a {type(content).__name__}, not a mapping")
    return content


def save_arrays(path: str | Path, meta: dict, arrays: dict[str, np.ndarray]) -> None:
    """Write named arrays and a JSON-ready dictionary to an npz file, without pickle."""
    with writing_checked(path) as temporary:
        np.savez(temporary, allow_pickle=False, meta=np.array(json.dumps(meta, sort_keys=True)), **arrays)


def load_arrays(path: str | Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Read what `save_arrays` wrote, after checking it.

    Raises
    ------
    CorruptFile
        If the file is not what was written.
    """
    with np.load(check(path), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return json.loads(str(arrays.pop("meta"))), arrays


def remove(path: str | Path) -> None:
    """Remove a file that `save_arrays` wrote, with its checksum and what was left of earlier ones, if it is there."""
    for file in (Path(path), _sidecar(Path(path))):
        file.unlink(missing_ok=True)
        _remove_leftovers(file)
