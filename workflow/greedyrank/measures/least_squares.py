"""Errors and accuracies of the linear baseline of the image classifiers."""

from __future__ import annotations

import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``linear_train_error``, ``linear_test_error``, ``linear_test_accuracy``, ``linear_test_class_accuracy``.

    Each (run,): those of linear least squares on the run's own images and labels.
    """
    names = ("train_error", "test_error", "test_accuracy", "test_class_accuracy")
    return xr.Dataset({f"linear_{name}": runs[f"baseline_{name}"] for name in names})
