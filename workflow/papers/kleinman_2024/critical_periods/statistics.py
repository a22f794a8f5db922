"""Statistics of what a deficit leaves: errors to the final task's target at the end of a run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import along, last, select
from kleinman_2024.common import damage


def depth_ratio(runs: xr.Dataset, *, deficit_steps: int, shallow: int, deep: int) -> np.ndarray:
    """Return the `damage` at one depth over that at another, for each data seed."""
    deeper, other = (damage(select(runs, {"depth": depth}), deficit_steps=deficit_steps) for depth in (deep, shallow))
    return deeper / other


def smallest_fall(
    runs: xr.Dataset, *, deficit_steps: int, observations: list[int], relative: bool = False
) -> np.ndarray:
    """Return the smallest factor by which the damage falls along numbers of observations, for each data seed.

    The damage is the difference of the errors after a deficit and after one of a single step; ``relative``: the ratio.
    """
    errors = last(runs).relative_squared_error
    after, before = (
        np.array(along(errors[errors.deficit_steps == steps], "observations", observations))
        for steps in (deficit_steps, 1)
    )
    found = after / before if relative else after - before
    return (found[:, :-1] / found[:, 1:]).min(axis=1)


def enough_observations(runs: xr.Dataset, *, recovered: float) -> np.ndarray:
    """Return the least number of observations whose error is below a level, for each data seed; infinite for none."""
    errors = last(runs).relative_squared_error
    found = errors.observations.where(errors < recovered, np.inf)
    return np.array([found[found.data_seed == seed].min() for seed in np.unique(found.data_seed)])


def late_over_early(runs: xr.Dataset, *, late: int) -> np.ndarray:
    """Return the error after a deficit that begins at a step over that after one at the start, for each data seed."""
    errors = last(runs).relative_squared_error
    return np.array([pair[1] / pair[0] for pair in along(errors, "deficit_start", [0, late])])


def learned_components(runs: xr.Dataset, *, learned: float) -> np.ndarray:
    """Return how many of the ten largest singular values are above a level at the end of each run."""
    return (last(runs).singular_value > learned).sum("component").to_numpy()
