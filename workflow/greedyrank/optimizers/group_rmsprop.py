"""GroupRMSprop: GD whose step is divided by one running gradient norm for all parameters of a run.

    s <- a s + (1 - a) sum over factors of ||gradient||^2,    s(0) = 0
    theta <- theta - lr / (sqrt(s / (1 - a^k)) + eps) gradient

Arora et al. 2019 (opt.py); Razin, Maman & Cohen 2021 (group_rsmprop.py). One scalar a run, so the
direction is the plain gradient's, and the trajectory is gradient descent's with another clock.
"""

from __future__ import annotations

import numpy as np


class Optimizer:
    """Running norms of all runs of a batch; parameters as in `greedyrank.optimizers.gd`."""

    def __init__(self, runs: list[dict], model, place, place64):
        self._model, self._place64 = model, place64
        self._rates = np.array([run["learning_rate"] for run in runs])
        self._decay = place64(np.array([run["decay"] for run in runs]))
        self._eps = place64(np.array([run["eps"] for run in runs]))
        zero = place64(np.zeros(len(runs)))
        # `decay_power` is a^k. All state is one float64 a run: it costs nothing, and the clock is exact.
        self.state = {"flow_time": zero.clone(), "square": zero.clone(), "decay_power": zero + 1.0}
        self._learning_rate = zero.clone()
        self.scale(np.ones(len(runs)))

    def scale(self, factors: np.ndarray) -> None:
        """Multiply the learning rates given in the settings, one factor a run; 0 holds a run."""
        self._learning_rate.copy_(self._place64(factors * self._rates))

    def step(self, parameters: list, gradients: list) -> None:
        """Move the parameters in place."""
        square, power = self.state["square"], self.state["decay_power"]
        total = sum((g.reshape(len(square), -1).norm(dim=1).double() ** 2 for g in gradients), start=0.0)
        square.mul_(self._decay).add_(total * (1 - self._decay))
        power.mul_(self._decay)
        effective = self._learning_rate / ((square / (1 - power)).sqrt() + self._eps)
        self.state["flow_time"] += effective
        minus = self._model.spread(-effective.to(parameters[0].dtype))
        for parameter, gradient, scale in zip(parameters, gradients, minus, strict=True):
            parameter.addcmul_(gradient, scale)
