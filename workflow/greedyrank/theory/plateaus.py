"""Where the effective rank of Chou et al. 2020 rests, and when an eigenvalue is recovered."""

from __future__ import annotations

import numpy as np
import xarray as xr

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


def first_step(runs: xr.Dataset, share: float, eigenvector: int = 0) -> np.ndarray:
    """Return the first recorded step of each run at which a share of an eigenvalue is learned; NaN if none."""
    learned = runs.learned_eigenvalue.isel(eigenvector=eigenvector)
    reached = learned >= share * runs.target_eigenvalue.isel(eigenvector=eigenvector)
    steps = runs.step.isel(record=reached.argmax("record"))
    return steps.where(reached.any("record")).to_numpy()


def interval(run: xr.Dataset, rank: int, share: float) -> tuple[float, float]:
    """Return the predicted interval of a rank in steps, `theory.rank_intervals`, from what a run sees."""
    eigenvalues = run.observed_eigenvalue.to_numpy()
    depth, alpha, rate = (run[name].item() for name in ("depth", "layer_alpha", "learning_rate"))
    start, end = recovery_times.rank_intervals(eigenvalues, int(depth), alpha, rate, share)[rank - 1]
    return float(start), float(end)
