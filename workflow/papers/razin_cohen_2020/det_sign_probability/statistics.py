"""Statistics of a thousand inits: shares of runs that diverge, and of runs whose determinant changes sign."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import at_loss, last
from razin_cohen_2020.common import over_curve

THRESHOLD = 0.5  # of |W_11| sqrt(2 loss), which is 1 on the predicted curve and falls to 0 off it


Sign = Literal["positive", "negative", "any"]


def _diverges(ends: xr.Dataset, threshold: float) -> np.ndarray:
    return over_curve(ends) > threshold


def _first_sign(runs: xr.Dataset) -> np.ndarray:
    return np.sign(runs.determinant.isel(record=0)).to_numpy()


def diverging_share(runs: xr.Dataset, *, det: Sign, loss: float | None = None) -> np.ndarray:
    """Return, for each depth, the share of the runs with one sign of det W(0) that diverge.

    ``det`` is positive, negative or any. At the last record, or when the loss first reaches a level.
    """
    sign = _first_sign(runs)
    kept = {"positive": sign > 0, "negative": sign < 0, "any": sign != 0}[det]
    ends = last(runs) if loss is None else at_loss(runs, loss)
    diverges, depth = _diverges(ends, THRESHOLD), runs.depth.to_numpy()
    return np.array([diverges[kept & (depth == value)].mean() for value in np.unique(depth)])


def excess_of_positive(runs: xr.Dataset, *, when: str) -> float:
    """Return how far the share of the runs with det W > 0 is from a half, in standard deviations of such a share.

    At the ``start``, or at the ``end``. The standard deviation is 1 / (2 sqrt(runs)).
    """
    determinant = runs.isel(record=0).determinant if when == "start" else last(runs).determinant
    share = float((determinant > 0).mean())
    return abs(share - 0.5) * 2 * np.sqrt(runs.sizes["run"])


def same_class(runs: xr.Dataset, *, loss: float, later: float) -> float:
    """Return the share of the runs that diverge at one level of the loss and at a later one, or at neither."""
    early, late = (_diverges(at_loss(runs, level), THRESHOLD) for level in (loss, later))
    return float(np.mean(early == late))


def crossed(runs: xr.Dataset) -> np.ndarray:
    """Return 1 where a run with det W(0) > 0 ends with det W < 0, else 0."""
    ends = last(runs.isel(run=np.flatnonzero(_first_sign(runs) > 0)))
    return (ends.determinant < 0).astype(float).to_numpy()


def height_per_decade(runs: xr.Dataset) -> np.ndarray:
    """Return, for each seed, by how much |W_11| at the last record grows as the learning rate falls tenfold."""
    ends = last(runs)
    height, rate, seed = np.abs(ends.unobserved_entry.to_numpy()), ends.learning_rate.to_numpy(), ends.seed.to_numpy()
    return np.array([-np.polyfit(np.log10(rate[seed == s]), height[seed == s], 1)[0] for s in np.unique(seed)])
