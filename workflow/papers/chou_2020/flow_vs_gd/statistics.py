"""Statistics of gradient descent against gradient flow."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last, select
from greedyrank.theory import recovery_times


def deviation(runs: xr.Dataset) -> np.ndarray:
    """Return the largest distance of gradient descent from gradient flow, over the largest eigenvalue, of each run."""
    return runs.flow_deviation.to_numpy()


def _half_time_lag(runs: xr.Dataset) -> np.ndarray:
    """Return how many steps later than gradient flow each run reaches half of the largest eigenvalue."""
    found = []
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        largest, rising = run.target_eigenvalue.values[0], run.learned_eigenvalue.values[:, 0]
        until = int(np.argmax(rising > largest / 2)) + 1
        half = np.interp(largest / 2, rising[:until], run.step.values[:until])
        depth, alpha = int(run.depth), run.layer_alpha.item()
        flow = recovery_times.flow_time(largest, depth, alpha, (largest / 2) ** (1 / depth))
        found.append(half - flow / run.learning_rate.item())
    return np.array(found)


def order(runs: xr.Dataset, *, of: Literal["deviation", "lag"]) -> np.ndarray:
    """Return the power of the step size with which a distance grows, one a depth and data seed.

    ``of``: the ``deviation``, or the ``lag`` in steps of half-times.
    """
    found = []
    for depth in np.unique(runs.depth):
        for seed in np.unique(runs.data_seed):
            here = select(runs, {"depth": int(depth), "data_seed": int(seed)})
            distance = deviation(here) if of == "deviation" else _half_time_lag(here)
            found.append(np.polyfit(np.log(here.learning_rate), np.log(distance), 1)[0])
    return np.array(found)


def lead(runs: xr.Dataset, *, phase: Literal["faster", "slower"]) -> np.ndarray:
    """Return how far gradient descent is ahead of gradient flow at most, relative to each positive eigenvalue.

    ``phase``: ``faster`` until the flow is fastest, ``slower`` from then on.
    """
    shares = xr.DataArray([recovery_times.fastest_share(int(depth)) for depth in runs.depth.values], dims="run")
    ahead = (runs.learned_eigenvalue - runs.flow_eigenvalue) / runs.target_eigenvalue
    before = runs.flow_eigenvalue <= shares * runs.target_eigenvalue
    inside = (before if phase == "faster" else ~before) & (runs.target_eigenvalue > 0)
    return ahead.where(inside).max(("record", "eigenvector")).to_numpy()


def last_negative(runs: xr.Dataset) -> np.ndarray:
    """Return what is learned along the eigenvector of the smallest eigenvalue at the last record."""
    return last(runs).learned_eigenvalue.isel(eigenvector=-1).to_numpy()
