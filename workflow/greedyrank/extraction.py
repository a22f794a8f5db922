"""From the recorded runs of a sweep to labelled measures: one netCDF file a sweep.

Dimensions: ``run``; ``record`` (padded with NaN where a run ended earlier); ``growth`` and
``offset`` for the stencils. Every setting is a coordinate of ``run``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr

from greedyrank import provenance, storage, sweeps
from greedyrank.tenants import tenant

# The axes of each recorded quantity, after (run, record) or (run, growth, offset).
AXES = {
    "end_to_end": ("row", "column"),
    "component_norm": ("component",),
    "component_gamma": ("component",),
}


def settings_of(runs: list[dict]) -> dict[str, np.ndarray]:
    """Return the settings of runs that are numbers or text; a truth value is text, none is NaN.

    A list of numbers is text, such as "10, 7, 5". The setting ``loss`` is called ``loss_kind`` here,
    since ``loss`` is what is recorded.
    """
    columns = {}
    for name in runs[0]:
        values = [run[name] for run in runs]
        kinds = {type(value) for value in values} - {type(None)}
        if kinds <= {int, float}:
            columns[name] = np.array([np.nan if value is None else value for value in values])
        elif kinds <= {bool, str}:
            columns[name] = np.array(
                [str(value).lower() if isinstance(value, bool) else value or "" for value in values]
            )
        elif kinds == {list} and all(isinstance(part, (int, float)) for value in values for part in value or []):
            columns[name] = np.array([", ".join(f"{part:g}" for part in value or []) for value in values])
    columns["loss_kind"] = columns.pop("loss", np.full(len(runs), "mean"))
    return columns


def dataset(arrays: dict[str, np.ndarray]) -> xr.Dataset:
    """Label the axes of the arrays of one batch."""
    variables = {}
    for name, array in arrays.items():
        plain = name.removeprefix("growth_")
        before = ("run", "growth", "offset") if name != plain else ("run", "record")
        if name == "stop_step":
            variables[name] = ("run", array)
            continue
        variables[name] = ((*before, *AXES.get(plain, ())), array)
    made = xr.Dataset(variables)
    # Index coordinates let batches of different lengths be aligned, padding the shorter.
    return made.assign_coords({dim: np.arange(size) for dim, size in made.sizes.items() if dim != "run"})


def combine(batches: list[xr.Dataset], settings: list[dict]) -> xr.Dataset:
    """Join the batches of a sweep along ``run``, and label each run with its settings."""
    joined = xr.concat(batches, "run", join="outer", fill_value={"step": -1, "growth_step": -1})
    return joined.assign_coords({name: ("run", column) for name, column in settings_of(settings).items()})


def of_runs(runs: xr.Dataset, found: list[dict[str, np.ndarray]]) -> xr.Dataset:
    """Add matrices of each run, by name, where every run has them."""
    names = set.intersection(*(set(arrays) for arrays in found))
    stacked = {name: np.stack([arrays[name] for arrays in found]) for name in sorted(names)}
    return runs.assign({name: (("run", "row", "column"), array) for name, array in stacked.items()})


def _keyed(files: list[Path], settings: list[dict]) -> list[dict[str, np.ndarray]]:
    """Return the arrays that belong to each run, from files whose meta names the settings they are for."""
    loaded = [storage.load_arrays(path) for path in files]
    arrays = {provenance.canonical(meta["settings"]): found for meta, found in loaded}
    keys = list(loaded[0][0]["settings"])
    return [arrays[provenance.canonical({key: run[key] for key in keys})] for run in settings]


def extract(run_files: list[Path], data_files: list[Path], measures: list[str]) -> xr.Dataset:
    """Measure a sweep.

    Parameters
    ----------
    run_files, data_files : list of Path
        What training and generation wrote.
    measures : list of str
        Modules of greedyrank/measures; each adds its variables.

    Raises
    ------
    CorruptFile
        If a file is not what was written.
    """
    batches, metas, settings = [], {}, []
    for path in run_files:
        meta, arrays = storage.load_arrays(path)
        settings += sweeps.expand(meta["slice"])
        problem_name = meta["slice"]["problem"]
        batches.append(dataset(arrays))
        metas[path.stem] = {key: value for key, value in meta.items() if key != "slice"}
    runs = combine(batches, settings)
    if "end_to_end" in runs:
        data = _keyed(data_files, settings)
        problem = tenant("problems", problem_name)
        runs = of_runs(runs, [problem.context(run, arrays) for run, arrays in zip(settings, data, strict=True)])
    found = [tenant("measures", name).measure(runs) for name in measures]
    result = xr.merge([runs[["stop_step", "step", "flow_time", "loss"]], *found], compat="equals", join="outer")
    return result.assign_attrs(batches=json.dumps(metas, sort_keys=True))


def save(path: Path, measured: xr.Dataset) -> None:
    """Write a measured sweep as netCDF, with its checksum."""
    with storage.writing_checked(path) as temporary:
        measured.to_netcdf(temporary, engine="h5netcdf")


def load(path: Path) -> xr.Dataset:
    """Read a measured sweep into memory, after checking it."""
    with xr.open_dataset(storage.check(path), engine="h5netcdf") as measured:
        return measured.load()
