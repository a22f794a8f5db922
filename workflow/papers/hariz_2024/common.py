"""What the figures of deep Tucker factorizations share: colours, and ranks at the end of each run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last

DEPTH_COLORS = {0: "gray", 1: "orange", 2: "blue", 3: "green", 4: "purple"}


def slices_above(runs: xr.Dataset, *, threshold: float) -> np.ndarray:
    """Return how many core slices exceed a norm at the end, for each run and each mode."""
    return (last(runs).slice_norm > threshold).sum("slice").to_numpy().ravel()


def multilinear_ranks(runs: xr.Dataset, *, threshold: float) -> np.ndarray:
    """Return how many singular values of each mode's unfolding exceed a share of the largest, at the end."""
    return (last(runs).multilinear_value > threshold).sum("component").to_numpy().ravel()
