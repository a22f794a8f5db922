"""Symmetric tubal factorization X = U * U^T by the t-product, with its exact pull-back.

Karnik, Veselovska, Iwen & Krahmer 2025, section 2. X has the shape (n, n, tubes) and U, whose slices come first here,
(tubes, n, columns). Both maps are products of pages in the Fourier domain; see `greedyrank.theory.tubal`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from greedyrank.config.sweeps import Run
from greedyrank.theory import tubal
from greedyrank.training.base import RunAxisModel
from greedyrank.training.protocols import Place


def initial(run: Mapping[str, Any]) -> np.ndarray:
    """Draw U(0) of one run, float64, (tubes, n, columns).

    The drawn tensor has ``width`` columns and independent normal entries of standard deviation ``tubal_alpha`` /
    sqrt(width). If U has other columns, it is not this tensor, but one with the same U * U^T.
    """
    size, _, tubes = run["shape"]
    columns = run["columns"] or size
    width = run["width"] or columns
    drawn = np.random.default_rng([run["seed"], 1]).standard_normal((size, width, tubes))
    drawn *= run["tubal_alpha"] / np.sqrt(width)
    if width > columns:
        # Each page is L Q with L square and orthonormal rows of Q, so that U U^T = L L^T. Gradient descent keeps it so:
        # U(t) = M(t) U(0), where M(t) depends on U U^T alone.
        drawn = tubal.from_pages(tubal.adjoint(np.linalg.qr(tubal.adjoint(tubal.pages(drawn))).R), tubes)
    padded = np.pad(drawn, ((0, 0), (0, columns - drawn.shape[1]), (0, 0)))
    return np.ascontiguousarray(np.moveaxis(padded, -1, 0))


def compose(runs: Sequence[Run], parameters: Sequence[torch.Tensor], inputs: None = None) -> torch.Tensor:
    """Return X of all runs from their factors by its definition, circular convolutions of tubes.

    See `greedyrank.training.protocols`. Slice c of X is the sum of U_(b + c) U_b^T over the slices b of U.
    """
    (factor,) = parameters
    slices = [(factor.roll(-shift, 1) @ factor.mT).sum(1) for shift in range(factor.shape[1])]
    return torch.stack(slices, -1)


class Model(RunAxisModel):
    """The factors of all runs of a group, (runs, tubes, n, columns)."""

    def __init__(self, runs: Sequence[Run], place: Place):
        self.parameters = [place(np.stack([initial(run) for run in runs]))]
        self._tubes = runs[0]["shape"][-1]

    def end_to_end(self, inputs: None = None) -> torch.Tensor:
        """Return X = U * U^T, shape (runs, n, n, tubes)."""
        self._pages = torch.fft.rfft(self.parameters[0], dim=1)
        self._end_to_end = torch.fft.irfft(self._pages @ self._pages.mH, n=self._tubes, dim=1).movedim(1, -1)
        return self._end_to_end

    def pullback(self, upstream: torch.Tensor) -> list[torch.Tensor]:
        """Return [dL/dU] = [(G + G^T) * U], given G = dL/dX; the pages of G^T are the conjugate transposes."""
        pages = torch.fft.rfft(upstream, dim=-1).movedim(-1, 1)
        return [torch.fft.irfft((pages + pages.mH) @ self._pages, n=self._tubes, dim=1)]

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return the end-to-end tensor; extraction computes its spectrum."""
        return {"end_to_end": self._end_to_end}
