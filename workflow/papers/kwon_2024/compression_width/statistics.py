"""Statistics of the width of deep linear networks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import along, last


def step_ratio(runs: xr.Dataset, *, narrow: int, wide: int) -> np.ndarray:
    """Return the steps of a narrow network over those of a wide one, one number for each data seed."""
    pairs = along(runs.stop_step.astype(float), "width", [narrow, wide])
    return np.array([steps[0] / steps[1] for steps in pairs])


def final_recovery_error(runs: xr.Dataset) -> np.ndarray:
    """Return half the mean, over all entries, of the squared residuals of those not observed, at the end."""
    return last(runs).recovery_error.to_numpy()
