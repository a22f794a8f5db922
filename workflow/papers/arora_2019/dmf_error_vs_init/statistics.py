"""Statistics of the deep matrix factorizations of Arora et al. 2019, at the end of each run.

Shared by the figures with the init, or the number of observations, on the axis.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import along, last


def error(runs: xr.Dataset) -> np.ndarray:
    """Return the reconstruction error, the relative squared distance to the target."""
    return last(runs).relative_squared_error.to_numpy()


def minimum_error(runs: xr.Dataset) -> np.ndarray:
    """Return the reconstruction error of the solution of minimum nuclear norm."""
    return runs.minimum_error.to_numpy()


def error_over_minimum(runs: xr.Dataset) -> np.ndarray:
    """Return the reconstruction error over that of the solution of minimum nuclear norm."""
    return error(runs) / minimum_error(runs)


def depth_ratio(runs: xr.Dataset, *, shallow: float, deep: float) -> np.ndarray:
    """Return the error at one depth over that at another, for each data seed and init."""
    errors = last(runs).relative_squared_error
    ratios = []
    for std in np.unique(runs.product_std):
        ratios += [pair[0] / pair[1] for pair in along(errors[runs.product_std == std], "depth", [shallow, deep])]
    return np.array(ratios)


def init_ratio(runs: xr.Dataset, *, large: float, small: float) -> np.ndarray:
    """Return the error from one init over that from a smaller one, for each data seed."""
    return np.array(
        [pair[0] / pair[1] for pair in along(last(runs).relative_squared_error, "product_std", [large, small])]
    )


def nuclear_norm_excess(runs: xr.Dataset) -> np.ndarray:
    """Return the nuclear norm minus the minimum over all matrices that fit."""
    return (last(runs).nuclear_norm - runs.minimum_nuclear_norm).to_numpy()


def excess_over_truth(runs: xr.Dataset) -> np.ndarray:
    """Return the nuclear norm's excess over the minimum, relative to the target's excess."""
    return nuclear_norm_excess(runs) / (runs.target_nuclear_norm - runs.minimum_nuclear_norm).to_numpy()


def effective_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the effective rank."""
    return last(runs).effective_rank.to_numpy()


def minimum_effective_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the effective rank of the solution of minimum nuclear norm."""
    return runs.minimum_effective_rank.to_numpy()


def rank_below_minimum(runs: xr.Dataset) -> np.ndarray:
    """Return by how much the effective rank is below that of the solution of minimum nuclear norm."""
    return minimum_effective_rank(runs) - effective_rank(runs)
