"""Adam with bias correction (Kingma & Ba 2015, Algorithm 1), as in torch.optim."""

from __future__ import annotations

import numpy as np
import torch


class Optimizer:
    """Running moments of all runs of a batch; parameters as in `greedyrank.optimizers.gd`.

    The moments share one decay in a batch; the learning rate may differ by run.
    """

    def __init__(self, runs: list[dict], model, place, place64):
        self._model, self._place = model, place
        self._beta1, self._beta2, self._eps = runs[0]["beta1"], runs[0]["beta2"], runs[0]["eps"]
        self._rates = np.array([run["learning_rate"] for run in runs])
        self._place64 = place64
        self.state = {"flow_time": place64(np.zeros(len(runs))), "count": place64(np.zeros(1))}
        self._steps = 0
        for i, parameter in enumerate(model.parameters):
            self.state[f"mean{i}"] = torch.zeros_like(parameter)
            self.state[f"square{i}"] = torch.zeros_like(parameter)
        self._spare = [torch.empty_like(parameter) for parameter in model.parameters]
        self.scale(np.ones(len(runs)))

    def scale(self, factors: np.ndarray) -> None:
        """Multiply the learning rates given in the settings, one factor a run; 0 holds a run."""
        self._scaled = self._place64(factors * self._rates)
        self._minus = self._model.spread(self._place(-factors * self._rates))

    def step(self, parameters: list, gradients: list) -> None:
        """Move the parameters in place."""
        state = self.state
        state["count"] += 1
        self._steps = self._steps + 1 if self._steps else int(state["count"])
        root2 = (1 - self._beta2**self._steps) ** 0.5
        correction1 = 1 - self._beta1**self._steps
        for i, (parameter, gradient, minus) in enumerate(zip(parameters, gradients, self._minus, strict=True)):
            mean, square, spare = state[f"mean{i}"], state[f"square{i}"], self._spare[i]
            mean.lerp_(gradient, 1 - self._beta1)
            square.mul_(self._beta2).addcmul_(gradient, gradient, value=1 - self._beta2)
            torch.sqrt(square, out=spare).div_(root2).add_(self._eps)
            torch.div(mean, spare, out=spare)
            parameter.addcmul_(spare, minus, value=1 / correction1)
        state["flow_time"] += self._scaled
