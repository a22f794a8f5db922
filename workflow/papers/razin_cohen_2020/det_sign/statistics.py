"""Statistics of the determinant-sign figure: one number a run."""

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


def norm_growth(runs: xr.Dataset, *, start: float, end: float) -> np.ndarray:
    """Return the factor by which the nuclear norm grows from one level of the loss to another."""
    return (at_loss(runs, end).nuclear_norm / at_loss(runs, start).nuclear_norm).to_numpy()


def rank_excess_at_loss(runs: xr.Dataset, *, loss: float) -> np.ndarray:
    """Return the effective rank minus 1, its infimum over solutions, at a level of the loss."""
    return (at_loss(runs, loss).effective_rank - 1).to_numpy()


def fraction_below(runs: xr.Dataset, *, loss: float, threshold: float) -> np.ndarray:
    """Return the fraction of runs whose |W_11| at a level of the loss is below a threshold."""
    return np.mean(entry_at_loss(runs, loss=loss) < threshold)


def sign_kept(runs: xr.Dataset) -> np.ndarray:
    """Return 1 where the determinant has its initial sign at every record, else 0."""
    wanted = np.where(runs.det == "positive", 1, -1)[:, None]
    return np.where(runs.step >= 0, np.sign(runs.determinant) == wanted, True).all(axis=1).astype(float)
