"""What the figures of the determinant-sign counterexample, ``det_sign*``, share: statistics, one number per run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import at_loss, last


def over_curve(ends: xr.Dataset) -> np.ndarray:
    """Return |W_11| sqrt(2 loss) of runs at one record each: 1 on the predicted curve."""
    return (np.abs(ends.unobserved_entry) * np.sqrt(2 * ends.loss)).to_numpy()


def entry_over_prediction(runs: xr.Dataset) -> np.ndarray:
    """Return `over_curve` at the last record."""
    return over_curve(last(runs))


def entry_at_loss(runs: xr.Dataset, *, loss: float) -> np.ndarray:
    """Return |W_11| when the loss first reaches a level."""
    return np.abs(at_loss(runs, loss).unobserved_entry).to_numpy()


def last_entry(runs: xr.Dataset) -> np.ndarray:
    """Return |W_11| at the last record."""
    return np.abs(last(runs).unobserved_entry).to_numpy()
