"""Statistics of the plateaus in matrix sensing: one number per run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last


def smallest_learned(runs: xr.Dataset) -> np.ndarray:
    """Return what is learned in the end along the eigenvector of the smallest eigenvalue."""
    return last(runs).learned_eigenvalue.isel(eigenvector=-1).to_numpy()
