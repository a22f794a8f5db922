"""Statistics of the tensor-rank figure label by label; training errors, of the epochs that `image_rank` takes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last
from razin_2021.common import compared, split_by, variant


def needed_rank(runs: xr.Dataset, error: float) -> float:
    """Return the smallest rank of the runs that reached a training error, infinity where none did."""
    return float(runs.tensor_rank.where(last(runs).train_error <= error, np.inf).min())


def fewer_components(runs: xr.Dataset, *, error: float, fitted: str, against: str) -> np.ndarray:
    """Return the share of labels for which one variant reaches an error at a lower rank than another.

    One number a data set that both variants were trained on, over the labels they share.
    """
    shares = []
    for here in split_by(runs, "dataset"):
        pairs = [tuple(variant(own, name) for name in (fitted, against)) for own in split_by(here, "label")]
        lower = [needed_rank(a, error) < needed_rank(b, error) for a, b in pairs if a.sizes["run"] and b.sizes["run"]]
        if lower:
            shares.append(np.mean(lower))
    return np.array(shares)


def label_ratio(runs: xr.Dataset, *, fitted: str, against: str) -> np.ndarray:
    """Return one variant's error over another's, at equal epochs, for every data set, rank and label that both have."""
    groups = compared(runs, fitted, against, "dataset", "tensor_rank", "label")
    return np.array([float(a.train_error[0] / b.train_error[0]) for a, b in groups if a.sizes["run"]])


def relative_spread(runs: xr.Dataset) -> np.ndarray:
    """Return the standard deviation of the errors over labels, over their mean, for each data set and rank."""
    groups = split_by(last(runs), "dataset", "tensor_rank")
    return np.array([float(g.train_error.std() / g.train_error.mean()) for g in groups])


def hardest_over_easiest(runs: xr.Dataset) -> np.ndarray:
    """Return the largest error of a label over the smallest, for each data set and rank."""
    groups = split_by(last(runs), "dataset", "tensor_rank")
    return np.array([float(g.train_error.max() / g.train_error.min()) for g in groups])


def off_published(runs: xr.Dataset, *, mnist: float, fashion_mnist: float) -> np.ndarray:
    """Return how far the mean error over labels is from the published one, as a fraction of it, for each data set."""
    published = {"mnist": mnist, "fashion_mnist": fashion_mnist}
    return np.array(
        [
            abs(float(here.train_error.mean()) / published[here.dataset.values[0]] - 1)
            for here in split_by(last(runs), "dataset")
        ]
    )
