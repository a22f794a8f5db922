"""Tests of a measure of one's own, on a few small runs that end at different steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from greedyrank.api.measuring import Measure, applied
from greedyrank.errors import UserError

EXACT = 1e-9  # relative difference of one run alone to the same run among others


def faults(measure: Measure, runs: xr.Dataset) -> list[str]:
    """Return what is wrong with a measure, one sentence each.

    Parameters
    ----------
    measure : str or function
        The measure.
    runs : Dataset
        Recorded runs, some of which end before others.
    """
    given = runs.copy(deep=True)

    def measured(part: xr.Dataset) -> xr.Dataset:
        return applied(measure, part)

    try:
        found = measured(given)
        if not found.data_vars:
            return ["it returns no variable"]
        if not given.identical(runs):
            return ["it changes the runs that it is given"]
        return _shape_faults(found) or [*_ended_faults(found, runs), *_alone_faults(measured, found, runs)]
    except UserError as error:
        return [str(error)]


def _shape_faults(found: xr.Dataset) -> list[str]:
    faults = []
    for name, variable in found.data_vars.items():
        if "run" not in variable.dims:
            faults.append(f"`{name}` has the dimensions {list(variable.dims)}; `run` must be one of them")
        elif variable.dtype.kind not in "biuf":
            faults.append(f"`{name}` holds {variable.dtype}; allowed: numbers")
    return faults


def _ended_faults(found: xr.Dataset, runs: xr.Dataset) -> list[str]:
    """Records after the end of a run are NaN, and stay NaN."""
    ended = runs.step < 0
    return [
        f"`{name}` has numbers after the end of a run, where the records are NaN: they must stay NaN"
        for name, variable in found.data_vars.items()
        if "record" in variable.dims and bool(variable.notnull().where(ended, False).any())
    ]


def _alone_faults(measured: Callable[[xr.Dataset], xr.Dataset], found: xr.Dataset, runs: xr.Dataset) -> list[str]:
    """Compare each run among others with the same run alone."""
    for number in range(runs.sizes["run"]):
        alone = measured(runs.isel(run=[number]))
        for name, variable in alone.data_vars.items():
            ours, theirs = found[name].isel(run=[number]).to_numpy(), variable.to_numpy()
            if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=EXACT, atol=1e-12, equal_nan=True):
                return [f"`{name}` of run {number} among others is not that of the run alone"]
    return []
