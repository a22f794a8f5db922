"""Determinant of the end-to-end matrix."""

from __future__ import annotations

import numpy as np
import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``determinant`` (run, record), computed in float64."""
    matrices = runs.end_to_end.transpose("run", "record", "row", "column")
    with np.errstate(invalid="ignore"):  # records that are padding
        determinant = np.linalg.det(matrices.to_numpy().astype(np.float64))
    return xr.Dataset({"determinant": (("run", "record"), determinant)})
