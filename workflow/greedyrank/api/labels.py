"""From one axis of runs to the axes of an experiment, and what each variable is called."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from greedyrank import provenance

# Axes of a data set that are called otherwise than the setting, because a record has its name.
RENAMED = {"loss": "loss_kind"}


def _labels(values: Sequence[object]) -> list[object]:
    """Return values of a setting as labels: numbers, with NaN for none, and text as they are, all else as JSON."""
    if all(value is None or type(value) in (int, float) for value in values):
        return [np.nan if value is None else value for value in values]
    return [value if isinstance(value, (bool, int, float, str)) else json.dumps(value) for value in values]


def on_axes(runs: xr.Dataset, dims: Mapping[str, list], cases: Mapping[str, list], which: list[int]) -> xr.Dataset:
    """Return runs on the dimensions that tell them apart.

    Parameters
    ----------
    runs : Dataset
        With the dimension ``run``.
    dims : mapping
        The values along each dimension; the product of them, the last fastest, are all runs of the experiment.
    cases : mapping
        Settings along the dimension ``case``.
    which : list of int
        Which of these the runs are; where one is missing there is NaN, or -1 among integers, such as steps.
    """
    if not dims:
        return runs.isel(run=0, drop=True)
    names = [RENAMED.get(name, name) for name in dims]
    sizes = [len(values) for values in dims.values()]
    position = np.unravel_index(which, sizes)
    index = pd.MultiIndex.from_arrays(position, names=names)
    placed = runs.assign_coords(xr.Coordinates.from_pandas_multiindex(index, "run"))
    # As `greedyrank.training.recorder` pads.
    fill = {name: -1 if column.dtype.kind == "i" else np.nan for name, column in placed.data_vars.items()}
    found = placed.unstack("run", fill_value=fill).reindex(
        {name: np.arange(size) for name, size in zip(names, sizes, strict=True)}, fill_value=fill
    )
    # Axes first, then cases and seeds, and then what is recorded.
    order = sorted(names, key=lambda name: ("case", "seed").index(name) if name in ("case", "seed") else -1)
    found = found.transpose(*order, ...)
    labels = {name: _labels(values) for name, values in zip(names, dims.values(), strict=True)}
    columns = {RENAMED.get(name, name): ("case", _labels(values)) for name, values in cases.items()}
    return found.assign_coords({**labels, **columns})


def _indexed(runs: xr.Dataset) -> xr.Dataset:
    """Number what lies along each dimension, so that data sets of other lengths can be aligned."""
    return runs.assign_coords(
        {dim: np.arange(size) for dim, size in runs.sizes.items() if dim != "run" and dim not in runs.coords}
    )


def without_settings(runs: xr.Dataset) -> xr.Dataset:
    """Return runs without the settings of each as coordinates."""
    return runs.drop_vars([name for name, column in runs.coords.items() if column.dims == ("run",)])


def added(runs: xr.Dataset, new: xr.Dataset) -> xr.Dataset:
    """Add variables to runs, in place of those of the same name; shorter ones along a dimension end in NaN."""
    kept = runs.drop_vars([name for name in new.data_vars if name in runs])
    used = {dim for variable in kept.data_vars.values() for dim in variable.dims}
    kept = kept.drop_vars([name for name, column in kept.coords.items() if not set(column.dims) <= used])
    return xr.merge([kept, _indexed(without_settings(new))], join="outer", compat="equals")


def with_parameters(runs: xr.Dataset, parameters: Sequence[Sequence[np.ndarray]]) -> xr.Dataset:
    """Add the final parameters of each run; the smaller ones of several runs end in NaN."""
    variables = {}
    for name, arrays in ((f"parameter{i}", arrays) for i, arrays in enumerate(zip(*parameters, strict=True))):
        shape = np.max([array.shape for array in arrays], axis=0)
        padded = np.full((len(arrays), *shape), np.nan, arrays[0].dtype)
        for run, array in enumerate(arrays):
            padded[run, ...][tuple(slice(size) for size in array.shape)] = array
        variables[name] = (("run", *(f"{name}_axis_{axis}" for axis in range(len(shape)))), padded)
    return _indexed(runs.assign(variables))


def with_steps(runs: xr.Dataset) -> xr.Dataset:
    """Make steps and flow times coordinates; steps that are the same in all runs belong to ``record`` alone."""
    others = [dim for dim in runs.step.dims if dim != "record"]
    there = runs.step.where(runs.step >= 0)
    if (there.max(others) == there.min(others)).all() and others:
        runs = runs.assign(step=runs.step.max(others))
    return runs.set_coords([name for name in ("step", "flow_time") if name in runs])


def described(runs: xr.Dataset, notes: Mapping[str, str]) -> xr.Dataset:
    """Give every variable a long name and a unit; all quantities are plain numbers. ``notes`` say more of some."""
    found = runs.copy()
    for name, variable in found.variables.items():
        about = {"description": notes[str(name)]} if name in notes else {}
        variable.attrs = {"long_name": str(name).replace("_", " "), "units": "1", **about}
    return found


def provenance_of(settings: Mapping[str, Any], device: str, result: str) -> dict[str, str]:
    """Return where a data set is from, as text for its attributes."""
    from greedyrank import __version__

    versions = {"greedyrank": __version__, **provenance.versions("torch", "numpy", "numba", "xarray")}
    return {
        "result": result,
        "settings": json.dumps(settings, sort_keys=True),
        "device": device,
        "versions": json.dumps(versions, sort_keys=True),
    }
