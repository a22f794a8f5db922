"""Statistics of the perturbed observations: one number per run, of the runs on one branch."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import at_loss, at_stop, last, select
from greedyrank.theory import counterexample
from razin_cohen_2020.common import half_sum

Branch = Literal["right", "wrong"]


def _signed(eps: float, branch: str) -> float:
    return {"right": 1, "wrong": -1}[branch] * abs(eps)


def _on(runs: xr.Dataset, branch: str) -> xr.Dataset:
    return select(runs, {"wrong_branch": {"right": 0, "wrong": 1}[branch]})


def _predicted(ends: xr.Dataset, law: str) -> np.ndarray:
    return np.array(
        [
            counterexample.unobserved_entry(loss, product, _signed(eps, law))
            for loss, product, eps in zip(half_sum(ends).values, ends["product"].values, ends.eps.values, strict=True)
        ]
    )


def over_prediction(runs: xr.Dataset, *, branch: Branch, law: Branch, entry: float | None = None) -> np.ndarray:
    """Return |W_11| over |z z'| / (+-|eps| + sqrt(2 loss)), + for the right law.

    At the last record, or at the first where |W_11| exceeds ``entry``.
    """
    here = _on(runs, branch)
    if entry is None:
        ends = last(here)
    else:
        here = here.isel(run=np.flatnonzero((np.abs(here.unobserved_entry) > entry).any("record")))
        ends = here.isel(record=(np.abs(here.unobserved_entry) > entry).argmax("record"))
    return np.abs(ends.unobserved_entry.to_numpy()) / _predicted(ends, law)


def short_of_bound(runs: xr.Dataset) -> np.ndarray:
    """Return by which part |W_11| at the last record is below the bound |z z'| / (|eps| + sqrt(2 loss)), at least 0."""
    ends = last(runs)
    return np.maximum(1 - np.abs(ends.unobserved_entry.to_numpy()) / _predicted(ends, "right"), 0.0)


def median_over_published(runs: xr.Dataset, *, loss: float, entries: list[list[float]]) -> np.ndarray:
    """Return the median over seeds of |W_11|, when the loss first reaches a level, over the published value.

    ``entries`` has the pairs (eps, published |W_11|); one number for each. Runs that never get there are left out.
    """
    found = []
    for eps, published in entries:
        there = np.abs(at_loss(select(runs, {"eps": eps}), loss).unobserved_entry.to_numpy())
        there = there[np.isfinite(there)]
        found.append(np.median(there) / published if len(there) else np.nan)
    return np.array(found)


def loss_over_floor(runs: xr.Dataset, *, branch: Branch) -> np.ndarray:
    """Return the loss at the stop, as half the sum, over eps^2 / 2, its value at W_22 = 0, of runs with eps > 0."""
    here = _on(runs, branch)
    ends = at_stop(here.isel(run=np.flatnonzero(here.eps > 0)))
    return (half_sum(ends) / (ends.eps**2 / 2)).to_numpy()


def wrong_fraction(runs: xr.Dataset, *, eps: float) -> float:
    """Return the fraction of the runs with one eps that end on the wrong branch."""
    return float(select(runs, {"eps": eps}).wrong_branch.mean())
