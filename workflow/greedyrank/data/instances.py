"""The data files of a sweep, which hold the data of each instance under its settings."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from greedyrank import provenance, storage
from greedyrank.plugins import plugin

Generator = Callable[[Mapping[str, Any]], dict[str, np.ndarray]]


def generator(problem: str, data_dir: Path | None) -> Generator:
    """Return what generates the data of an instance from its settings; images and ratings are read from a folder."""
    return functools.partial(plugin("problems", problem).generate, data_dir=data_dir)


def save(path: Path, problem: str, instances: list[dict], generate: Generator) -> None:
    """Generate the data of some instances, given by their settings, into one file."""
    from greedyrank.config import defaults  # needs pydantic; `generator` works without it

    arrays = {
        f"{number}_{name}": array
        for number, settings in enumerate(instances)
        for name, array in generate(defaults.instance_filled(problem, settings)).items()
    }
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
