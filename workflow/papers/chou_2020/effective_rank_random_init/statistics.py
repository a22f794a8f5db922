"""Statistics of the plateaus from random init: one number per run, unless said otherwise."""

from __future__ import annotations

import numpy as np
import xarray as xr

from chou_2020.common import resting_values
from greedyrank.theory import recovery_times


def off_plateaus(runs: xr.Dataset, *, places: list[int]) -> np.ndarray:
    """Return how far the effective rank rests from the predicted heights at most, relative to them."""
    heights = np.array([recovery_times.plateau_heights(values) for values in runs.target_eigenvalue.to_numpy()])
    off = [np.abs(resting_values(runs, place) / heights[:, place - 1] - 1) for place in places]
    return np.max(off, axis=0)


def fraction_on_plateaus(runs: xr.Dataset, *, places: list[int], tolerance: float) -> float:
    """Return the fraction of runs that rest within a tolerance of every predicted height."""
    return float(np.mean(off_plateaus(runs, places=places) < tolerance))


def lowest_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the smallest effective rank of each run."""
    return runs.nuclear_rank.min("record").to_numpy()
