"""Determinant of the leading 2x2 block of the end-to-end matrix."""

from __future__ import annotations

import numpy as np
import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``leading_minor`` (run, record), computed in float64."""
    block = runs.end_to_end.transpose("run", "record", "row", "column").isel(row=slice(2), column=slice(2))
    with np.errstate(invalid="ignore"):  # records that are padding
        minor = np.linalg.det(block.to_numpy().astype(np.float64))
    return xr.Dataset({"leading_minor": (("run", "record"), minor)})
