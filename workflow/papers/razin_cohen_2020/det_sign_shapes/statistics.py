"""Statistics of larger matrices: one number per run."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import at_loss
from razin_cohen_2020.common import entry_over_prediction


def over_prediction(runs: xr.Dataset, *, block: Literal["positive", "negative", "any"] = "any") -> np.ndarray:
    """Return |W_11| sqrt(2 loss) at the last record: 1 on the predicted curve.

    ``block`` is positive, negative or any: the sign of the leading 2x2 minor of W(0) of the runs kept.
    """
    sign = np.sign(runs.leading_minor.isel(record=0).to_numpy())
    kept = {"positive": sign > 0, "negative": sign < 0, "any": np.isfinite(sign)}[block]
    return entry_over_prediction(runs.isel(run=np.flatnonzero(kept)))


def rise_on_steps(runs: xr.Dataset, *, losses: list, width: float, until: float) -> np.ndarray:
    """Return the part of the rise of |W_11| that takes place while the loss pauses.

    From the start to the loss ``until``. A pause is where the loss is within a relative ``width`` of one of ``losses``.
    """
    rise = np.abs(runs.unobserved_entry).diff("record")
    middle = np.sqrt(runs.loss * runs.loss.shift(record=1)).isel(record=slice(1, None))
    paused = sum(np.abs(middle / loss - 1) <= width for loss in losses) > 0
    before = runs.loss.isel(record=slice(1, None)) >= until
    return (rise.where(paused & before).sum("record") / rise.where(before).sum("record")).to_numpy()


def values_missing(runs: xr.Dataset, *, counts: dict) -> np.ndarray:
    """Return, for each run, by how many singular values it is off the staircase at worst.

    ``counts`` says how many are above 1/2 when the loss first reaches each level.
    """
    off = [
        np.abs((at_loss(runs, float(level)).singular_value > 0.5).sum("component") - n) for level, n in counts.items()
    ]
    return np.max([part.to_numpy() for part in off], axis=0)
