"""The loss as a function of what is predicted where something is seen: squares, or Huber.

A loss is c * sum of f over the residuals z of what is seen, each counted as often as it is seen.
``mean``: f(z) = z^2, c = 1 / number seen. ``half_sum``: f(z) = z^2, c = 1/2. ``huber``: torch's smooth
l1 loss, f(z) = z^2 / (2 threshold) up to the threshold and |z| - threshold / 2 beyond, c = 1 / number
seen (Razin, Maman & Cohen 2021; the Huber loss divided by its threshold).
"""

from __future__ import annotations

import numpy as np


def weight(run: dict, seen: int) -> float:
    """Return c, given how much is seen."""
    return 0.5 if run["loss"] == "half_sum" else 1.0 / seen


class ResidualLoss:
    """The loss of all runs of a batch, which share the threshold of a Huber loss, or have none.

    Parameters
    ----------
    runs : list of dict
        Settings of each run.
    seen : list of int
        How much each run sees.
    place : callable
        Puts a numpy array on the training device, in the training precision.
    order : int
        Axes of a run's residuals.
    """

    def __init__(self, runs: list[dict], seen: list[int], place, order: int):
        ones = [1] * order
        weights = np.array([weight(run, count) for run, count in zip(runs, seen, strict=True)])
        self._weight = place(weights)
        self._threshold = runs[0].get("huber_threshold")
        self._axes = tuple(range(1, order + 1))
        self.slope_weight = place(weights if self._threshold else 2 * weights).reshape(-1, *ones)

    def slopes(self, residual, weights):
        """Return dL/dz, given the residuals and ``slope_weight`` times how often each is seen."""
        if self._threshold is None:
            return residual * weights
        return (residual / self._threshold).clamp_(-1, 1) * weights

    def losses(self, residual, counts=1.0):
        """Return the loss of each run, shape (runs,), given how often each residual is seen."""
        if self._threshold is None:
            return self._weight * (residual * residual * counts).sum(self._axes)
        size = residual.abs()
        inside = size.clamp(max=self._threshold)
        return self._weight * ((inside * (size - inside / 2) / self._threshold) * counts).sum(self._axes)
