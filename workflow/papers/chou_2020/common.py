"""What the figures of the effective rank, ``effective_rank_*``, share: where it rests, and ends."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last
from greedyrank.theory import recovery_times


def resting_value(step: np.ndarray, rank: np.ndarray, heights: np.ndarray, place: int) -> float:
    """Return the effective rank where it changes least, per ratio of steps, around one predicted height.

    Parameters
    ----------
    step, rank : ndarray
        Recorded steps, the first 0, and the effective rank there.
    heights : ndarray
        Predicted plateaus, rising.
    place : int
        Which of them, from 1; what counts lies between the middles to its neighbours, and not
        before the minimum: from an init of full rank the effective rank first falls.

    Returns
    -------
    float
        NaN where the effective rank never gets there.
    """
    middles = [-np.inf, *(heights[1:] + heights[:-1]) / 2, np.inf]
    slope = np.abs(np.gradient(rank[1:], np.log(step[1:])))
    later = np.arange(len(slope)) >= rank[1:].argmin()
    here = np.flatnonzero(later & (middles[place - 1] < rank[1:]) & (rank[1:] <= middles[place]))
    return float(rank[1:][here[slope[here].argmin()]]) if len(here) else np.nan


def resting_values(runs: xr.Dataset, place: int) -> np.ndarray:
    """Return `resting_value` of each run, with the heights of its own target."""
    found = []
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        seen = run.step.to_numpy() >= 0
        heights = recovery_times.plateau_heights(run.target_eigenvalue.to_numpy())
        found.append(resting_value(run.step.to_numpy()[seen], run.nuclear_rank.to_numpy()[seen], heights, place))
    return np.array(found)


def resting_rank(runs: xr.Dataset, *, place: int) -> np.ndarray:
    """Return the effective rank where it changes least around the predicted height of a rank."""
    return resting_values(runs, place)


def final_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the effective rank at the last record."""
    return last(runs).nuclear_rank.to_numpy()
