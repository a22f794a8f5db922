"""Errors and accuracies of the image classifiers."""

from __future__ import annotations

import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return what is recorded of the image classifiers, each (run, record).

    ``train_error``, ``test_error`` and the labels' ``train_variance`` and ``test_variance``, on the
    scale of 0/1 labels; ``test_accuracy`` against the rest; ``test_class_accuracy`` among ten classes.
    """
    names = ("train_error", "test_error", "train_variance", "test_variance", "test_accuracy", "test_class_accuracy")
    return runs[list(names)]
