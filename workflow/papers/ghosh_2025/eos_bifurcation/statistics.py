"""Statistics of the bifurcation diagram."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ghosh_2025.common import LONGEST_PERIOD, over_onset, periods, spectrum
from greedyrank.theory import edge_of_stability


def late(runs: xr.Dataset, count: int = 4 * LONGEST_PERIOD) -> np.ndarray:
    """Return the last values of the product, (runs, count)."""
    return runs.diagonal.isel(place=0).to_numpy()[:, -count:]


def branch_error(runs: xr.Dataset, *, start: float, end: float) -> np.ndarray:
    """Return the largest distance of late values from the predicted branches, for steps between shares of the onset."""
    shares, values, found = over_onset(runs), late(runs), []
    for index in np.flatnonzero((start <= shares) & (shares <= end)):
        run = runs.isel(run=index)
        cycle = edge_of_stability.two_cycle(spectrum(run)[0], int(run.depth), float(run.learning_rate))
        found.append(np.abs(values[index][:, None] - np.array(cycle)).min(1).max())
    return np.array(found)


def first_period(runs: xr.Dataset, *, period: int) -> float:
    """Return the smallest step, over the onset, with a period; NaN if no run has it."""
    here = over_onset(runs)[periods(runs)[:, 0] == period]
    return float(here.min()) if len(here) else np.nan
