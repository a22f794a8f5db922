"""Squared errors over the observed and over the other entries, in completion."""

from __future__ import annotations

import numpy as np
import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``train_error`` and ``test_error``, both (run, record).

    Mean squared residual over the observed and over the other entries, each relative to the mean
    square of the target there: 1 for the zero tensor. NaN where there is no such entry.
    """
    axes = runs.target.dims[1:]
    target = runs.target.to_numpy()[:, None]
    seen = runs.observed_mask.to_numpy()[:, None] > 0
    squares = (runs.end_to_end.transpose("run", "record", *axes).to_numpy().astype(np.float64) - target) ** 2
    over = tuple(range(2, squares.ndim))
    with np.errstate(invalid="ignore"):
        errors = {
            name: (squares * part).sum(over) / (target**2 * part).sum(over)
            for name, part in (("train_error", seen), ("test_error", ~seen))
        }
    return xr.Dataset({name: (("run", "record"), error) for name, error in errors.items()})
