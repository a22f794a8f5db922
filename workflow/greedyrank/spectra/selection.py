"""Selections of runs and of records of a measured sweep."""

from __future__ import annotations

import numpy as np
import xarray as xr


def select(sweep: xr.Dataset, wanted: dict) -> xr.Dataset:
    """Return the runs with the wanted settings; a list stands for any of its values."""
    keep = np.ones(sweep.sizes["run"], dtype=bool)
    for name, entry in wanted.items():
        column = sweep["loss_kind" if name == "loss" else name].to_numpy()
        anyone = np.zeros_like(keep)
        for value in entry if isinstance(entry, list) else [entry]:
            if isinstance(value, bool):
                anyone |= column == str(value).lower()
            elif isinstance(value, (int, float)):
                anyone |= np.isclose(column.astype(float), value, rtol=1e-9, atol=0)
            else:
                anyone |= column == value
        keep &= anyone
    return sweep.isel(run=np.flatnonzero(keep))


def along(values: xr.DataArray, name: str, wanted: list) -> list[np.ndarray]:
    """Return, for each data seed, its values at the wanted settings of one name, in their order.

    ``values`` has one entry per run; a data seed that lacks one of the settings is left out.
    """
    found = []
    for seed in np.unique(values.data_seed):
        here = values[values.data_seed == seed]
        rows = [np.flatnonzero(np.isclose(here[name], setting)) for setting in wanted]
        if all(len(row) == 1 for row in rows):
            found.append(here.to_numpy()[np.concatenate(rows)])
    return found


def last(runs: xr.Dataset) -> xr.Dataset:
    """Return each run at its last record."""
    return runs.isel(record=(runs.step >= 0).sum("record") - 1)


def last_shared(*parts: xr.Dataset) -> list[xr.Dataset]:
    """Return several sets of runs, each run at the last step that all of them reached; NaN where it is not recorded."""
    step = min((end for part in parts for end in part.step.max("record").to_numpy()), default=-1)
    return [_at_first(part, part.step == step) for part in parts]


def at_stop(runs: xr.Dataset) -> xr.Dataset:
    """Return each run at the record where its stopping rule, or the cap, ended it."""
    return runs.isel(record=(runs.step == runs.stop_step).argmax("record"))


def at_loss(runs: xr.Dataset, level: float) -> xr.Dataset:
    """Return each run at its first record whose loss is at most a level; NaN where there is none."""
    return _at_first(runs, runs.loss <= level)


def _at_first(runs: xr.Dataset, wanted: xr.DataArray) -> xr.Dataset:
    """Return each run at the first of its wanted records, NaN where there is none."""
    return runs.isel(record=wanted.argmax("record")).where(wanted.any("record"))
