"""Statistics of how the width of a tubal factorization changes the error; and of an average over tests."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import along, last
from karnik_2025.common import value_at


def error_ratio(runs: xr.Dataset, *, width: int, to: int, step: int) -> np.ndarray:
    """Return the relative error at a step with one width over that with another, for each seed that has both."""
    pairs = along(value_at(runs, "relative_error", step), "width", [width, to])
    return np.array([ours / other for ours, other in pairs])


def first_below(runs: xr.Dataset, *, error: float) -> np.ndarray:
    """Return the first recorded step with a relative error below a level; the last step of a run that never has one."""
    return runs.step.where(runs.relative_error < error).min("record").fillna(last(runs).step).to_numpy()


def averages(runs: xr.Dataset, fresh: int, tests: int) -> np.ndarray:
    """Return the mean error over tests of which only some are fresh, (averages, record), one for each ``fresh`` runs.

    Each other test goes on where a fresh one ended, so that its error is that of the end, or lower.
    """
    ordered = runs.sortby("data_seed")
    errors, ends = ordered.relative_error.to_numpy(), last(ordered).relative_error.to_numpy()
    count = len(ends) // fresh * fresh
    new = errors[:count].reshape(-1, fresh, errors.shape[1]).sum(1)
    going_on = ends[:count].reshape(-1, fresh).mean(1) * (tests - fresh)
    return (new + going_on[:, None]) / tests


def average_at_start(runs: xr.Dataset, *, fresh: int, tests: int) -> np.ndarray:
    """Return the first value of each of the `averages`."""
    return averages(runs, fresh, tests)[:, 0]
