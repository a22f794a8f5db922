"""Statistics of the determinant-sign figure: one number per run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import at_loss
from razin_cohen_2020.common import entry_at_loss, last_entry


def norm_growth(runs: xr.Dataset, *, start: float, end: float) -> np.ndarray:
    """Return the factor by which the nuclear norm grows from one level of the loss to another."""
    return (at_loss(runs, end).nuclear_norm / at_loss(runs, start).nuclear_norm).to_numpy()


def rank_excess_at_loss(runs: xr.Dataset, *, loss: float) -> np.ndarray:
    """Return the effective rank minus 1, its infimum over solutions, at a level of the loss."""
    return (at_loss(runs, loss).effective_rank - 1).to_numpy()


def stays_below(runs: xr.Dataset, *, loss: float, threshold: float) -> np.ndarray:
    """Return 1 where |W_11| at a level of the loss is below a threshold, else 0."""
    return (entry_at_loss(runs, loss=loss) < threshold).astype(float)


def last_entry_by_sign(runs: xr.Dataset, *, sign: int) -> np.ndarray:
    """Return |W_11| at the last record of the runs whose det W(0) has a sign, 1 or -1."""
    return last_entry(runs)[np.sign(runs.determinant.isel(record=0).to_numpy()) == sign]


def sign_kept(runs: xr.Dataset) -> np.ndarray:
    """Return 1 where the determinant has its initial sign at every record, else 0."""
    sign = np.sign(runs.determinant)
    return np.where(runs.step >= 0, sign == sign.isel(record=0), True).all(axis=1).astype(float)
