"""Adam with bias correction (Kingma & Ba 2015, Algorithm 1), as in torch.optim."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from greedyrank.config.sweeps import Run
from greedyrank.optimizers import gd
from greedyrank.training.protocols import Model, Place, Place64


class Optimizer(gd.Optimizer):
    """Running moments of all runs of a group; parameters as in `greedyrank.optimizers.gd`.

    The runs of a group share the decays of the moments; their learning rates may differ.
    """

    def __init__(self, runs: Sequence[Run], model: Model, place: Place, place64: Place64):
        super().__init__(runs, model, place, place64)
        betas = np.array([runs[0]["beta1"], runs[0]["beta2"]])
        self._beta1, self._beta2 = betas
        # The bias corrections divide by 1 - beta^k, which is the same running mean, of ones.
        self._one, self._shares = place64(np.ones(2)), place64(1 - betas)
        self.state["mean_of_ones"] = place64(np.zeros(2))
        self._correction1, self._correction2 = self.state["mean_of_ones"]
        self._eps = place64(np.array(runs[0]["eps"]))
        self._factor, self._offset = place(np.zeros(())), place(np.zeros(()))
        for i, parameter in enumerate(model.parameters):
            self.state[f"mean{i}"] = torch.zeros_like(parameter)
            self.state[f"square{i}"] = torch.zeros_like(parameter)
        self._spare = [torch.empty_like(parameter) for parameter in model.parameters]

    def step(self, parameters: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor]) -> None:
        """Move the parameters in place."""
        state = self.state
        state["mean_of_ones"].lerp_(self._one, self._shares)
        # mean / correction1 / (sqrt(square / correction2) + eps) = mean / (sqrt(square) factor + offset)
        torch.div(self._correction1, self._correction2.sqrt(), out=self._factor)
        torch.mul(self._correction1, self._eps, out=self._offset)
        for i, (parameter, gradient, minus) in enumerate(zip(parameters, gradients, self._minus, strict=True)):
            mean, square, spare = state[f"mean{i}"], state[f"square{i}"], self._spare[i]
            mean.lerp_(gradient, 1 - self._beta1)
            square.mul_(self._beta2).addcmul_(gradient, gradient, value=1 - self._beta2)
            torch.sqrt(square, out=spare).mul_(self._factor).add_(self._offset)
            torch.div(mean, spare, out=spare)
            parameter.addcmul_(spare, minus)
        state["flow_time"] += self._scaled
