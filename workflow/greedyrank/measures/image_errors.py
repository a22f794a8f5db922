"""Training and test error of the image classifiers."""

from __future__ import annotations

import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``train_error``, ``test_error`` and the labels' ``train_variance`` and ``test_variance``.

    Each (run, record), on the scale of 0/1 labels, as recorded.
    """
    return runs[["train_error", "test_error", "train_variance", "test_variance"]]
