"""Tucker factorization W = G x_1 U_1 ... x_N U_N of any depth, with its exact pull-back.

Hariz et al. 2024, after their code (TuckerLayer.py): column j of U_n is M_{n,j,1} ... M_{n,j,K-1} a_{n,j}, a
chain of K - 1 square matrices and a vector; depth K = 1 is the plain Tucker factorization, K = 0 the
core alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from greedyrank.config.sweeps import Run
from greedyrank.kernels.chains import Chains, multiplied
from greedyrank.training.base import RunAxisModel
from greedyrank.training.protocols import Axes, Place


def _slice_norms(core: np.ndarray, mode: int) -> np.ndarray:
    return np.linalg.norm(np.moveaxis(core, mode, 0).reshape(core.shape[mode], -1), axis=1)


def initial(run: Mapping[str, Any]) -> tuple[np.ndarray, list[list[np.ndarray]]]:
    """Draw the core, and for each mode a (columns, length) and M_1 ... M_{K-1} (columns, length, length), float64.

    The core has independent normal entries of standard deviation ``core_std``; every factor of
    column j of mode n is a normal draw rescaled to the Frobenius norm of slice j of the core along
    mode n, so that the init is balanced (TuckerLayer.py).
    """
    rng = np.random.default_rng([run["seed"], 1])
    core_shape = run["core_shape"] or run["shape"]
    core = run["core_std"] * rng.standard_normal(core_shape)
    chains = []
    for mode, (columns, length) in enumerate(zip(core_shape, run["shape"], strict=True)):
        norms = _slice_norms(core, mode)
        drawn = [rng.standard_normal((columns, length, *[length] * (k > 0))) for k in range(run["depth"])]
        axes = [tuple(range(1, factor.ndim)) for factor in drawn]
        chains.append(
            [
                factor * (norms.reshape(-1, *[1] * len(over)) / np.sqrt((factor**2).sum(over, keepdims=True)))
                for factor, over in zip(drawn, axes, strict=True)
            ]
        )
    return core, chains


def compose(runs: Sequence[Run], parameters: Sequence[torch.Tensor], inputs: None = None) -> torch.Tensor:
    """Return W of all runs from their factors, by its definition; see `greedyrank.training.protocols`."""
    tensor, *rest = parameters
    run = runs[0]
    if run["depth"] == 0:
        return tensor
    for columns in multiplied(list(zip(tensor.shape[1:], run["shape"], strict=True)), run["depth"], rest):
        tensor = torch.einsum("zj...,zji->z...i", tensor, columns)  # mode by mode: the new axis stands last
    return tensor


class Model(RunAxisModel):
    """The core and the columns of all runs of a group; ``parameters``: the core, then as in `Chains`."""

    axes: ClassVar[Axes] = {
        "slice_norm": ("mode", "slice"),
        "column_norm": ("mode", "slice"),
        "component_norm": ("component",),
        "component_gamma": ("component",),
    }

    def __init__(self, runs: Sequence[Run], place: Place):
        drawn = [initial(run) for run in runs]
        self._core = place(np.stack([core for core, _ in drawn]))
        self.parameters = [self._core]
        self._shape = [len(runs), *runs[0]["shape"]]
        self._chains = None
        if runs[0]["depth"] > 0:
            modes = zip(*(chains for _, chains in drawn), strict=True)
            stacked = [[np.stack(factors) for factors in zip(*chains, strict=True)] for chains in modes]
            self._chains = Chains([chain[0] for chain in stacked], [chain[1:] for chain in stacked], place)
            self.parameters += self._chains.parameters

    def end_to_end(self, inputs: None = None) -> torch.Tensor:
        """Return W, shape (runs, *shape): one matrix product a mode.

        Each takes the first axis away and appends the new one behind, so that after all N the axes
        stand in their order again, and nothing is ever copied.
        """
        if self._chains is None:
            return self._core
        self._chains.multiply()
        self._before, tensor = [], self._core
        for columns in self._chains.products:
            self._before.append(tensor.view(len(tensor), columns.shape[1], -1))
            tensor = torch.bmm(self._before[-1].mT, columns)
        return tensor.view(self._shape)

    def pullback(self, upstream: torch.Tensor) -> list[torch.Tensor]:
        """Return the gradients of the parameters, given dL/dW: two matrix products a mode."""
        if self._chains is None:
            self._core_slope = upstream
            return [upstream]
        running = upstream
        for mode in reversed(range(len(self._before))):
            columns = self._chains.products[mode]
            running = running.reshape(len(running), -1, columns.shape[2])
            torch.bmm(self._before[mode], running, out=self._chains.upstreams[mode])
            running = torch.bmm(columns, running.mT)
        self._core_slope = running.view(self._core.shape)
        return [self._core_slope, *self._chains.pullback()]

    def _slices(self, tensor):
        """Sum over all but one axis of the core, for each: a list of (runs, slices)."""
        axes = range(1, tensor.ndim)
        return [tensor.sum(dim=[other for other in axes if other != axis]) for axis in axes]

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return norms of core slices and columns and, for growth rates, the slice norms and gamma.

        ``slice_norm``: Frobenius norms of the slices of the core along each mode; ``column_norm``: those
        of the vectors a; both (runs, modes, slices), NaN where a mode has fewer, or depth 0 none.
        ``component_norm``, ``component_gamma`` (runs, all slices of all modes): q and gamma of
        dq/dt = gamma q^K, gamma = <-dL/dG, G>_slice over the product of the norms of the slice and
        all factors of its column (exact under gradient flow from a balanced init).
        """
        squares = self._slices(self._core.double() ** 2)
        if not growth:
            slices = [square.sqrt() for square in squares]
            columns = [norms[0].double() for norms in self._chains.norms()] if self._chains else []
            columns = columns or [torch.full_like(norms, torch.nan) for norms in slices]
            return {"slice_norm": _padded(slices), "column_norm": _padded(columns)}
        slopes = self._slices(self._core.double() * self._core_slope.double())
        chained = self._chains.norms() if self._chains else [[] for _ in squares]
        norms, gammas = [], []
        for square, slope, factors in zip(squares, slopes, chained, strict=True):
            norms.append(square.sqrt())
            product = norms[-1]
            for factor in factors:
                product = product * factor.double()
            gammas.append(-slope / product)
        return {"component_norm": torch.cat(norms, dim=1), "component_gamma": torch.cat(gammas, dim=1)}


def _padded(rows: list):
    """Stack (runs, slices) along a new axis of modes, padded with NaN."""
    widest = max(row.shape[1] for row in rows)
    stacked = rows[0].new_full((len(rows[0]), len(rows), widest), torch.nan)
    for mode, row in enumerate(rows):
        stacked[:, mode, : row.shape[1]] = row
    return stacked
