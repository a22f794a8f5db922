"""How the ratings of MovieLens 100K are recognized in the data folder; only the standard library is used."""

from __future__ import annotations

import re
from pathlib import Path

from greedyrank import searching

FILE = "movielens/u.data"  # below the data folder: where they are put, and looked for first
RATINGS = 100_000
LARGEST = 4_000_000  # bytes; a row has four numbers of up to ten digits


def could_be(size: int | None, head: bytes) -> bool:
    """Tell whether a file of a size that begins so may have one rating a row: user, movie, rating and time."""
    return (size is None or size <= LARGEST) and re.match(rb"\d+\t\d+\t\d+\t\d+\r?\n", head) is not None


def _why_not(content: bytes) -> str | None:
    """Return why a file is not taken to be the ratings while planning: `greedyrank.data.ratings` checks the rest."""
    return None if len(content.splitlines()) == RATINGS else ""


def find(data_dir: Path) -> Path:
    """Return the file that the ratings are in: the one in its place, or else any that looks like it, or an archive.

    Parameters
    ----------
    data_dir : Path
        The data folder.
    """
    path = data_dir / FILE
    if path.exists():
        return path
    wanted = searching.Wanted(path.name, could_be, _why_not)
    return searching.find([data_dir], [wanted], LARGEST).places.get(path.name, path)
