"""From the recorded runs of a sweep to labelled measures: one netCDF file per sweep.

Dimensions: ``run``; ``record`` (padded with NaN where a run ended earlier); ``growth`` and
``offset`` for the stencils. Every setting is a coordinate of ``run``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr

from greedyrank import provenance, storage
from greedyrank.config import defaults
from greedyrank.config.sweeps import Run, Slice
from greedyrank.data.instances import Instances
from greedyrank.plugins import plugin


def axes_of(order: int) -> tuple[str, ...]:
    """Return the names of a matrix's or a tensor's axes: row and column, or mode_0, mode_1, ..."""
    return ("row", "column")[:order] if order <= 2 else tuple(f"mode_{n}" for n in range(order))


def settings_of(runs: list[Run]) -> dict[str, np.ndarray]:
    """Return the settings of runs that are numbers or text; a truth value is text, none is NaN.

    A shape is text such as ``300x200``, another list of numbers text such as "10, 7, 5". The setting
    ``loss`` is called ``loss_kind`` here, since ``loss`` is what is recorded.
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
        elif name == "shape":
            columns[name] = np.array(["x".join(map(str, value)) for value in values])
        elif kinds == {list} and all(isinstance(part, (int, float)) for value in values for part in value or []):
            columns[name] = np.array([", ".join(f"{part:g}" for part in value or []) for value in values])
    columns["loss_kind"] = columns.pop("loss", np.full(len(runs), "mean"))
    return columns


def dataset(arrays: dict[str, np.ndarray], named: dict[str, list[str]]) -> xr.Dataset:
    """Label the axes of the arrays of one job; ``named`` are the axes of each observable behind run and record."""
    variables: dict[str, tuple] = {}
    for name, array in arrays.items():
        plain = name.removeprefix("growth_")
        before = ("run", "growth", "offset") if name != plain else ("run", "record")
        if name == "stop_step":
            variables[name] = ("run", array)
            continue
        axes = axes_of(array.ndim - len(before)) if plain == "end_to_end" else named.get(plain, ())
        variables[name] = ((*before, *axes), array)
    made = xr.Dataset(variables)
    # Index coordinates let jobs of different lengths be aligned, padding the shorter.
    return made.assign_coords({dim: np.arange(size) for dim, size in made.sizes.items() if dim != "run"})


def combine(jobs: list[xr.Dataset], settings: list[Run]) -> xr.Dataset:
    """Join the jobs of a sweep along ``run``, and label each run with its settings."""
    joined = xr.concat(jobs, "run", join="outer", fill_value={"step": -1, "growth_step": -1})
    return joined.assign_coords({name: ("run", column) for name, column in settings_of(settings).items()})


def of_runs(runs: xr.Dataset, found: list[dict[str, np.ndarray]]) -> xr.Dataset:
    """Add matrices, tensors and numbers of each run, by name, where every run has them."""
    names = set.intersection(*(set(arrays) for arrays in found))
    stacked = {name: np.stack([arrays[name] for arrays in found]) for name in sorted(names)}
    return runs.assign({name: (("run", *axes_of(array.ndim - 1)), array) for name, array in stacked.items()})


def _baselines(files: list[Path], settings: list[Run]) -> list[dict[str, np.ndarray]]:
    """Return the baseline of each run."""
    found = {}
    for path in files:
        meta, arrays = storage.load_arrays(path)
        names = defaults.view_settings(meta["problem"])
        for index, view in enumerate(meta["views"]):
            whole = defaults.instance_filled(meta["problem"], view, names)
            found[provenance.canonical(whole)] = {f"baseline_{name}": array[index] for name, array in arrays.items()}
    return [found[provenance.canonical({key: run[key] for key in names})] for run in settings]


def extract(
    run_files: list[Path], data_files: list[Path], baseline_files: list[Path], measures: list[str]
) -> xr.Dataset:
    """Measure a sweep.

    Parameters
    ----------
    run_files, data_files, baseline_files : list of Path
        What training, generation and the baselines wrote.
    measures : list of str
        Modules of greedyrank/measures; each adds its variables.

    Raises
    ------
    CorruptFile
        If a file is not what was written.
    """
    jobs: list[xr.Dataset] = []
    metas: dict[str, dict] = {}
    settings: list[Run] = []
    for path in run_files:
        meta, arrays = storage.load_arrays(path)
        part = defaults.filled(Slice(**meta["slice"]))
        settings += part.runs
        problem_name = part.problem
        jobs.append(dataset(arrays, meta["axes"]))
        metas[path.stem] = {key: value for key, value in meta.items() if key not in ("slice", "axes")}
    runs = combine(jobs, settings)
    if "end_to_end" in runs:
        data = Instances(data_files)
        problem = plugin("problems", problem_name)
        runs = of_runs(runs, [problem.context(run, data.of(run)) for run in settings])
    if baseline_files:
        runs = of_runs(runs, _baselines(baseline_files, settings))
    found = [plugin("measures", name).measure(runs) for name in measures]
    result = xr.merge([runs[["stop_step", "step", "flow_time", "loss"]], *found], compat="equals", join="outer")
    return result.assign_attrs(jobs=json.dumps(metas, sort_keys=True))


def save(path: Path, measured: xr.Dataset) -> None:
    """Write a measured sweep as netCDF, with its checksum."""
    with storage.writing_checked(path) as temporary:
        measured.to_netcdf(temporary, engine="h5netcdf")


def load(path: Path) -> xr.Dataset:
    """Read a measured sweep into memory, after checking it."""
    # Nobody writes to a file that is there, and some file systems have no locks.
    with xr.open_dataset(storage.check(path), engine="h5netcdf", driver_kwds={"locking": False}) as measured:
        return measured.load()
