"""Singular values between every other mode and the rest, which no node of a tree of neighbouring modes joins."""

from __future__ import annotations

import xarray as xr

from greedyrank.measures.half_spectrum import modes_of, values_between


def _crossing(tensors: xr.DataArray) -> xr.DataArray:
    return values_between(tensors, modes_of(tensors)[::2])


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``crossing_value`` (run, record, component) and ``target_crossing_value`` (run, component).

    The ten largest, descending, of the matrix whose rows are the modes 0, 2, ...; {1, 3} in the words of Razin, Maman &
    Cohen 2022. Empty where no whole tensors are recorded.
    """
    if "end_to_end" not in runs:
        return xr.Dataset()
    return xr.Dataset({"crossing_value": _crossing(runs.end_to_end), "target_crossing_value": _crossing(runs.target)})
