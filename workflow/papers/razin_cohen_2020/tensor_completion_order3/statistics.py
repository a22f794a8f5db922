"""Statistics of tensor completion against the number of observations, at the end of each run.

Most take medians over targets and inits at each number of observations: one number for each.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last, select

PUBLISHED_INITS = 5  # of which each published value is the median


def _at_sizes(runs: xr.Dataset, values: xr.DataArray, sizes: list | None = None) -> list[np.ndarray]:
    """Return the values at each number of observations, or at those asked for."""
    asked = np.unique(runs.observations) if sizes is None else sizes
    return [values.to_numpy()[runs.observations.to_numpy() == size] for size in asked]


def _medians(runs: xr.Dataset, values: xr.DataArray, sizes: list | None = None) -> np.ndarray:
    """Return the median at each number of observations, or at those asked for; NaN where there is none."""
    return np.array([np.median(some) if len(some) else np.nan for some in _at_sizes(runs, values, sizes)])


def error(runs: xr.Dataset) -> np.ndarray:
    """Return the median reconstruction error, the relative (unsquared) distance to the target."""
    return _medians(runs, last(runs).relative_error)


def largest_error(runs: xr.Dataset) -> float:
    """Return the largest reconstruction error of all runs."""
    return last(runs).relative_error.max()


def share_above_error(runs: xr.Dataset, *, level: float) -> float:
    """Return the share of runs whose reconstruction error is above a level."""
    return float(np.mean(last(runs).relative_error > level))


def _chance_beyond(share: float) -> float:
    """Return how likely the median of `PUBLISHED_INITS` inits is beyond a value beyond which a share of inits is.

    Three of five are then beyond it: the sum of 10 p^3 q^2, 5 p^4 q and p^5.
    """
    p, q = share, 1 - share
    return 10 * p**3 * q**2 + 5 * p**4 * q + p**5


def _chance(values: np.ndarray, published: float, reading: float) -> float:
    """Return the two-sided probability of a median as far out as the published one, read with a relative error."""
    if not len(values):
        return np.nan
    below = _chance_beyond(float(np.mean(values <= published * (1 + reading))))
    above = _chance_beyond(float(np.mean(values >= published / (1 + reading))))
    return min(1.0, 2 * below, 2 * above)


def error_chance(runs: xr.Dataset, *, sizes: list[int], medians: list[float], reading: float = 0.2) -> np.ndarray:
    """Return how likely five inits have a median error as far out as the published one, at each number of observations.

    Two-sided, with the distribution of our inits, and the published values read off up to a relative error.
    """
    found = _at_sizes(runs, last(runs).relative_error, sizes)
    return np.array([_chance(values, median, reading) for values, median in zip(found, medians, strict=True)])


def rank_chance(runs: xr.Dataset, *, sizes: list[int], medians: list[float]) -> np.ndarray:
    """Return the same of the CP rank of what was learned."""
    found = _at_sizes(runs, runs.tensor_rank, sizes)
    return np.array([_chance(values, median, 0.0) for values, median in zip(found, medians, strict=True)])


def error_over_published(runs: xr.Dataset, *, sizes: list[int], medians: list[float]) -> np.ndarray:
    """Return the median reconstruction error over the published one."""
    return _medians(runs, last(runs).relative_error, sizes) / medians


def zero_filled_error_over_published(runs: xr.Dataset, *, sizes: list[int], medians: list[float]) -> np.ndarray:
    """Return the error of the observed entries with zeros elsewhere over the published one."""
    return _medians(runs, runs.zero_filled_error, sizes) / medians


def tensor_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the median CP rank of what was learned."""
    return _medians(runs, runs.tensor_rank)


def share_above_rank(runs: xr.Dataset, *, rank: int) -> float:
    """Return the share of runs that learned a tensor of more than some CP rank."""
    return float(np.mean(runs.tensor_rank > rank))


def zero_filled_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the CP rank of each run's observed entries with zeros elsewhere."""
    return runs.zero_filled_rank.to_numpy()


def zero_filled_rank_off(runs: xr.Dataset, *, sizes: list[int], ranks: list[float]) -> np.ndarray:
    """Return how far the rank of the observed entries with zeros elsewhere is from the published one."""
    return np.abs(_medians(runs, runs.zero_filled_rank, sizes) - ranks)


def init_ratio(runs: xr.Dataset, *, large: float, small: float) -> np.ndarray:
    """Return, for each target and number of observations, the median error from one init over a smaller one's."""
    ratios = []
    for seed in np.unique(runs.data_seed):
        before, after = (error(select(runs, {"data_seed": int(seed), "factor_std": std})) for std in (large, small))
        ratios += list(before / after)
    return np.array(ratios)
