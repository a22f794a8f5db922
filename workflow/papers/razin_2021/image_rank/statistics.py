"""Statistics of the tensor-rank figure.

Errors are those at the last epoch; where two variants are compared, at the last one that both reached.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last
from razin_2021.common import compared, split_by, variant


def mean_ratio(runs: xr.Dataset, *, fitted: str, against: str) -> np.ndarray:
    """Return one variant's training error over another's, for each data set and rank that both were trained on.

    Each is a mean over the labels that it was trained on, as published errors are over all ten.
    """
    ratios = []
    for here in split_by(last(runs), "dataset", "tensor_rank"):
        pair = [variant(here, name).train_error for name in (fitted, against)]
        if all(errors.size for errors in pair):
            ratios.append(float(pair[0].mean() / pair[1].mean()))
    return np.array(ratios)


def off_published(
    runs: xr.Dataset, *, part: Literal["train", "test"], values: list[float], reading: float
) -> np.ndarray:
    """Return by how much mean errors over labels miss the published ones, for each rank.

    Parameters
    ----------
    part : {"train", "test"}
        Whose errors.
    values : list of float
        The published errors, from rank 1 on.
    reading : float
        Reading error of the published ones. What is within it counts as no difference.

    Returns
    -------
    ndarray
        Differences beyond the reading error, as fractions of the published errors.
    """
    found = []
    for group in split_by(last(runs), "tensor_rank"):
        value = values[int(group.tensor_rank[0]) - 1]
        found.append(max(abs(float(group[f"{part}_error"].mean()) - value) - reading, 0) / value)
    return np.array(found)


def train_ratio(runs: xr.Dataset, *, fitted: str, against: str) -> np.ndarray:
    """Return one variant's training error over another's, for each data set and rank.

    Both are means over the labels that both variants were trained on, at equal epochs.
    """
    groups = compared(runs, fitted, against, "dataset", "tensor_rank")
    return np.array([float(a.train_error.mean() / b.train_error.mean()) for a, b in groups])


def mean_train_ratio(runs: xr.Dataset, *, fitted: str, against: str) -> np.ndarray:
    """Return the geometric mean over ranks of `train_ratio`, for each data set."""
    ratios = [train_ratio(here, fitted=fitted, against=against) for here in split_by(runs, "dataset")]
    return np.array([np.exp(np.mean(np.log(ratio))) for ratio in ratios])


def explained_on_test(runs: xr.Dataset) -> np.ndarray:
    """Return the share of variance explained on the test set over that on the training set.

    One number a data set, from means over its labels, as the published errors are.
    """
    shares = []
    for here in split_by(last(runs), "dataset"):
        means = here.mean("run")
        test, train = (1 - means[f"{part}_error"] / means[f"{part}_variance"] for part in ("test", "train"))
        shares.append(float(test / train))
    return np.array(shares)


def over_linear(runs: xr.Dataset, *, part: Literal["train", "test"]) -> np.ndarray:
    """Return the training or test error over that of linear least squares, for each data set and rank.

    Both are means over the same labels.
    """
    groups = split_by(last(runs), "dataset", "tensor_rank")
    return np.array([float(g[f"{part}_error"].mean() / g[f"linear_{part}_error"].mean()) for g in groups])


def accuracy_gain(runs: xr.Dataset, *, kind: Literal["test", "test_class"]) -> np.ndarray:
    """Return by how much the accuracy ``test`` or ``test_class`` exceeds that of least squares.

    For each data set and rank, means over the same labels.
    """
    groups = split_by(last(runs), "dataset", "tensor_rank")
    return np.array([float((g[f"{kind}_accuracy"] - g[f"linear_{kind}_accuracy"]).mean(skipna=False)) for g in groups])
