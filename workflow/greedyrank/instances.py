"""The data files of a sweep, found by the settings of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from greedyrank import provenance, storage


class Instances:
    """Data instances, each named by the settings it was generated from.

    Parameters
    ----------
    files : list of Path
        What ``scripts/generate.py`` wrote, for one problem.

    Raises
    ------
    CorruptFile
        If a file is not what was written.
    """

    def __init__(self, files: list[Path]):
        loaded = [storage.load_arrays(path) for path in files]
        self._keys = list(loaded[0][0]["settings"])
        self._arrays = {provenance.canonical(meta["settings"]): arrays for meta, arrays in loaded}

    def of(self, run: dict) -> dict[str, np.ndarray]:
        """Return the arrays that belong to a run, given its settings."""
        return self._arrays[provenance.canonical({key: run[key] for key in self._keys})]

    def names(self) -> list[str]:
        """Return the settings of each instance as canonical JSON, sorted."""
        return sorted(self._arrays)
