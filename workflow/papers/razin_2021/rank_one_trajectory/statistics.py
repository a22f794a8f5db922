"""Statistics of the rank-one trajectory figure."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.measures.rank_one_trajectory import HORIZON
from greedyrank.spectra.selection import along


def largest(runs: xr.Dataset) -> xr.DataArray:
    """Return the largest distance to the rank-one trajectory up to the horizon; NaN for a run that ends before."""
    return runs.rank_one_distance.max("record").where(runs.trajectory_time.max("record") >= HORIZON)


def first(runs: xr.Dataset) -> xr.DataArray:
    """Return the distance to the rank-one trajectory on the sphere, where it starts."""
    return runs.rank_one_distance.isel(record=np.isfinite(runs.rank_one_distance).argmax("record"))


def largest_distance(runs: xr.Dataset) -> np.ndarray:
    """Return `largest` as an array."""
    return largest(runs).to_numpy()


def distance_fall(runs: xr.Dataset, *, stds: list[float]) -> np.ndarray:
    """Return, for each data seed, the smallest factor by which the largest distance falls along ``stds``."""
    return np.array([min(found[:-1] / found[1:]) for found in along(largest(runs), "factor_std", stds)])


def sphere_exponent(runs: xr.Dataset, *, stds: list[float]) -> np.ndarray:
    """Return, for each data seed, the power of the init with which the distance on the sphere falls, of two inits."""
    return np.array(
        [np.log(start / end) / np.log(stds[0] / stds[1]) for start, end in along(first(runs), "factor_std", stds)]
    )


def step_ratio(runs: xr.Dataset, *, rates: list, where: str) -> np.ndarray:
    """Return, for each data seed, the distance at the second learning rate over that at the first.

    ``where``: the ``largest`` distance, or that on the ``sphere``.
    """
    distance = {"largest": largest, "sphere": first}[where](runs)
    return np.array([end / start for start, end in along(distance, "learning_rate", rates)])


def second_norm(runs: xr.Dataset) -> np.ndarray:
    """Return the largest that the second largest component norm is up to the horizon."""
    norms = runs.component_norm.isel(component=1).where(np.isfinite(runs.rank_one_distance))
    return norms.max("record").to_numpy()
