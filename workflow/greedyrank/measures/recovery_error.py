"""Error on the entries that are not observed, absolute (Yaras et al. 2023, Kwon et al. 2024)."""

from __future__ import annotations

import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``recovery_error`` (run, record): half the mean, over all entries, of squared residuals of unseen ones."""
    unseen = (runs.observed_mask == 0).astype(float)
    squares = (runs.end_to_end - runs.target) ** 2 * unseen
    half = squares.mean(("row", "column"), skipna=False) / 2
    return xr.Dataset({"recovery_error": half.transpose("run", "record")})
