"""The loss as a function of the residuals of the observations: squares, or Huber.

A loss is c * sum of f(z) over the residuals z of the observations, an entry observed twice counting twice.
``mean``: f(z) = z^2, c = 1 / number of observations. ``half_sum``: f(z) = z^2, c = 1/2. ``huber``: torch's smooth
l1 loss, f(z) = z^2 / (2 threshold) up to the threshold and |z| - threshold / 2 beyond, c = 1 / number of
observations (Razin, Maman & Cohen 2021; the Huber loss divided by its threshold).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from greedyrank.config.sweeps import Run
from greedyrank.kernels.placing import Place

if TYPE_CHECKING:  # a compiled job imports this module, and never imports torch
    import torch


def weight(run: Mapping[str, Any], seen: int) -> float:
    """Return c, given the number of observations."""
    return 0.5 if run["loss"] == "half_sum" else 1.0 / seen


class ResidualLoss:
    """The loss of all runs of a group, which share the threshold of a Huber loss, or have none.

    Parameters
    ----------
    runs : list of Run
        Settings of each run.
    seen : list of int
        The number of observations of each run.
    place : callable
        Puts a numpy array on the training device, in the training precision.
    order : int
        Number of axes of a run's residuals.
    """

    def __init__(self, runs: Sequence[Run], seen: Sequence[int], place: Place, order: int):
        ones = [1] * order
        weights = np.array([weight(run, count) for run, count in zip(runs, seen, strict=True)])
        self._weight = place(weights)
        self._threshold = runs[0].get("huber_threshold")
        self._axes = tuple(range(1, order + 1))
        self.slope_weight = place(weights if self._threshold else 2 * weights).reshape(-1, *ones)

    def slopes(self, residual: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return dL/dz, a new tensor, given the residuals and ``slope_weight`` times how often each is observed."""
        if self._threshold is None:
            return residual * weights
        return (residual / self._threshold).clamp_(-1, 1) * weights

    def losses(self, residual: torch.Tensor, counts: torch.Tensor | float = 1.0) -> torch.Tensor:
        """Return the loss of each run, shape (runs,), given how often each residual is observed."""
        if self._threshold is None:
            return self._weight * (residual * residual * counts).sum(self._axes)
        size = residual.abs()
        inside = size.clamp(max=self._threshold)
        return self._weight * ((inside * (size - inside / 2) / self._threshold) * counts).sum(self._axes)
