"""Statistics of the recovery of one eigenvalue; runs are in the order of their depths."""

from __future__ import annotations

import numpy as np
import xarray as xr


def first_step(runs: xr.Dataset, share: float, eigenvector: int = 0) -> np.ndarray:
    """Return the first recorded step of each run at which a share of an eigenvalue is learned; NaN if none."""
    learned = runs.learned_eigenvalue.isel(eigenvector=eigenvector)
    reached = learned >= share * runs.target_eigenvalue.isel(eigenvector=eigenvector)
    steps = runs.step.isel(record=reached.argmax("record"))
    return steps.where(reached.any("record")).to_numpy()


def half_times_off(runs: xr.Dataset, *, picture: list[float]) -> float:
    """Return the largest relative distance of the half-times from those given, one a depth."""
    order = np.argsort(runs.depth.to_numpy())
    half = first_step(runs, 0.5)[order]
    return float(np.max(np.abs(half / picture - 1))) if len(half) == len(picture) else np.nan


def delays(runs: xr.Dataset) -> np.ndarray:
    """Return the steps from each depth's half-time to that of the next depth."""
    order = np.argsort(runs.depth.to_numpy())
    return np.diff(first_step(runs, 0.5)[order])


def duration_ratios(runs: xr.Dataset, *, since: float) -> np.ndarray:
    """Return the ratio of each depth's duration to that of the depth before.

    From the share ``since`` of the eigenvalue, 0 for the start of the run, to 90 % of it.
    """
    order = np.argsort(runs.depth.to_numpy())
    duration = (first_step(runs, 0.9) - first_step(runs, since))[order]
    return duration[1:] / duration[:-1]


def recovered_at(runs: xr.Dataset, *, step: int) -> np.ndarray:
    """Return what is recovered of the eigenvalue at a recorded step."""
    return runs.learned_eigenvalue.isel(eigenvector=0).where(runs.step == step).max("record").to_numpy()
