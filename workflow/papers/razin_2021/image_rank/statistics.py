"""Statistics of the tensor-rank figure.

Errors are those at the last epoch; where two variants are compared, at the last one that both reached.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last
from razin_2021.common import compared, split_by


def train_error(runs: xr.Dataset) -> np.ndarray:
    """Return the training error of each run."""
    return last(runs).train_error.to_numpy()


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
