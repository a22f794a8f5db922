"""How many components were learned: singular values of a matrix or component norms of a tensor."""

from __future__ import annotations

import xarray as xr

from greedyrank.measures import component_norms, singular_values


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``component_size`` (run, record, component), the ten largest, descending."""
    if "component_norm" in runs:
        sizes = component_norms.measure(runs).component_norm
    else:
        sizes = singular_values.measure(runs).singular_value
    return xr.Dataset({"component_size": sizes})
