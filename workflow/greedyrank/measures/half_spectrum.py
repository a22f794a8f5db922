"""Singular values between the first half of the modes and the second, of what is learned and of the target."""

from __future__ import annotations

import math

import xarray as xr

from greedyrank.measures.singular_values import LARGEST
from greedyrank.spectra import linear_algebra


def _between_halves(tensors: xr.DataArray) -> xr.DataArray:
    """Return the singular values of tensors whose axes beside run and record are their modes, in order."""
    before = [dim for dim in ("run", "record") if dim in tensors.dims]
    modes = [dim for dim in tensors.dims if dim not in before]
    middle = len(modes) // 2
    array = tensors.transpose(*before, *modes)
    rows = math.prod(array.sizes[mode] for mode in modes[:middle])
    stack = array.to_numpy().reshape(*(array.sizes[dim] for dim in before), rows, -1)
    return linear_algebra.singular_values(xr.DataArray(stack, dims=[*before, "row", "column"])).isel(
        component=slice(LARGEST)
    )


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``half_value`` (run, record, component) and ``target_half_value`` (run, component).

    The ten largest, descending, of the matrix whose rows are the first half of the modes: the root
    spectrum of a hierarchical factorization. Empty where no whole tensors are recorded.
    """
    if "end_to_end" not in runs:
        return xr.Dataset()
    return xr.Dataset(
        {"half_value": _between_halves(runs.end_to_end), "target_half_value": _between_halves(runs.target)}
    )
