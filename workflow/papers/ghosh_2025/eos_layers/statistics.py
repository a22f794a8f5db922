"""Statistics of the layers beyond the edge of stability."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ghosh_2025.common import balancing_gaps, periods


def period(runs: xr.Dataset, *, place: int) -> np.ndarray:
    """Return the period of a singular value at the end, counted from 1 for the largest; NaN if it has none."""
    return periods(runs)[:, place - 1]


def oscillating(runs: xr.Dataset) -> np.ndarray:
    """Return how many singular values do not rest at the end of each run."""
    return (periods(runs) != 1).sum(1).astype(float)


def final_gap(runs: xr.Dataset) -> np.ndarray:
    """Return the balancing gap of the last two layers along the largest singular value, at the end."""
    return balancing_gaps(runs, int(runs.depth[0]) - 1, int(runs.depth[0]))[:, -1]
