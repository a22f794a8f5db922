"""Statistics of tensor completion against the number of observations, at the end of each run.

Most take medians over targets and inits at each number of observations: one number for each.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last, select


def _medians(runs: xr.Dataset, values: xr.DataArray, sizes: list | None = None) -> np.ndarray:
    """Return the median at each number of observations, or at those asked for; NaN where there is none."""
    asked = np.unique(runs.observations) if sizes is None else np.array(sizes)
    found = [values.to_numpy()[runs.observations.to_numpy() == size] for size in asked]
    return np.array([np.median(some) if len(some) else np.nan for some in found])


def error(runs: xr.Dataset) -> np.ndarray:
    """Return the median reconstruction error, the relative (unsquared) distance to the target."""
    return _medians(runs, last(runs).relative_error)


def largest_error(runs: xr.Dataset) -> float:
    """Return the largest reconstruction error of all runs."""
    return last(runs).relative_error.max()


def error_over_published(runs: xr.Dataset, *, sizes: list, medians: list) -> np.ndarray:
    """Return the median reconstruction error over the published one."""
    return _medians(runs, last(runs).relative_error, sizes) / medians


def zero_filled_error_over_published(runs: xr.Dataset, *, sizes: list, medians: list) -> np.ndarray:
    """Return the median error of the observed entries with zeros elsewhere over the published one."""
    return _medians(runs, runs.zero_filled_error, sizes) / medians


def tensor_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the median CP rank of what was learned."""
    return _medians(runs, runs.tensor_rank)


def zero_filled_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the CP rank of each run's observed entries with zeros elsewhere."""
    return runs.zero_filled_rank.to_numpy()


def zero_filled_rank_over_published(runs: xr.Dataset, *, sizes: list, medians: list) -> np.ndarray:
    """Return the median rank of the observed entries with zeros elsewhere over the published one."""
    return _medians(runs, runs.zero_filled_rank, sizes) / medians


def init_ratio(runs: xr.Dataset, *, large: float, small: float) -> np.ndarray:
    """Return, for each target and number of observations, the median error from one init over a smaller one's."""
    ratios = []
    for seed in np.unique(runs.data_seed):
        before, after = (error(select(runs, {"data_seed": int(seed), "factor_std": std})) for std in (large, small))
        ratios += list(before / after)
    return np.array(ratios)
