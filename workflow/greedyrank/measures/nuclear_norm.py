"""Nuclear norm of the end-to-end matrix."""

from __future__ import annotations

import xarray as xr

from greedyrank.spectra import linear_algebra


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``nuclear_norm`` (run, record), the sum of the singular values."""
    return xr.Dataset({"nuclear_norm": linear_algebra.singular_values(runs.end_to_end).sum("component", skipna=False)})
