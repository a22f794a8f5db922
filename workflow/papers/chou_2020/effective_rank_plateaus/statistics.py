"""Statistics of the plateaus: one number per run, unless said otherwise."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from chou_2020.effective_rank_plateaus import recovery_draws
from greedyrank.theory import recovery_times


def largest_fall(runs: xr.Dataset, *, since: Literal["minimum", "start"]) -> np.ndarray:
    """Return by how much the effective rank falls at most, ``since`` its ``minimum`` or the ``start``."""
    found = []
    for curve in runs.nuclear_rank.to_numpy():
        rising = curve[np.nanargmin(curve) if since == "minimum" else 0 :]
        rising = rising[np.isfinite(rising)]
        found.append(np.max(np.maximum.accumulate(rising) - rising))
    return np.array(found)


def _intervals(run: xr.Dataset, share: float, coarser: float = 1.0) -> np.ndarray:
    depth, alpha, rate = (run[name].item() for name in ("depth", "layer_alpha", "learning_rate"))
    return recovery_times.rank_intervals(run.target_eigenvalue.to_numpy(), int(depth), alpha, coarser * rate, share)


def not_empty(runs: xr.Dataset, *, share: float, coarser: float = 1.0) -> np.ndarray:
    """Return the fraction of the intervals with an end that are not empty, if steps were ``coarser`` times as large."""
    found = []
    for index in range(runs.sizes["run"]):
        intervals = _intervals(runs.isel(run=index), share, coarser)[:-1]
        found.append(np.mean(intervals[:, 0] < intervals[:, 1]))
    return np.array(found)


def off_in_intervals(runs: xr.Dataset, *, share: float, rank_shift: int = 0) -> np.ndarray:
    """Return the largest relative distance of the effective rank from its predicted height inside the intervals.

    ``rank_shift`` compares with the height of a rank that much larger.
    """
    found = []
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        heights = recovery_times.plateau_heights(run.target_eigenvalue.to_numpy())
        off = []
        for place, (start, end) in enumerate(_intervals(run, share)):
            inside = run.nuclear_rank[(run.step >= start) & (run.step <= end)].to_numpy()
            if place + rank_shift < len(heights):
                off += list(np.abs(inside / heights[place + rank_shift] - 1))
        found.append(max(off, default=np.nan))
    return np.array(found)


def beyond_bound(runs: xr.Dataset, *, draws: int, seed: int, bound: Literal["bound", "flow_steps"] = "bound") -> float:
    """Return how many random recoveries, at the depths of the runs, take more steps than a bound.

    ``bound``: the theorem's, or ``flow_steps``, what gradient flow takes.
    """
    drawn = recovery_draws.draw(tuple(np.unique(runs.depth)), draws, seed)
    return float((drawn.steps > np.ceil(drawn[bound])).sum())


def bound_over_steps(runs: xr.Dataset, *, draws: int, seed: int, case: str) -> float:
    """Return the median of the bound over the steps taken in one case of the bound."""
    drawn = recovery_draws.draw(tuple(np.unique(runs.depth)), draws, seed)
    return (np.ceil(drawn.bound) / drawn.steps)[drawn.case == case].median().item()
