"""Steps by torch's automatic differentiation, for comparison with the closed forms.

The factors move by the gradients that autograd finds through ``compose``, the definition of a factorization in plain
operations of torch. Nothing is compiled or captured. What is recorded is read off the factors as elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from greedyrank.config.sweeps import Slice
from greedyrank.plugins import plugin
from greedyrank.training.devices import denormals_flushed
from greedyrank.training.protocols import Arrays
from greedyrank.training.stepper import TorchStepper


class AutogradStepper(TorchStepper):
    """A group whose gradients autograd finds; parameters as in `TorchStepper`."""

    def __init__(self, slice_: Slice, data: Sequence[Arrays], device: str):
        super().__init__(slice_, data, device)
        self._runs, self._compose = slice_.runs, plugin("factorizations", slice_.factorization).compose
        self._graph = None

    def _evaluate(self) -> Sequence[torch.Tensor]:
        if self._gradients is None:
            inputs = self.problem.inputs(self._step)
            leaves = [parameter.detach().requires_grad_() for parameter in self.model.parameters]
            with torch.enable_grad():
                end_to_end = self._compose(self._runs, leaves, inputs)
            self._end_to_end = end_to_end.detach()
            slope = self.problem.loss_gradient(self._end_to_end)
            self._gradients = torch.autograd.grad(end_to_end, leaves, slope)
        return self._gradients

    @torch.no_grad()
    @denormals_flushed()
    def observables(self, growth: bool = False) -> Arrays:
        """Return what is recorded: arrays whose first axis is the run."""
        if self.problem.full_batch:  # what the model reads its observables off
            self.model.pullback(self.problem.loss_gradient(self.model.end_to_end()))
        return super().observables(growth)
