"""Nuclear rank of the end-to-end matrix, the effective rank of Chou et al. 2020."""

from __future__ import annotations

import xarray as xr

from greedyrank.spectra import linear_algebra


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``nuclear_rank`` (run, record): nuclear over spectral norm, between 1 and the rank."""
    values = linear_algebra.singular_values(runs.end_to_end)
    return xr.Dataset({"nuclear_rank": values.sum("component", skipna=False) / values.isel(component=0, drop=True)})
