"""CP factorization W = sum_r w_r^1 o ... o w_r^N of any order, with its exact pull-back.

Razin, Maman & Cohen 2021, section 3. The modes are split into two halves, whose Khatri-Rao blocks
A and B give W = A B^T as one matrix product; with E = dL/dW, E B and E^T A are then contracted onto
the factors. Three matrix products a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from greedyrank.config.sweeps import Run
from greedyrank.kernels.khatri_rao import KhatriRao, khatri_rao
from greedyrank.training.base import RunAxisModel
from greedyrank.training.protocols import Axes, Place


def initial(run: Mapping[str, Any]) -> list[np.ndarray]:
    """Draw the factors of one run, each (mode length, components), independent normal, float64.

    ``balanced``: the vectors of a component are then rescaled to the geometric mean of their norms.
    """
    rng = np.random.default_rng([run["seed"], 1])
    factors = [run["factor_std"] * rng.standard_normal((length, run["components"])) for length in run["shape"]]
    if not run["balanced"]:
        return factors
    norms = np.stack([np.linalg.norm(factor, axis=0) for factor in factors])
    mean = np.exp(np.log(norms).mean(axis=0))
    return [factor * (mean / norm) for factor, norm in zip(factors, norms, strict=True)]


def compose(runs: Sequence[Run], parameters: Sequence[torch.Tensor], inputs: None = None) -> torch.Tensor:
    """Return W of all runs from their factors, by its definition; see `greedyrank.training.protocols`."""
    middle = (len(parameters) + 1) // 2
    left, right = khatri_rao(parameters[:middle]), khatri_rao(parameters[middle:])
    return (left @ right.mT).reshape(len(runs), *runs[0]["shape"])


def _component_norms(factors: list):
    return torch.stack([factor.norm(dim=1) for factor in factors]).prod(0)


class Model(RunAxisModel):
    """The factors of all runs of a group, each of shape (runs, mode length, components)."""

    axes: ClassVar[Axes] = {"component_norm": ("component",), "component_gamma": ("component",)}

    def __init__(self, runs: Sequence[Run], place: Place):
        drawn = [initial(run) for run in runs]
        self.parameters = [place(np.stack(factors)) for factors in zip(*drawn, strict=True)]
        self._shape = [len(runs), *runs[0]["shape"]]
        middle = (len(self.parameters) + 1) // 2
        self._left = KhatriRao(self.parameters[:middle])
        self._right = KhatriRao(self.parameters[middle:])
        rows, columns = self._left.gradient.shape[1], self._right.gradient.shape[1]
        self._matrix = self.parameters[0].new_empty(len(runs), rows, columns)

    def end_to_end(self, inputs: None = None) -> torch.Tensor:
        """Return W, shape (runs, *shape)."""
        torch.bmm(self._left.product(), self._right.product().mT, out=self._matrix)
        return self._matrix.view(self._shape)

    def pullback(self, upstream: torch.Tensor) -> list[torch.Tensor]:
        """Return dL/d(factor) for each mode, given dL/dW."""
        upstream = upstream.reshape(self._matrix.shape)
        torch.bmm(upstream, self._right.partial[-1], out=self._left.gradient)
        torch.bmm(upstream.mT, self._left.partial[-1], out=self._right.gradient)
        return [*self._left.pullback(), *self._right.pullback()]

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return the component norms and, for growth rates, gamma.

        ``component_norm``: sigma_r = prod_n ||w_r^n||, shape (runs, components).
        ``component_gamma``: gamma_r = <-dL/dW, o_n w_r^n / ||w_r^n||>, read off any factor's gradient
        as -<dL/dw_r^n, w_r^n> / sigma_r (Razin, Maman & Cohen 2021, section 4).
        """
        if not growth:
            return {"component_norm": _component_norms(self.parameters)}
        assert gradients is not None, "growth rates are of full-batch problems"
        # In float64: a rate is the small difference of two norms.
        norms = _component_norms([factor.double() for factor in self.parameters])
        gamma = -(gradients[0].double() * self.parameters[0].double()).sum(1) / norms
        return {"component_norm": norms, "component_gamma": gamma}
