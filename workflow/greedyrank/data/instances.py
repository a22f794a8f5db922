"""The data files of a sweep, which hold the data of each instance under its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from greedyrank import provenance, storage
from greedyrank.data import target_files
from greedyrank.plugins import plugin

Generator = Callable[[Mapping[str, Any]], dict[str, np.ndarray]]


def generator(problem: str, data_dir: Path | None) -> Generator:
    """Return what generates the data of an instance from its settings.

    Images, ratings and targets of one's own are read from a folder.
    """
    module = plugin("problems", problem)

    def generate(settings: Mapping[str, Any]) -> dict[str, np.ndarray]:
        if file := settings.get("target_file"):  # a setting of problems that have a target
            return module.given(settings, target_files.read(Path(data_dir or "", file), settings["shape"]))
        return module.generate(settings, data_dir=data_dir)

    return generate


def save(path: Path, problem: str, instances: list[dict], generate: Generator, seen: list[list[dict]]) -> None:
    """Generate the data of some instances into one file.

    Parameters
    ----------
    path : Path
        An npz file.
    problem : str
        Its name.
    instances : list of dict
        The settings of each instance.
    generate : callable
        From `generator`.
    seen : list of list of dict
        For each instance that is read from a file, how much of it the runs see: checked before anything trains.
    """
    from greedyrank.config import defaults  # needs pydantic; `generator` works without it

    arrays: dict[str, np.ndarray] = {}
    for number, settings in enumerate(instances):
        whole = defaults.instance_filled(problem, settings)
        found = generate(whole)
        for part in seen[number] if seen else ():
            plugin("problems", problem).check_seen({**whole, **part}, found, whole["target_file"])
        arrays |= {f"{number}_{name}": array for name, array in found.items()}
    storage.save_arrays(path, {"problem": problem, "instances": instances}, arrays)


class Instances:
    """Data instances of one problem.

    Parameters
    ----------
    files : list of Path
        Files that `save` wrote.

    Raises
    ------
    CorruptFile
        If a file is damaged.
    """

    def __init__(self, files: list[Path]):
        from greedyrank.config import defaults  # needs pydantic; `generator` works without it

        self._arrays: dict[str, dict[str, np.ndarray]] = {}
        for path in files:
            meta, arrays = storage.load_arrays(path)
            found: list[dict[str, np.ndarray]] = [{} for _ in meta["instances"]]
            for numbered, array in arrays.items():
                number, _, name = numbered.partition("_")
                found[int(number)][name] = array
            whole = [defaults.instance_filled(meta["problem"], instance) for instance in meta["instances"]]
            self._keys = list(whole[0])
            self._arrays |= dict(zip(map(provenance.canonical, whole), found, strict=True))

    def of(self, run: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the arrays that belong to a run, given its settings."""
        return self._arrays[provenance.canonical({key: run[key] for key in self._keys})]
