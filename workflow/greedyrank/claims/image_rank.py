"""Statistics of the tensor-rank figure; errors are those at the last epoch."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.selection import last

VARIANTS = {
    "original": ("original", "original"),
    "random_images": ("random", "original"),
    "random_labels": ("original", "random"),
}


def train_error(runs: xr.Dataset) -> np.ndarray:
    """Return the training error of each run."""
    return last(runs).train_error.to_numpy()


def _mean_over_labels(runs: xr.Dataset, variable: str, labels: np.ndarray) -> float:
    return float(last(runs)[variable][np.isin(runs.label, labels)].mean())


def train_ratio(runs: xr.Dataset, *, fitted: str, against: str) -> np.ndarray:
    """Return one variant's training error over another's, for each data set and rank.

    Both are means over the labels that both variants were trained on.
    """
    ratios = []
    for dataset in np.unique(runs.dataset):
        for rank in np.unique(runs.tensor_rank):
            here = runs.isel(run=np.flatnonzero((runs.dataset == dataset) & (runs.tensor_rank == rank)))
            pair = []
            for variant in (fitted, against):
                images, labels = VARIANTS[variant]
                pair.append(here.isel(run=np.flatnonzero((here["images"] == images) & (here["labels"] == labels))))
            shared = np.intersect1d(*(variant.label for variant in pair))
            ratios.append(
                _mean_over_labels(pair[0], "train_error", shared) / _mean_over_labels(pair[1], "train_error", shared)
            )
    return np.array(ratios)


def explained_on_test(runs: xr.Dataset) -> np.ndarray:
    """Return the share of variance explained on the test set over that on the training set.

    One number a data set, from means over its labels, as the published errors are.
    """
    shares = []
    for dataset in np.unique(runs.dataset):
        here = runs.isel(run=np.flatnonzero(runs.dataset == dataset))
        means = {
            name: float(last(here)[name].mean())
            for name in ("test_error", "test_variance", "train_error", "train_variance")
        }
        test, train = (1 - means[f"{part}_error"] / means[f"{part}_variance"] for part in ("test", "train"))
        shares.append(test / train)
    return np.array(shares)
