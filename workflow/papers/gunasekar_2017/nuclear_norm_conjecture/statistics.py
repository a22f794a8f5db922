"""Statistics of the figure on the conjecture that gradient descent finds the minimum nuclear norm."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import along, last


def relative_gap(runs: xr.Dataset) -> xr.DataArray:
    """Return the nuclear norm at the end of each run over the minimum, less 1."""
    return last(runs).nuclear_norm / runs.minimum_nuclear_norm - 1


def gap(runs: xr.Dataset) -> np.ndarray:
    """Return `relative_gap` as an array."""
    return relative_gap(runs).to_numpy()


def gap_ratio(runs: xr.Dataset, *, setting: str, of: float, over: float) -> np.ndarray:
    """Return the gap at one value of a setting over that at another, for each data seed."""
    return np.array([pair[0] / pair[1] for pair in along(relative_gap(runs), setting, [of, over])])


def error_ratio(runs: xr.Dataset, *, setting: str, of: float, over: float) -> np.ndarray:
    """Return the error (unsquared) at one value of a setting over that at another, for each data seed."""
    return np.array([pair[0] / pair[1] for pair in along(last(runs).relative_error, setting, [of, over])])


def target_over_minimum(runs: xr.Dataset) -> np.ndarray:
    """Return the target's nuclear norm over the minimum, less 1."""
    return (runs.target_nuclear_norm / runs.minimum_nuclear_norm - 1).to_numpy()
