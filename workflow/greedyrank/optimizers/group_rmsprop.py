"""GroupRMSprop: GD whose step is divided by one running gradient norm for all parameters of a run.

    s <- a s + (1 - a) sum over factors of ||gradient||^2,    s(0) = 0
    theta <- theta - lr / (sqrt(s / (1 - a^k)) + eps) gradient

Arora et al. 2019 (opt.py); Razin, Maman & Cohen 2021 (group_rsmprop.py). One scalar a run, so the
direction is that of the gradient, and the trajectory is that of gradient descent at another pace.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from greedyrank.config.sweeps import Run
from greedyrank.training.protocols import Model, Place, Place64


class Optimizer:
    """Running norms of all runs of a group; parameters as in `greedyrank.optimizers.gd`."""

    def __init__(self, runs: Sequence[Run], model: Model, place: Place, place64: Place64):
        self._model, self._place64 = model, place64
        self._rates = np.array([run["learning_rate"] for run in runs])
        self._share = place64(np.array([1 - run["decay"] for run in runs]))
        self._eps = place64(np.array([run["eps"] for run in runs]))
        zero = place64(np.zeros(len(runs)))
        # All state is one float64 a run: it costs nothing, and the flow time is exact. The bias correction divides by
        # 1 - a^k, which is the same running mean, of ones.
        self._one = zero + 1.0
        self.state = {"flow_time": zero.clone(), "square": zero.clone(), "mean_of_ones": zero.clone()}
        self._learning_rate = zero.clone()
        self.set_rate_factors(np.ones(len(runs)))

    def set_rate_factors(self, factors: np.ndarray) -> None:
        """Multiply the learning rates of the settings by one factor a run, shape (runs,); 0 holds a run."""
        self._learning_rate.copy_(self._place64(factors * self._rates))

    def step(self, parameters: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor]) -> None:
        """Move the parameters in place."""
        square, correction = self.state["square"], self.state["mean_of_ones"]
        norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients])
        square.lerp_(norms.double().square_().sum(0), self._share)
        correction.lerp_(self._one, self._share)
        effective = self._learning_rate / ((square / correction).sqrt_() + self._eps)
        self.state["flow_time"] += effective
        minus = self._model.spread(-effective.to(parameters[0].dtype))
        for parameter, gradient, scale in zip(parameters, gradients, minus, strict=True):
            parameter.addcmul_(gradient, scale)
