"""Files that papers' authors released without a licence: never shipped, but found on disk or downloaded.

Each is named in its paper's data.yaml, with an address at one fixed version and the SHA-256 of its content. It is
trusted by that alone, whatever its source.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from greedyrank import storage
from greedyrank.data import downloads
from greedyrank.errors import UserError

logger = logging.getLogger(__name__)


class ReleasedMissing(UserError):
    """Some files could not be had; the message names each, what was tried, and where to put it."""


def _on_disk(folder: Path, name: str, sha256: str) -> Path | None:
    """Return a file anywhere below a folder that has the content wanted and the ending of a name."""
    paths = (path for path in sorted(folder.rglob(f"*{Path(name).suffix}")) if path.is_file())
    return next((path for path in paths if storage.checksum(path) == sha256), None)


def _get(folder: Path, name: str, url: str, sha256: str) -> None:
    """Put one file in its place.

    Raises
    ------
    OSError, ValueError, http.client.HTTPException
        If there is another file in its place, or as `downloads.verified`.
    """
    path = folder / name
    if path.exists():
        if storage.checksum(path) != sha256:
            raise ValueError(f"there is a file with another SHA-256 than {sha256}; move it away")
        return
    if (found := _on_disk(folder, name, sha256)) is not None:
        with storage.writing(path) as temporary:
            shutil.copyfile(found, temporary)
        logger.info("%s: copied from %s, verified", path, found)
        return
    content = downloads.verified(url, sha256)
    with storage.writing(path) as temporary:
        temporary.write_bytes(content)
    logger.info("%s: from %s, verified", path, url)


def fetch(data_dir: str | Path, files: dict[str, dict[str, str]]) -> None:
    """Make released files present and verified in the data folder.

    Parameters
    ----------
    data_dir : str or Path
        The data folder.
    files : dict
        By the path of each file in it: ``url`` and ``sha256``.

    Raises
    ------
    ReleasedMissing
        If some cannot be had; all others are there then.
    """
    failed = []
    for name, file in files.items():
        try:
            _get(Path(data_dir), name, **file)
        except storage.DiskFull:
            raise  # for every file
        except downloads.FAILURES as error:
            failed.append(f"{Path(data_dir, name).resolve()} (from {file['url']}): {error or type(error).__name__}")
    if failed:
        lines = "\n  ".join(failed)
        raise ReleasedMissing(f"{len(failed)} of {len(files)} released files are missing; put them there:\n  {lines}")
