"""Statistics of tensor completion against the number of observations, at the end of each run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.selection import last


def error(runs: xr.Dataset) -> np.ndarray:
    """Return the reconstruction error, the relative (unsquared) distance to the target."""
    return last(runs).relative_error.to_numpy()


def tensor_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the CP rank of what was learned."""
    return runs.tensor_rank.to_numpy()


def zero_filled_error(runs: xr.Dataset) -> np.ndarray:
    """Return the reconstruction error of the observed entries with zeros elsewhere."""
    return runs.zero_filled_error.to_numpy()


def zero_filled_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the CP rank of the observed entries with zeros elsewhere."""
    return runs.zero_filled_rank.to_numpy()
