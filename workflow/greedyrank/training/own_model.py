"""A factorization of one's own: how its parameters start, and what they multiply to. Everything else follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from greedyrank.config.sweeps import Run
from greedyrank.training.base import RunAxisModel
from greedyrank.training.protocols import Place

if TYPE_CHECKING:
    import torch


class AutogradModel(RunAxisModel):
    """The parameters of all runs of a group, each (runs, ...); a `greedyrank.training.protocols.Model`.

    A subclass has `initial` and `product`. Gradients come from autograd, unless it has a `pullback` of its own, which
    is faster; `greedyrank.check` compares the two.
    """

    def __init__(self, runs: Sequence[Run], place: Place):
        drawn = [list(self.initial(run)) for run in runs]
        self.parameters = [place(np.stack(parameters)) for parameters in zip(*drawn, strict=True)]

    @staticmethod
    def initial(run: Mapping[str, Any]) -> Sequence[np.ndarray]:
        """Draw the initial parameters of one run, float64, from its settings: ``run["shape"]``, ``run["seed"]``, ..."""
        raise NotImplementedError

    @staticmethod
    def product(*parameters: torch.Tensor) -> torch.Tensor:
        """Return the end-to-end objects (runs, *shape) of parameters (runs, ...), by differentiable operations."""
        raise NotImplementedError

    def end_to_end(self, inputs: None = None) -> torch.Tensor:
        """Return the end-to-end objects of the runs, (runs, *shape)."""
        self._end_to_end = self.product(*self.parameters)
        return self._end_to_end

    def pullback(self, upstream: torch.Tensor) -> Sequence[torch.Tensor]:
        """Return the gradient of the loss in each parameter, given dL/dW (runs, *shape), by autograd."""
        return self.gradients(upstream)

    def gradients(self, upstream: torch.Tensor, allow_unused: bool = False) -> Sequence[torch.Tensor]:
        """Return what autograd makes of `product`: what `pullback` is checked against.

        With ``allow_unused`` there is None for a parameter that the product does not depend on, and no error.
        """
        import torch

        leaves = [parameter.detach().requires_grad_() for parameter in self.parameters]
        with torch.enable_grad():
            found = self.product(*leaves)
        return torch.autograd.grad(found, leaves, upstream, allow_unused=allow_unused)

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return the end-to-end objects; measures compute their spectra."""
        return {"end_to_end": self._end_to_end}
