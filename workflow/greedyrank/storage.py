"""Files that are whole or absent, and checked before they are read.

Every file is written to a temporary name beside its own and then renamed; its SHA-256 goes into
``<file>.sha256`` (the format of ``sha256sum``) and is compared before each reading.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from greedyrank.errors import Explained


class CorruptFile(Explained):
    """A file whose content is not what was written, named with the command that rebuilds it."""


def checksum(path: str | Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path; rename it to ``path`` when the block ends well, else remove it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: matplotlib and numpy look at it.
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


@contextlib.contextmanager
def writing_checked(path: str | Path) -> Iterator[Path]:
    """Like `writing`, and write the checksum beside it."""
    path = Path(path)
    with writing(path) as temporary:
        yield temporary
        with writing(_sidecar(path)) as sidecar:
            sidecar.write_text(f"{checksum(temporary)}  {path.name}\n")


def check(path: str | Path) -> Path:
    """Compare a file with the checksum taken when it was written.

    Raises
    ------
    CorruptFile
        If they differ, naming the command that rebuilds the file.
    """
    path = Path(path)
    sidecar = _sidecar(path)
    expected = sidecar.read_text().split()[0] if sidecar.exists() and sidecar.stat().st_size else "no checksum"
    if checksum(path) != expected:
        raise CorruptFile(
            f"{path} is not what was written (its checksum differs from {sidecar.name});"
            f" rebuild it with: snakemake --cores 1 --force {path}"
        )
    return path


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
    """Remove a file that `save_arrays` wrote, with its checksum, if it is there."""
    for file in (Path(path), _sidecar(Path(path))):
        file.unlink(missing_ok=True)
