"""Completion trained on the Huber loss, whose recorded loss, and so the stopping rule, is the mean squared residual.

So do Razin, Maman & Cohen 2021 (tensor_sensing_experiment.py): `StopOnZeroTrainLoss` watches the mean squared error
whatever loss is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from greedyrank.config.sweeps import Run
from greedyrank.kernels.placing import Place
from greedyrank.problems import completion
from greedyrank.problems.completion import check_seen, context, generate, given
from greedyrank.training.protocols import Arrays

if TYPE_CHECKING:
    import torch

__all__ = ["Problem", "check_seen", "context", "generate", "given"]


class Problem(completion.Problem):
    """The Huber loss of all runs of a group on their end-to-end objects; parameters as in `completion.Problem`."""

    def __init__(self, runs: Sequence[Run], data: Sequence[Arrays], place: Place):
        super().__init__(runs, data, place)
        self._axes = tuple(range(1, self.counts.ndim))
        self._seen = self.counts.sum(self._axes)

    def losses(self) -> torch.Tensor:
        """Return the mean squared residuals behind the last `loss_gradient`, shape (runs,)."""
        return (self._residual * self._residual * self.counts).sum(self._axes) / self._seen
