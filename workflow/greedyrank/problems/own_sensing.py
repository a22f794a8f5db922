"""Sensing with A_i of one's own: a matrix or tensor observed through its inner products with given ones.

As `greedyrank.problems.sensing`, but the A_i are data: they come from a file, or are arrays that were given in Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from greedyrank.config.sweeps import Run
from greedyrank.data import sensing_files
from greedyrank.data.target_files import BadTarget
from greedyrank.kernels import residual_loss
from greedyrank.problems import sensing
from greedyrank.training.protocols import Arrays, Place

if TYPE_CHECKING:
    import torch


def generate(settings: Mapping[str, Any], data_dir: str | Path) -> Arrays:
    """Read the measurements; `given` says what is returned."""
    return given(settings, sensing_files.read(Path(data_dir, settings["sensing_file"]), settings["shape"]))


def given(settings: Mapping[str, Any], found: sensing_files.Measurements) -> Arrays:
    """Return the data of measurements that were read or given.

    Returns
    -------
    dict
        ``matrices``: the A_i, float64, (measurements, prod(shape)), each flattened row-major. ``values``: the y_i.
        ``target``, where the values are computed of it, with noise.

    Raises
    ------
    BadTarget
        If noise is to be added to values that were measured.
    """
    if found.target is None:
        if settings["noise_std"]:
            raise BadTarget(f"{found.source} has `values`, which were measured: no `noise_std`")
        assert found.values is not None
        return {"matrices": found.matrices, "values": found.values}
    noise = np.random.default_rng([settings["data_seed"], 0]).standard_normal(len(found.matrices))
    values = found.matrices @ found.target.ravel() + settings["noise_std"] * noise
    return {"matrices": found.matrices, "values": values, "target": found.target}


def measurements(run: Mapping[str, Any], data: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Return the A_i and their values."""
    return data["matrices"], data["values"]


def context(run: Mapping[str, Any], data: Arrays) -> Arrays:
    """Return what measures need to know of the problem, in full shape."""
    return {"target": data["target"]} if "target" in data else {}


class _Given:
    """<A_i, W> and its pull-back, with the A_i as rows of one matrix."""

    def __init__(self, matrix: torch.Tensor):
        self._matrix = matrix

    def apply(self, end_to_end: torch.Tensor, slopes: sensing.Slopes) -> torch.Tensor:
        """Return sum_i s_i A_i in the shape of W, where ``slopes`` gives s_i of <A_i, W>."""
        found = end_to_end.reshape(len(end_to_end), -1) @ self._matrix.T
        return (slopes(found, slice(None)) @ self._matrix).view(end_to_end.shape)


class Problem(sensing.Problem):
    """The loss of all runs of a group, which share the A_i.

    Parameters as in `greedyrank.problems.completion`.
    """

    def __init__(self, runs: Sequence[Run], data: Sequence[Arrays], place: Place):
        self._data = data
        self._sensing = _Given(place(data[0]["matrices"]))
        self._values = place(np.stack([arrays["values"] for arrays in data]))
        self._residual = self._values.new_empty(self._values.shape)
        counts = [len(arrays["values"]) for arrays in data]
        self._loss = residual_loss.ResidualLoss(runs, counts, place, order=1)
        self.state = {}
