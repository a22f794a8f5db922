"""Plain gradient descent: theta <- theta - eta gradient, one eta a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from greedyrank.config.sweeps import Run
from greedyrank.training.protocols import Model, Place, Place64


class Optimizer:
    """Learning rates of all runs of a group.

    Nothing that a step reads is ever replaced, and no Python number changes from step to step: a step may be captured
    once and replayed; see `greedyrank.training.cuda_graph`.

    Parameters
    ----------
    runs : list of Run
        Settings of each run.
    model : Model
        The factorization whose parameters move.
    place : callable
        Puts a numpy array on the training device in the training precision.
    place64 : callable
        The same in float64, for flow times.
    """

    def __init__(self, runs: Sequence[Run], model: Model, place: Place, place64: Place64):
        self._model, self._place, self._place64 = model, place, place64
        self._rates = np.array([run["learning_rate"] for run in runs])
        # Flow time t_k: sum of the effective learning rates of the steps before k.
        self.state = {"flow_time": place64(np.zeros(len(runs)))}
        self._scaled = place64(np.zeros(len(runs)))
        self._minus = model.spread(place(np.zeros(len(runs))))
        self.set_rate_factors(np.ones(len(runs)))

    def set_rate_factors(self, factors: np.ndarray) -> None:
        """Multiply the learning rates of the settings by one factor a run, shape (runs,); 0 holds a run."""
        self._scaled.copy_(self._place64(factors * self._rates))
        for minus, value in zip(self._minus, self._model.spread(self._place(-factors * self._rates)), strict=True):
            minus.copy_(value)

    def step(self, parameters: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor]) -> None:
        """Move the parameters in place."""
        for parameter, gradient, minus in zip(parameters, gradients, self._minus, strict=True):
            parameter.addcmul_(gradient, minus)
        self.state["flow_time"] += self._scaled
