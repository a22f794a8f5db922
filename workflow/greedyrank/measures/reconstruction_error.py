"""Distance to the target, over all entries, observed ones included."""

from __future__ import annotations

import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``relative_error`` = ||W - W*||_F / ||W*||_F (Razin), (run, record), as recorded.

    Its square, ``relative_squared_error``, is the reconstruction error of Arora et al. 2019.
    """
    error = runs.relative_error
    return xr.Dataset({"relative_error": error, "relative_squared_error": error**2})
