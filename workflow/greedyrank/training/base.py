"""Defaults of the contracts: what a problem or a factorization need not say. See `greedyrank.training.protocols`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from greedyrank.config.sweeps import Slice
from greedyrank.training.protocols import Arrays, Axes, Stepper

if TYPE_CHECKING:
    import torch


class FullBatchProblem:
    """A problem whose every step sees all data, and that accumulates nothing."""

    axes: ClassVar[Axes] = {}
    leaves_out: ClassVar[tuple[str, ...]] = ()
    full_batch: ClassVar[bool] = True
    loss_at_start: ClassVar[bool] = True
    steps_per_epoch: int = 1
    state: dict[str, torch.Tensor]

    def inputs(self, step: int) -> None:
        """Return nothing: the end-to-end object needs no input."""


class MinibatchProblem:
    """A problem that takes one minibatch a step; it sets ``steps_per_epoch`` and ``state`` itself."""

    axes: ClassVar[Axes] = {}
    leaves_out: ClassVar[tuple[str, ...]] = ()
    full_batch: ClassVar[bool] = False
    loss_at_start: ClassVar[bool] = False
    steps_per_epoch: int
    state: dict[str, torch.Tensor]


class BaseModel:
    """A factorization without compiled steps, of which nothing is recorded."""

    axes: ClassVar[Axes] = {}
    parameters: list[torch.Tensor]

    @classmethod
    def compiled(cls, slice_: Slice, data: Sequence[Arrays], device: str) -> Stepper | None:
        """Return no stepper: the general one trains this factorization."""
        return None

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return nothing to record."""
        return {}


class RunAxisModel(BaseModel):
    """A factorization whose parameters each have the run as first axis, (runs, ...)."""

    def spread(self, values: torch.Tensor) -> list[Any]:
        """Return one value a run, shape (runs,), in a shape that broadcasts against each parameter."""
        return [values.reshape(-1, *[1] * (parameter.ndim - 1)) for parameter in self.parameters]
