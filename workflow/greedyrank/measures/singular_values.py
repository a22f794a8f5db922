"""The largest singular values of the end-to-end matrix."""

from __future__ import annotations

import xarray as xr

from greedyrank.spectra import linear_algebra

LARGEST = 10  # as many as the papers show


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``singular_value`` (run, record, component), the ten largest, descending."""
    return xr.Dataset(
        {"singular_value": linear_algebra.singular_values(runs.end_to_end).isel(component=slice(LARGEST))}
    )
