"""Matrix and tensor sensing: a target observed through inner products with random matrices or tensors A_i.

Arora et al. 2019 (gen_obs.py), Gunasekar et al. 2017, Razin, Maman & Cohen 2021
(tensor_sensing_data_generator.py). The A_i are not stored but drawn again where they are needed: at published
size they are hundreds of megabytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from greedyrank.config.sweeps import Run
from greedyrank.data import target_files, targets
from greedyrank.kernels import residual_loss
from greedyrank.training.base import FullBatchProblem
from greedyrank.training.protocols import Arrays, Place

if TYPE_CHECKING:
    import torch

# A block of A_i of this many numbers stays in a core's own cache between its two uses in a step.
CACHED = 2**17


def vectors(settings: Mapping[str, Any]) -> list[np.ndarray]:
    """Draw the vectors of rank-one A_i, one (measurements, length) a mode, float64, each of norm 1."""
    rng = np.random.default_rng([settings["sensing_seed"], 3])
    drawn = [rng.standard_normal((settings["measurements"], length)) for length in settings["shape"]]
    return [mode / np.linalg.norm(mode, axis=1, keepdims=True) for mode in drawn]


def _rows(factors: list[np.ndarray]) -> np.ndarray:
    """Return the outer product of each row's vectors, flattened row-major: (rows, prod of lengths)."""
    product = factors[0]
    for factor in factors[1:]:
        product = (product[:, :, None] * factor[:, None]).reshape(len(product), -1)
    return product


def halves(settings: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the left and right half of the modes of rank-one A_i, each (measurements, prod of lengths)."""
    modes = vectors(settings)
    middle = (len(modes) + 1) // 2
    return _rows(modes[:middle]), _rows(modes[middle:])


def ensemble(settings: Mapping[str, Any]) -> np.ndarray:
    """Draw the A_i, float64, (measurements, prod(shape)), each flattened row-major.

    ``gaussian``: independent N(0, sensing_std^2) entries. ``commuting``: Q diag(a_i) Q^T with one
    random orthogonal Q and independent N(0, sensing_std^2) eigenvalues a_i. ``rank_one``: outer
    products of normal vectors, rescaled to Frobenius norm 1.
    """
    rng = np.random.default_rng([settings["sensing_seed"], 3])
    count, shape = settings["measurements"], settings["shape"]
    if settings["ensemble"] == "rank_one":
        return _rows(vectors(settings))
    if settings["ensemble"] == "gaussian":
        return settings["sensing_std"] * rng.standard_normal((count, math.prod(shape)))
    basis = targets.orthogonal(shape[0], rng)
    eigenvalues = settings["sensing_std"] * rng.standard_normal((count, shape[0]))
    return ((basis * eigenvalues[:, None]) @ basis.T).reshape(count, -1)


def generate(settings: Mapping[str, Any], data_dir: str | Path | None = None) -> Arrays:
    """Draw the data of one data seed.

    Returns
    -------
    dict
        ``values``: y_i = <A_i, target>, noise included, float64. ``target``: without noise.
    """
    rng = np.random.default_rng([settings["data_seed"], 0])
    return _measured(settings, targets.draw(settings, rng), rng)


def given(settings: Mapping[str, Any], found: target_files.Given) -> Arrays:
    """Return the data of a target of one's own, as `generate` does of a drawn one.

    Raises
    ------
    BadTarget
        If it is a list of entries, or the settings say of it what it is not.
    """
    target = target_files.check_statements(found, settings)
    return _measured(settings, target, np.random.default_rng([settings["data_seed"], 0]))


def _measured(settings: Mapping[str, Any], target: np.ndarray, rng: np.random.Generator) -> Arrays:
    """Measure a target, and add the noise."""
    values = ensemble(settings) @ target.ravel()
    if settings["noise_std"]:
        values += settings["noise_std"] * rng.standard_normal(len(values))
    return {"values": values, "target": target}


def measurements(run: Mapping[str, Any], data: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Return the A_i and their values."""
    return ensemble(run), data["values"]


def context(run: Mapping[str, Any], data: Arrays) -> Arrays:
    """Return what measures need to know of the problem, in full shape."""
    return {"target": data["target"]}


# Given <A_i, W> of some measurements, (runs, some), and which they are, return their slopes in the loss.
Slopes = Callable[["torch.Tensor", slice], "torch.Tensor"]


class Measuring(Protocol):
    """<A_i, W> and its pull-back."""

    def apply(self, end_to_end: torch.Tensor, slopes: Slopes) -> torch.Tensor:
        """Return sum_i s_i A_i in the shape of W, where ``slopes`` gives s_i of <A_i, W>."""


class _Dense:
    """<A_i, W> and its pull-back, with the A_i as rows of one matrix."""

    def __init__(self, settings: Mapping[str, Any], place: Place):
        matrix = place(ensemble(settings))
        rows = max(1, CACHED // matrix.shape[1]) if matrix.device.type == "cpu" else len(matrix)
        self._blocks = matrix.split(rows)

    def apply(self, end_to_end: torch.Tensor, slopes: Slopes) -> torch.Tensor:
        """Return sum_i s_i A_i in the shape of W, where ``slopes`` gives s_i of <A_i, W>, block by block."""
        flat = end_to_end.reshape(len(end_to_end), -1)
        gradient, done = flat.new_zeros(flat.shape), 0
        for block in self._blocks:
            part = slice(done, done + len(block))
            gradient.addmm_(slopes(flat @ block.T, part), block)
            done += len(block)
        return gradient.view(end_to_end.shape)


class _RankOne:
    """The same for rank-one A_i = p_i q_i^T between two halves of the modes: <A_i, W> = p_i^T W q_i."""

    def __init__(self, settings: Mapping[str, Any], place: Place):
        self._left, self._right = map(place, halves(settings))

    def apply(self, end_to_end: torch.Tensor, slopes: Slopes) -> torch.Tensor:
        """Return sum_i s_i A_i in the shape of W: two matrix products, without forming any A_i."""
        matrix = end_to_end.reshape(len(end_to_end), self._left.shape[1], -1)
        found = ((self._left @ matrix) * self._right).sum(-1)
        weighted = slopes(found, slice(None)).unsqueeze(-1) * self._left
        return (weighted.mT @ self._right).view(end_to_end.shape)


class Problem(FullBatchProblem):
    """The loss of all runs of a group, which share the A_i: a step reads them once for all runs.

    Parameters as in `greedyrank.problems.completion`.
    """

    def __init__(self, runs: Sequence[Run], data: Sequence[Arrays], place: Place):
        self._data = data
        self._sensing: Measuring = (_RankOne if runs[0]["ensemble"] == "rank_one" else _Dense)(runs[0], place)
        self._values = place(np.stack([arrays["values"] for arrays in data]))
        self._residual = self._values.new_empty(self._values.shape)
        self._loss = residual_loss.ResidualLoss(runs, [run["measurements"] for run in runs], place, order=1)
        self.state = {}

    def loss_gradient(self, end_to_end: torch.Tensor) -> torch.Tensor:
        """Return dL/dW, in the shape of W: (runs, *shape)."""

        def slopes(found: torch.Tensor, part: slice) -> torch.Tensor:
            residual = self._residual[:, part]
            residual.copy_(found).sub_(self._values[:, part])
            return self._loss.slopes(residual, self._loss.slope_weight)

        return self._sensing.apply(end_to_end, slopes)

    def losses(self) -> torch.Tensor:
        """Return the losses behind the last `loss_gradient`, shape (runs,)."""
        return self._loss.losses(self._residual)

    def observables(self, model: Any, end_to_end: torch.Tensor) -> Arrays:
        """Return ``relative_error``."""
        return targets.relative_errors(end_to_end.cpu().numpy(), self._data)
