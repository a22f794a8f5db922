"""Steps on minibatches, captured as a graph: what differs from step to step is put in its place before each replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from greedyrank.config.sweeps import Slice
from greedyrank.training.cuda_graph import CudaGraph, StepGraph
from greedyrank.training.protocols import Arrays, Problem
from greedyrank.training.stepper import TorchStepper


class InPlace(Problem, Protocol):
    """A problem whose minibatches all have one size and are read from a place that stays the same."""

    def choose(self, step: int) -> None:
        """Put there what the minibatch of a step is read from; steps come in their order, from an epoch's start on."""

    def minibatch(self) -> Any:
        """Return the minibatch that was chosen: the same calls on the same tensors in every step."""


class MinibatchStepper(TorchStepper):
    """A group of an `InPlace` problem; parameters as in `TorchStepper`. On a GPU its steps are captured."""

    problem: InPlace

    def __init__(self, slice_: Slice, data: Sequence[Arrays], device: str):
        super().__init__(slice_, data, device)
        self.problem.choose(0)
        self._graph = StepGraph(CudaGraph(self._take_step)) if device == "cuda" else None

    def _evaluate(self) -> Sequence[torch.Tensor]:
        if self._gradients is None:
            self._end_to_end = self.model.end_to_end(self.problem.minibatch())
            self._gradients = self.model.pullback(self.problem.loss_gradient(self._end_to_end))
        return self._gradients

    def advance(self, steps: int) -> None:
        """Take so many steps; on a GPU without waiting for it, but for the order of an epoch's images."""
        self._gradients = None
        for _ in range(steps):
            self.problem.choose(self._step)
            super().advance(1)
