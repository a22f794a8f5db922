"""Deep CP factorization: CP whose every vector is a chain M_1 ... M_{K-1} a, with its exact pull-back.

This is our reading of Hariz et al. 2022, after their later code of deep Tucker factorizations: the code and the text
of their experiments were not available to us. Depth 1 is `greedyrank.factorizations.cp`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from greedyrank.config.sweeps import Run
from greedyrank.factorizations import cp
from greedyrank.kernels.chains import Chains, multiplied
from greedyrank.kernels.khatri_rao import KhatriRao
from greedyrank.training.base import RunAxisModel
from greedyrank.training.protocols import Axes, Place


def initial(run: Mapping[str, Any]) -> list[list[np.ndarray]]:
    """Draw one list a mode: a (components, length), then M_1 ... M_{K-1} (components, length, length), float64.

    Independent normal entries, of standard deviation ``factor_std`` in a, and smaller by
    sqrt(length) in the matrices. ``balanced``: all factors of a component are then rescaled to the
    geometric mean of their Frobenius norms.
    """
    rng = np.random.default_rng([run["seed"], 1])
    std, components = run["factor_std"], run["components"]
    # As in `cp`: the vectors first, and in the same order, so that depth 1 draws the same init.
    vectors = [std * rng.standard_normal((length, components)).T for length in run["shape"]]
    chains = [
        [vector]
        + [std / length**0.5 * rng.standard_normal((components, length, length)) for _ in range(run["depth"] - 1)]
        for vector, length in zip(vectors, run["shape"], strict=True)
    ]
    if not run["balanced"]:
        return chains
    norms = [[_norms(factor) for factor in chain] for chain in chains]
    mean = np.exp(np.log(np.concatenate(norms)).mean(axis=0))
    return [
        [factor * _column(mean / norm, factor.ndim) for factor, norm in zip(chain, its_norms, strict=True)]
        for chain, its_norms in zip(chains, norms, strict=True)
    ]


def _norms(factor: np.ndarray) -> np.ndarray:
    return np.linalg.norm(factor.reshape(len(factor), -1), axis=1)


def _column(values: np.ndarray, axes: int) -> np.ndarray:
    return values.reshape(-1, *[1] * (axes - 1))


def compose(runs: Sequence[Run], parameters: Sequence[torch.Tensor], inputs: None = None) -> torch.Tensor:
    """Return W of all runs from their factors, by its definition; see `greedyrank.training.protocols`."""
    shapes = [(runs[0]["components"], length) for length in runs[0]["shape"]]
    vectors = multiplied(shapes, runs[0]["depth"], parameters)
    return cp.compose(runs, [vector.mT for vector in vectors])


class Model(RunAxisModel):
    """The chains of all runs of a group; ``parameters`` as in `greedyrank.kernels.chains`."""

    axes: ClassVar[Axes] = {"component_norm": ("component",), "component_gamma": ("component",)}

    def __init__(self, runs: Sequence[Run], place: Place):
        drawn = [initial(run) for run in runs]
        stacked = [[np.stack(factors) for factors in zip(*chains, strict=True)] for chains in zip(*drawn, strict=True)]
        self._chains = Chains([chain[0] for chain in stacked], [chain[1:] for chain in stacked], place)
        self.parameters = self._chains.parameters
        self._shape = [len(runs), *runs[0]["shape"]]
        vectors = [product.mT for product in self._chains.products]
        middle = (len(vectors) + 1) // 2
        self._left, self._right = KhatriRao(vectors[:middle]), KhatriRao(vectors[middle:])

    def end_to_end(self, inputs: None = None) -> torch.Tensor:
        """Return W, shape (runs, *shape)."""
        self._chains.multiply()
        return (self._left.product() @ self._right.product().mT).view(self._shape)

    def pullback(self, upstream: torch.Tensor) -> list[torch.Tensor]:
        """Return the gradients of the parameters, given dL/dW."""
        left, right = self._left.partial[-1], self._right.partial[-1]
        upstream = upstream.reshape(len(left), left.shape[1], right.shape[1])
        torch.bmm(upstream, right, out=self._left.gradient)
        torch.bmm(upstream.mT, left, out=self._right.gradient)
        self._slopes = [*self._left.pullback(), *self._right.pullback()]
        for into, slope in zip(self._chains.upstreams, self._slopes, strict=True):
            into.copy_(slope.mT)
        return self._chains.pullback()

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return the component norms and, for growth rates, the parameters' norms and gamma; (runs, components).

        ``component_norm``: Frobenius norm of each component of W, as of a CP factorization. For
        growth rates it is a different norm: the product of the Frobenius norms of all N K factors of the
        component, which is what grows as sigma^(2 - 2/(N K)); ``component_gamma`` is
        <-dL/dW, component> over it.
        """
        if not growth:
            return {"component_norm": torch.stack([product.norm(dim=2) for product in self._chains.products]).prod(0)}
        norms = torch.stack([norm.double() for mode in self._chains.norms() for norm in mode]).prod(0)
        slope = (self._slopes[0].double().mT * self._chains.products[0].double()).sum(2)
        return {"component_norm": norms, "component_gamma": -slope / norms}
