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


def gap_growth(runs: xr.Dataset, *, large: float, small: float) -> np.ndarray:
    """Return the gap from a small init over that from a larger one, for each data seed."""
    return np.array([pair[1] / pair[0] for pair in along(relative_gap(runs), "factor_norm", [large, small])])


def target_over_minimum(runs: xr.Dataset) -> np.ndarray:
    """Return the target's nuclear norm over the minimum, less 1."""
    return (runs.target_nuclear_norm / runs.minimum_nuclear_norm - 1).to_numpy()
