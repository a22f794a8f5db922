"""The ratings of MovieLens 100K: read and checked, or fetched from GroupLens.

They may not be redistributed: a user puts ``u.data``, or an archive with it, into the data folder, or has it fetched.
A download is trusted only by its SHA-256, whatever its address. A file that the user put there, under any name, is
checked for its format and sizes.
"""

from __future__ import annotations

import io
import logging
import zipfile
from pathlib import Path

import numpy as np

from greedyrank import searching, storage
from greedyrank.config import ratings_file
from greedyrank.config.ratings_file import FILE, RATINGS
from greedyrank.data import downloads
from greedyrank.errors import UserError

logger = logging.getLogger(__name__)

USERS, MOVIES, LARGEST = 943, 1682, 5
EXPECTED = f"expected {RATINGS} rows of user, movie, rating and time, separated by tabs"

# The address without TLS is as safe, since the content is verified, and works when a certificate has expired.
URLS = tuple(f"{scheme}://files.grouplens.org/datasets/movielens/ml-100k.zip" for scheme in ("https", "http"))
MEMBER = "ml-100k/u.data"
# The SHA-256 that many public projects name, together with the MD5 that GroupLens publishes beside the archive
# (0e33842e24a9c977be4e0107933c0723) or the SHA-1 of Dive into Deep Learning (cd4dcac4...).
CHECKSUM = "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229"


class BadRatings(UserError):
    """A file is not the u.data of MovieLens 100K; the message names the file and what is wrong."""


class RatingsMissing(UserError):
    """The archive could not be fetched; the message names what was tried and where to put the file."""


def parse(text: str, path: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what `read` returns from the content of a file; ``path`` names it in errors."""
    lines = text.splitlines()
    if len(lines) != RATINGS:
        raise BadRatings(f"{path} has {len(lines)} rows; {EXPECTED}")
    try:
        # As floating-point numbers: as integers, a rating of 3.5 would be cut to 3.
        table = np.loadtxt(lines, delimiter="\t", ndmin=2)
    except ValueError as error:
        raise BadRatings(f"{path} cannot be read ({error}); {EXPECTED}") from None
    if table.shape[1] != 4:
        raise BadRatings(f"{path} has {table.shape[1]} columns; {EXPECTED}")
    for column, name, largest in ((0, "user", USERS), (1, "movie", MOVIES), (2, "rating", LARGEST)):
        wrong = np.flatnonzero(~np.isin(table[:, column], np.arange(1, largest + 1)))
        if len(wrong):
            raise BadRatings(
                f"{path}, row {wrong[0] + 1}: the {name} is {table[wrong[0], column]:g};"
                f" expected a whole number from 1 to {largest}"
            )
    users, movies, ratings = table[:, :3].astype(np.int64).T
    pairs, counts = np.unique((users - 1) * MOVIES + movies - 1, return_counts=True)
    if (counts > 1).any():
        user, movie = divmod(int(pairs[counts.argmax()]), MOVIES)
        raise BadRatings(f"{path}: user {user + 1} rates movie {movie + 1} twice; expected one rating a pair")
    return movies - 1, users - 1, ratings


def read(path: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read u.data.

    Returns
    -------
    movies, users, ratings : ndarray of int64, (100000,)
        Indices from 0, and ratings from 1 to 5, in the order of the file.

    Raises
    ------
    BadRatings
        If the file is not of the published format and sizes; the message names what was found and expected.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadRatings(f"{path} is not text; {EXPECTED}") from None
    return parse(text, path)


def load(data_dir: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ratings that are in a data folder, as `read` does: those in their place, or else any others.

    Raises
    ------
    BadRatings
        If there are none; the message names what was passed over.
    """
    path = Path(data_dir) / FILE
    bad = f"{path} is missing"
    if path.exists():
        try:
            return read(path)
        except BadRatings as error:
            bad = str(error)
    tables = {}

    def why_not(content: bytes) -> str | None:
        try:
            tables[path.name] = parse(content.decode(errors="replace"), "it")
        except BadRatings as error:
            return str(error)
        return None

    wanted = searching.Wanted(path.name, ratings_file.could_be, why_not)
    found = searching.find([Path(data_dir)], [wanted], ratings_file.LARGEST)
    passed_over = [bad, *(line for line in found.passed_over if not line.startswith(f"{path}:"))]
    if not tables:
        raise BadRatings("\n  passed over: ".join(passed_over))
    for line in passed_over:
        logger.warning("passed over: %s", line)
    logger.info("MovieLens 100K: %s", found.places[path.name])
    return tables[path.name]


def _download(url: str) -> bytes:
    """Return the content of u.data from a verified archive; nothing is unpacked to disk."""
    with zipfile.ZipFile(io.BytesIO(downloads.verified(url, CHECKSUM))) as content:
        return content.read(MEMBER)


def fetch(data_dir: str | Path, urls: tuple[str, ...] = URLS) -> None:
    """Make sure that checked ratings are in ``data_dir``; a file that is there is not replaced.

    Raises
    ------
    BadRatings
        If there is a file in their place that is not u.data, and no other one that is.
    RatingsMissing
        If no address has the published archive; the message names what was tried and where to put the file.
    """
    path = Path(data_dir) / FILE
    try:
        load(data_dir)
    except BadRatings as error:
        if path.exists():
            raise
        logger.info("%s", error)
    else:
        logger.info("the ratings below %s have the format of MovieLens 100K", data_dir)
        return
    tried = []
    for url in urls:
        try:
            content = _download(url)
        except downloads.FAILURES as error:
            tried.append(f"{url}: {error or type(error).__name__}")
            continue
        parse(content.decode(), f"{MEMBER} of {url}")
        with storage.writing(path) as temporary:
            temporary.write_bytes(content)
        logger.info("%s: from %s, verified", path, url)
        return
    raise RatingsMissing(
        f"MovieLens 100K could not be fetched; put its u.data (from ml-100k.zip of grouplens.org) at {path.resolve()}."
        " Tried:\n  " + "\n  ".join(tried)
    )
