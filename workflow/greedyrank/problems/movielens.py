"""Completion of the movies x users matrix of MovieLens 100K from some of its raw ratings.

Arora et al. 2019, Fig. 3, second row (main.py, class MovieLens100k). The loss is that of
`completion`; the error is that of the held-out ratings. A matrix of 1682x943 at every record would fill gigabytes.
Therefore spectra are computed during training, and the matrices are left out of the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from greedyrank.config.sweeps import Run
from greedyrank.data import ratings as movielens
from greedyrank.errors import UserError
from greedyrank.problems import completion
from greedyrank.spectra import alignment
from greedyrank.training.protocols import Arrays, Axes, Place

if TYPE_CHECKING:
    import torch

LARGEST = 10  # singular values recorded: as many as the paper draws


class TooFewRatings(UserError):
    """The movies and users that are kept have too few ratings."""


def most_frequent(indices: np.ndarray, count: int) -> np.ndarray:
    """Return the ``count`` most frequent indices, in rising order; among equals the smaller ones."""
    order = np.argsort(-np.bincount(indices), kind="stable")
    return np.sort(order[:count])


def generate(settings: Mapping[str, Any], data_dir: str | Path) -> Arrays:
    """Draw the order of the ratings of the most rated movies by the most active users.

    Which movies and users are kept depends on how many ratings they have, not on the ratings themselves. They stay in
    the order of their numbers.

    Returns
    -------
    dict
        ``entries``: flat row-major indices into the movies x users matrix, in random order.
        ``values``: their ratings, 1 to 5, float64. A run is trained on the first ``observations``.
    """
    movies, users, ratings = movielens.load(data_dir)
    axes = [most_frequent(indices, count) for indices, count in zip((movies, users), settings["shape"], strict=True)]
    kept = np.isin(movies, axes[0]) & np.isin(users, axes[1])
    position = [np.searchsorted(axis, indices[kept]) for axis, indices in zip(axes, (movies, users), strict=True)]
    order = np.random.default_rng([settings["data_seed"], 0]).permutation(kept.sum())
    entries = np.ravel_multi_index(position, settings["shape"])
    return {"entries": entries[order], "values": ratings[kept][order].astype(np.float64)}


def context(run: Mapping[str, Any], data: Arrays) -> Arrays:
    """Return nothing: what is measured is recorded during training."""
    return {}


class Problem(completion.Problem):
    """As in `completion`, with spectra and the error of the held-out ratings in the records."""

    axes: ClassVar[Axes] = {"singular_value": ("component",)}
    leaves_out: ClassVar[tuple[str, ...]] = ("end_to_end",)

    def __init__(self, runs: Sequence[Run], data: Sequence[Arrays], place: Place):
        for run, arrays in zip(runs, data, strict=True):
            if len(arrays["entries"]) <= run["observations"]:
                raise TooFewRatings(
                    f"shape {run['shape']} leaves {len(arrays['entries'])} ratings, and observations is"
                    f" {run['observations']}; allow more movies and users, or fewer observations"
                )
        super().__init__(runs, data, place)
        self._counts = [run["observations"] for run in runs]

    def observables(self, model: Any, end_to_end: torch.Tensor) -> Arrays:
        """Return the ten largest singular values, the alignment, and ``test_error``; runs first.

        ``test_error``: mean squared error of the held-out ratings. ``alignment_diagonal`` and
        ``alignment_other``: as in `greedyrank.measures.alignment`, in the (thin) singular bases;
        ``..._unit``: the same in the unit vectors, which are singular vectors of W(0) = s I.
        """
        rows = []
        for matrix, arrays, count in zip(
            end_to_end.cpu().numpy().astype(np.float64), self._data, self._counts, strict=True
        ):
            residual = matrix.ravel()[arrays["entries"]] - arrays["values"]
            gradient = np.zeros(matrix.shape)
            gradient.flat[arrays["entries"][:count]] = residual[:count] / count
            left, values, right = np.linalg.svd(matrix, full_matrices=False)
            diagonal, other = alignment.means(gradient, left, right.T)
            unit = alignment.diagonal_means(gradient)
            rows.append(
                {
                    "singular_value": values[:LARGEST],
                    "alignment_diagonal": diagonal,
                    "alignment_other": other,
                    "alignment_diagonal_unit": unit[0],
                    "alignment_other_unit": unit[1],
                    "test_error": np.mean(residual[count:] ** 2),
                }
            )
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}
