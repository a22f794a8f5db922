"""Statistics of norms and rank: one number per run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import at_loss


def norm_growths(runs: xr.Dataset, *, start: float, end: float) -> np.ndarray:
    """Return the factors by which each run's four norms grow from one level of the loss to another."""
    return (at_loss(runs, end).schatten_norm / at_loss(runs, start).schatten_norm).to_numpy().ravel()


def norms_over_prediction(runs: xr.Dataset, *, loss: float) -> np.ndarray:
    """Return each run's four norms times sqrt(2 loss), at a level of the loss."""
    there = at_loss(runs, loss)
    return (there.schatten_norm * np.sqrt(2 * there.loss)).to_numpy().ravel()


def rank_excess(runs: xr.Dataset, *, loss: float) -> np.ndarray:
    """Return the effective rank minus 1, its infimum over solutions, at a level of the loss."""
    return (at_loss(runs, loss).effective_rank - 1).to_numpy()


def rank_excess_over_root(runs: xr.Dataset) -> np.ndarray:
    """Return the largest (effective rank - 1) / sqrt(loss) after the loss first fell below 1e-1."""
    below = runs.loss.where(runs.loss <= 0.1)
    return ((runs.effective_rank - 1) / np.sqrt(below)).max("record").to_numpy()
