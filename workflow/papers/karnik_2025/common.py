"""What the figures of this paper share: values at a step, one for each run."""

from __future__ import annotations

import numpy as np
import xarray as xr


def value_at(runs: xr.Dataset, name: str, step: int) -> xr.DataArray:
    """Return a variable (run, record, ...) at a recorded step; NaN for a run without it.

    The paper's value no. t is taken before step t, that is at step t - 1 here; from one step to the next it changes by
    less than a hundredth.
    """
    there = runs.step == step
    return runs[name].isel(record=there.argmax("record")).where(there.any("record"))


def error_at(runs: xr.Dataset, *, step: int) -> np.ndarray:
    """Return the relative error, not squared, at a recorded step."""
    return value_at(runs, "relative_error", step).to_numpy()


def points(published: dict) -> tuple[list[float], list[float]]:
    """Return the numbers that published values stand under, and the values; several of one number one by one."""
    pairs = [(float(x), y) for x, values in published.items() for y in np.atleast_1d(values).tolist()]
    return [x for x, _ in pairs], [y for _, y in pairs]
