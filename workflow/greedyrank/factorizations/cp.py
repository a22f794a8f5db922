"""CP factorization W = sum_r w_r^1 o ... o w_r^N of any order, with its exact pull-back.

Razin, Maman & Cohen 2021, section 3. The modes are split into two halves, whose Khatri-Rao blocks
A and B give W = A B^T as one matrix product; with E = dL/dW, E B and E^T A are then contracted onto
the factors. Three matrix products a step.
"""

from __future__ import annotations

import numpy as np
import torch


def initial(run: dict) -> list[np.ndarray]:
    """Draw the factors of one run, each (mode length, components), independent normal, float64."""
    rng = np.random.default_rng([run["seed"], 1])
    return [run["factor_std"] * rng.standard_normal((length, run["components"])) for length in run["shape"]]


class _Half:
    """The Khatri-Rao product of some consecutive factors, and its pull-back."""

    def __init__(self, factors: list):
        self.factors = factors
        # partial[i] = khatri_rao(factors[:i + 1]), shape (runs, product of lengths, components)
        self.partial = [factors[0]]
        for factor in factors[1:]:
            runs, rows, components = self.partial[-1].shape
            self.partial.append(factor.new_empty(runs, rows * factor.shape[1], components))
        self.gradient = torch.empty_like(self.partial[-1])

    def product(self):
        """Return the Khatri-Rao product, shape (runs, product of lengths, components)."""
        for before, factor, after in zip(self.partial, self.factors[1:], self.partial[1:], strict=False):
            runs, rows, components = before.shape
            torch.mul(before[:, :, None], factor[:, None], out=after.view(runs, rows, -1, components))
        return self.partial[-1]

    def pullback(self) -> list:
        """Return the gradient of each factor, given that of the product in ``self.gradient``."""
        upstream, gradients = self.gradient, []
        for i in range(len(self.factors) - 1, 0, -1):
            before, factor = self.partial[i - 1], self.factors[i]
            upstream = upstream.view(before.shape[0], before.shape[1], factor.shape[1], -1)
            gradients.append((upstream * before[:, :, None]).sum(1))
            upstream = (upstream * factor[:, None]).sum(2)
        return [upstream, *reversed(gradients)]


def _component_norms(factors: list):
    return torch.stack([factor.norm(dim=1) for factor in factors]).prod(0)


class Model:
    """The factors of all runs of a batch, each of shape (runs, mode length, components)."""

    def __init__(self, runs: list[dict], place):
        drawn = [initial(run) for run in runs]
        self.parameters = [place(np.stack(factors)) for factors in zip(*drawn, strict=True)]
        self._shape = [len(runs), *runs[0]["shape"]]
        middle = (len(self.parameters) + 1) // 2
        self._left = _Half(self.parameters[:middle])
        self._right = _Half(self.parameters[middle:])
        rows, columns = self._left.gradient.shape[1], self._right.gradient.shape[1]
        self._matrix = self.parameters[0].new_empty(len(runs), rows, columns)

    def spread(self, values):
        """Return one value a run in the shape that multiplies each parameter."""
        return [values.reshape(-1, 1, 1)] * len(self.parameters)

    def end_to_end(self, inputs=None):
        """Return W, shape (runs, *shape)."""
        torch.bmm(self._left.product(), self._right.product().mT, out=self._matrix)
        return self._matrix.view(self._shape)

    def pullback(self, upstream):
        """Return dL/d(factor) for each mode, given dL/dW."""
        upstream = upstream.reshape(self._matrix.shape)
        torch.bmm(upstream, self._right.partial[-1], out=self._left.gradient)
        torch.bmm(upstream.mT, self._left.partial[-1], out=self._right.gradient)
        return [*self._left.pullback(), *self._right.pullback()]

    def observables(self, growth: bool, gradients) -> dict:
        """Return the component norms and, for growth rates, gamma.

        ``component_norm``: sigma_r = prod_n ||w_r^n||, shape (runs, components).
        ``component_gamma``: gamma_r = <-dL/dW, o_n w_r^n / ||w_r^n||>, read off any factor's gradient
        as -<dL/dw_r^n, w_r^n> / sigma_r (Razin, Maman & Cohen 2021, section 4).
        """
        if not growth:
            return {"component_norm": _component_norms(self.parameters)}
        # In float64: a rate is the small difference of two norms.
        norms = _component_norms([factor.double() for factor in self.parameters])
        gamma = -(gradients[0].double() * self.parameters[0].double()).sum(1) / norms
        return {"component_norm": norms, "component_gamma": gamma}
