"""Statistics of the phase diagram."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.selection import last


def counts(runs: xr.Dataset, *, threshold: float) -> np.ndarray:
    """Return how many of the ten largest components exceed a share of the target's norm at the end."""
    sizes = last(runs).component_size / runs.target_norm
    return (sizes > threshold).sum("component").to_numpy()


def errors(runs: xr.Dataset) -> np.ndarray:
    """Return the relative error at the end."""
    return last(runs).relative_error.to_numpy()
