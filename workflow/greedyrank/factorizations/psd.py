"""Positive semidefinite factorization W = U U^T, with its exact pull-back.

Gunasekar et al. 2017, section 2. Unlike a deep matrix of depth 2 its two factors are one.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from greedyrank.kernels.run_axis import RunAxis


def initial(run: dict) -> np.ndarray:
    """Draw U(0) of one run, float64, (n, n), of Frobenius norm ``factor_norm``."""
    size = run["shape"][0]
    if run["start"] == "identity":
        drawn = np.eye(size)
    else:
        drawn = np.random.default_rng([run["seed"], 1]).standard_normal((size, size))
    return drawn * run["factor_norm"] / np.linalg.norm(drawn)


class Model(RunAxis):
    """The factors of all runs of a batch, (runs, n, n)."""

    # The axes of each observable, behind run and record.
    axes: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __init__(self, runs: list[dict], place):
        self.parameters = [place(np.stack([initial(run) for run in runs]))]

    def end_to_end(self, inputs=None):
        """Return W = U U^T, shape (runs, n, n)."""
        factor = self.parameters[0]
        self._end_to_end = factor @ factor.mT
        return self._end_to_end

    def pullback(self, upstream):
        """Return [dL/dU] = [(G + G^T) U], given G = dL/dW."""
        return [(upstream + upstream.mT) @ self.parameters[0]]

    def observables(self, growth: bool, gradients) -> dict:
        """Return the end-to-end matrix; spectra are the next stage's work."""
        return {"end_to_end": self._end_to_end}
