"""Statistics of the determinant-sign figure: one number per run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import at_loss
from razin_cohen_2020.common import entry_at_loss


def norm_growth(runs: xr.Dataset, *, start: float, end: float) -> np.ndarray:
    """Return the factor by which the nuclear norm grows from one level of the loss to another."""
    return (at_loss(runs, end).nuclear_norm / at_loss(runs, start).nuclear_norm).to_numpy()


def rank_excess_at_loss(runs: xr.Dataset, *, loss: float) -> np.ndarray:
    """Return the effective rank minus 1, its infimum over solutions, at a level of the loss."""
    return (at_loss(runs, loss).effective_rank - 1).to_numpy()


def fraction_below(runs: xr.Dataset, *, loss: float, threshold: float) -> np.floating:
    """Return the fraction of runs whose |W_11| at a level of the loss is below a threshold."""
    return np.mean(entry_at_loss(runs, loss=loss) < threshold)


def sign_kept(runs: xr.Dataset) -> np.ndarray:
    """Return 1 where the determinant has its initial sign at every record, else 0."""
    wanted = np.where(runs.det == "positive", 1, -1)[:, None]
    return np.where(runs.step >= 0, np.sign(runs.determinant) == wanted, True).all(axis=1).astype(float)
