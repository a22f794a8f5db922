"""Statistics of the core slices and factor columns of deep Tucker factorizations."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last


def slice_gap(runs: xr.Dataset, *, rank: int) -> np.ndarray:
    """Return the norm of slice number ``rank`` over the next at the end, in the geometric mean over the modes."""
    norms = last(runs).slice_norm
    gaps = norms.isel(slice=rank - 1) / norms.isel(slice=rank)
    return np.exp(np.log(gaps).mean("mode")).to_numpy()


def middle_growth(runs: xr.Dataset) -> np.ndarray:
    """Return by what factor the norm of the middle slice grows, in the geometric mean over the modes."""
    middle = runs.sizes["slice"] // 2
    growth = last(runs).slice_norm.isel(slice=middle) / runs.slice_norm.isel(record=0, slice=middle)
    return np.exp(np.log(growth).mean("mode")).to_numpy()


def imbalance(runs: xr.Dataset) -> np.ndarray:
    """Return the largest relative difference of a column's norm and its slice's at the end."""
    ends = last(runs)
    return np.abs(ends.column_norm / ends.slice_norm - 1).max(("mode", "slice")).to_numpy()
