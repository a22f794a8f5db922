"""Positive semidefinite factorization W = U U^T, with its exact pull-back.

Gunasekar et al. 2017, section 2. Unlike a deep matrix of depth 2 its two factors are one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from greedyrank.config.sweeps import Run
from greedyrank.training.base import RunAxisModel
from greedyrank.training.protocols import Place


def initial(run: Mapping[str, Any]) -> np.ndarray:
    """Draw U(0) of one run, float64, (n, columns), of Frobenius norm ``factor_norm``."""
    size = run["shape"][0]
    columns = size if run["columns"] is None else run["columns"]
    if run["start"] == "identity":
        drawn = np.eye(size)
    else:
        drawn = np.random.default_rng([run["seed"], 1]).standard_normal((size, columns))
    return drawn * run["factor_norm"] / np.linalg.norm(drawn)


def compose(runs: Sequence[Run], parameters: Sequence[torch.Tensor], inputs: None = None) -> torch.Tensor:
    """Return W of all runs from their factors, by its definition; see `greedyrank.training.protocols`."""
    (factor,) = parameters
    return factor @ factor.mT


class Model(RunAxisModel):
    """The factors of all runs of a group, (runs, n, columns)."""

    def __init__(self, runs: Sequence[Run], place: Place):
        self.parameters = [place(np.stack([initial(run) for run in runs]))]

    def end_to_end(self, inputs: None = None) -> torch.Tensor:
        """Return W = U U^T, shape (runs, n, n)."""
        factor = self.parameters[0]
        self._end_to_end = factor @ factor.mT
        return self._end_to_end

    def pullback(self, upstream: torch.Tensor) -> list[torch.Tensor]:
        """Return [dL/dU] = [(G + G^T) U], given G = dL/dW."""
        return [(upstream + upstream.mT) @ self.parameters[0]]

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return the end-to-end matrix; extraction computes its spectrum."""
        return {"end_to_end": self._end_to_end}
