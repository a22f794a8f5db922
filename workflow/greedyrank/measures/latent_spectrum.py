"""Spectrum of the latent codes of an autoencoder, and its errors."""

from __future__ import annotations

import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``latent_value`` (run, record, component), and ``train_error`` and ``test_error`` (run, record).

    Values are the singular values of the covariance, descending; errors are mean squares per pixel. As recorded.
    """
    return runs[["latent_value", "train_error", "test_error"]]
