"""Statistics of the determinant-sign figure: one number a run."""

from __future__ import annotations

import numpy as np
import xarray as xr


def _last(runs: xr.Dataset, variable: str) -> np.ndarray:
    last = (runs.step >= 0).sum("record") - 1
    return runs[variable].isel(record=last).to_numpy()


def _at_loss(runs: xr.Dataset, variable: str, loss: float) -> np.ndarray:
    """Return a variable at the first record whose loss is at most ``loss``; NaN where there is none."""
    reached = (runs.loss <= loss).to_numpy()
    values = runs[variable].to_numpy()
    return np.where(reached.any(axis=1), values[np.arange(len(values)), reached.argmax(axis=1)], np.nan)


def entry_over_prediction(runs: xr.Dataset) -> np.ndarray:
    """Return |W_11| sqrt(2 loss) at the last record: 1 on the predicted curve."""
    return np.abs(_last(runs, "unobserved_entry")) * np.sqrt(2 * _last(runs, "loss"))


def entry_at_loss(runs: xr.Dataset, *, loss: float) -> np.ndarray:
    """Return |W_11| when the loss first reaches a level."""
    return np.abs(_at_loss(runs, "unobserved_entry", loss))


def last_entry(runs: xr.Dataset) -> np.ndarray:
    """Return |W_11| at the last record."""
    return np.abs(_last(runs, "unobserved_entry"))


def norm_growth(runs: xr.Dataset, *, start: float, end: float) -> np.ndarray:
    """Return the factor by which the nuclear norm grows from one level of the loss to another."""
    return _at_loss(runs, "nuclear_norm", end) / _at_loss(runs, "nuclear_norm", start)


def rank_excess_at_loss(runs: xr.Dataset, *, loss: float) -> np.ndarray:
    """Return the effective rank minus 1, its infimum over solutions, at a level of the loss."""
    return _at_loss(runs, "effective_rank", loss) - 1


def fraction_below(runs: xr.Dataset, *, loss: float, threshold: float) -> np.ndarray:
    """Return the fraction of runs whose |W_11| at a level of the loss is below a threshold."""
    return np.mean(entry_at_loss(runs, loss=loss) < threshold)


def sign_kept(runs: xr.Dataset) -> np.ndarray:
    """Return 1 where the determinant has its initial sign at every record, else 0."""
    wanted = np.where(runs.det == "positive", 1, -1)[:, None]
    return np.where(runs.step >= 0, np.sign(runs.determinant) == wanted, True).all(axis=1).astype(float)
