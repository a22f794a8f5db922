"""Statistics of the balancing gap."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ghosh_2025.common import balancing_gaps


def gap_at(runs: xr.Dataset, *, step: int) -> np.ndarray:
    """Return the balancing gap of the two layers at a recorded step."""
    gaps = balancing_gaps(runs, 1, 2)
    return np.array([row[here][0] for row, here in zip(gaps, runs.step.to_numpy() == step, strict=True) if here.any()])


def largest_increase(runs: xr.Dataset) -> np.ndarray:
    """Return by how much of its start the gap grows in one step, at most; rounding alone gives about 1e-15."""
    gaps = balancing_gaps(runs, 1, 2)
    return np.diff(gaps, axis=1).max(1) / gaps[:, 0]


def final_curvature_share(runs: xr.Dataset) -> np.ndarray:
    """Return the curvature w_1^2 + w_2^2 at the end, over 2 / step size."""
    end = (runs.layer_diagonal.isel(place=0, record=-1) ** 2).sum("layer")
    return (end * runs.learning_rate / 2).to_numpy()


def largest_increase_of_products(runs: xr.Dataset) -> np.ndarray:
    """Return `largest_increase` of the distance of the product from the target in place of the gap."""
    values = runs.layer_diagonal.isel(place=0).prod("layer").to_numpy()
    targets = np.array([float(text) for text in runs.target_spectrum.values])[:, None]
    apart = np.abs(values - targets)
    return np.diff(apart, axis=1).max(1) / apart[:, 0]
