"""Statistics of the multilinear rank and the errors of deep Tucker factorizations."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import along, last


def test_error(runs: xr.Dataset) -> np.ndarray:
    """Return the squared error over the held-out entries at the end; 1 for the zero tensor."""
    return last(runs).test_error.to_numpy()


def smallest_gain(runs: xr.Dataset, *, depths: list[int]) -> np.ndarray:
    """Return, for each data seed, the smallest factor by which the test error falls along ``depths``."""
    errors = last(runs).test_error
    return np.array([min(found[:-1] / found[1:]) for found in along(errors, "depth", depths)])
