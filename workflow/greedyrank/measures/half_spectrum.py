"""Singular values between the first half of the modes and the second, of what is learned and of the target."""

from __future__ import annotations

import math
from collections.abc import Hashable

import xarray as xr

from greedyrank.measures.singular_values import LARGEST
from greedyrank.spectra import linear_algebra


def modes_of(tensors: xr.DataArray) -> list[Hashable]:
    """Return the names of the axes beside run and record."""
    return [dim for dim in tensors.dims if dim not in ("run", "record")]


def values_between(tensors: xr.DataArray, rows: list[Hashable]) -> xr.DataArray:
    """Return the ten largest singular values of the matricization whose rows are some modes, (..., component)."""
    before = [dim for dim in ("run", "record") if dim in tensors.dims]
    columns = [mode for mode in modes_of(tensors) if mode not in rows]
    array = tensors.transpose(*before, *rows, *columns)
    number = math.prod(array.sizes[mode] for mode in rows)
    stack = array.to_numpy().reshape(*(array.sizes[dim] for dim in before), number, -1)
    return linear_algebra.singular_values(xr.DataArray(stack, dims=[*before, "row", "column"])).isel(
        component=slice(LARGEST)
    )


def _between_halves(tensors: xr.DataArray) -> xr.DataArray:
    modes = modes_of(tensors)
    return values_between(tensors, modes[: len(modes) // 2])


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
