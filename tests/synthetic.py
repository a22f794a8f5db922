"""Data that tests make in place of data that may not be redistributed, or would have to be fetched."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

RATINGS, USERS, MOVIES = 100_000, 943, 1682


def pictures(train: int, test: int, seed: int = 5) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return so many noisy images with all ten labels, as `greedyrank.data.images.load` does."""
    rng = np.random.default_rng(seed)
    return {
        part: (rng.integers(0, 256, (size, 28, 28), dtype=np.uint8), (np.arange(size) % 10).astype(np.uint8))
        for part, size in (("train", train), ("test", test))
    }


def ratings(seed: int = 0) -> np.ndarray:
    """Return rows of user, movie, rating and time with the sizes and the skewness of MovieLens 100K.

    Who rates what is drawn without replacement, active users and popular movies more often; a
    rating is a mean, the user's and the movie's offsets, three weak tastes, and noise, rounded.
    """
    rng = np.random.default_rng(seed)
    chances = 0.9 * rng.standard_normal(USERS)[:, None] + 1.4 * rng.standard_normal(MOVIES)
    # The largest of these are a draw without replacement with probabilities proportional to exp(chances).
    pairs = np.argsort(-(chances + rng.gumbel(size=chances.shape)), axis=None)[:RATINGS]
    users, movies = np.divmod(rng.permutation(pairs), MOVIES)
    tastes = 0.4 * rng.standard_normal((USERS, 3)), 0.4 * rng.standard_normal((MOVIES, 3))
    score = 3.5 + 0.4 * rng.standard_normal(USERS)[users] + 0.5 * rng.standard_normal(MOVIES)[movies]
    score += (tastes[0][users] * tastes[1][movies]).sum(1) + 0.9 * rng.standard_normal(RATINGS)
    times = rng.integers(874_724_710, 893_286_638, RATINGS)
    return np.column_stack([users + 1, movies + 1, np.clip(np.rint(score), 1, 5).astype(int), times])


def text(table: np.ndarray) -> str:
    """Return a table as u.data."""
    return "\n".join("\t".join(map(str, row)) for row in table.tolist()) + "\n"


def write_ratings(data_dir: Path) -> None:
    """Write synthetic ratings as ``movielens/u.data`` below a data folder."""
    path = data_dir / "movielens" / "u.data"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(ratings()), encoding="utf-8")


def archive(table: np.ndarray) -> bytes:
    """Return a zip file with u.data, and members that would leave the folder they are unpacked to."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        # A fixed date, so that the archive has one checksum.
        for name, content in {
            "../escaped": "out",
            "/tmp/greedyrank-escaped": "out",
            "ml-100k/u.data": text(table),
            "ml-100k/mku.sh": "#!/bin/sh\n",
        }.items():
            file.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()
