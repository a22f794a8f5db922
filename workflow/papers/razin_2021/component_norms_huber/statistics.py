"""Statistics of the component-norm figure under Huber loss."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last


def _median_loss(runs: xr.Dataset, first: xr.DataArray, end: xr.DataArray) -> xr.DataArray:
    return runs.loss.where((runs.step > first) & (runs.step <= end)).median("record")


def loss_after_smaller_steps(runs: xr.Dataset, *, steps: int) -> np.ndarray:
    """Return the loss at the end of the finish over the median of the last ``steps`` steps before the stop."""
    return (last(runs).loss / _median_loss(runs, runs.stop_step - steps, runs.stop_step)).to_numpy()


def loss_after_equal_steps(runs: xr.Dataset, *, steps: int) -> np.ndarray:
    """Return the median loss of the last ``steps`` steps before the stop over that of as many steps before these."""
    before = _median_loss(runs, runs.stop_step - 2 * steps, runs.stop_step - steps)
    return (_median_loss(runs, runs.stop_step - steps, runs.stop_step) / before).to_numpy()
