"""Statistics of the init scale of a tubal factorization."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last
from karnik_2025.common import error_at


def _medians(runs: xr.Dataset, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of alpha, falling, and the median error over the seeds of each."""
    alphas, errors = runs.tubal_alpha.to_numpy(), error_at(runs, step=step)
    distinct = np.unique(alphas)[::-1]
    return distinct, np.array([np.median(errors[alphas == alpha]) for alpha in distinct])


def falls(runs: xr.Dataset, *, step: int) -> np.ndarray:
    """Return the factors by which the median error at a step falls from each alpha to the next smaller one."""
    _, errors = _medians(runs, step)
    return errors[:-1] / errors[1:]


def slope(runs: xr.Dataset, *, step: int) -> float:
    """Return the slope of the logarithm of the median error on that of alpha, by least squares."""
    alphas, errors = _medians(runs, step)
    return float(np.polyfit(np.log(alphas), np.log(errors), 1)[0])


def over_least_norm(runs: xr.Dataset) -> np.ndarray:
    """Return the relative error at the last record over that of the symmetric tensor of least norm that fits."""
    return (last(runs).relative_error / runs.least_norm_error).to_numpy()


def least_norm_error(runs: xr.Dataset) -> np.ndarray:
    """Return the relative error of the symmetric tensor of least norm that fits the measurements."""
    return runs.least_norm_error.to_numpy()


def tubal_rank(runs: xr.Dataset, *, above: float) -> np.ndarray:
    """Return how many singular tubes have a norm above a share of the largest, at the last record."""
    norms = last(runs).tube_norm
    return (norms > above * norms.max("component")).sum("component").to_numpy()
