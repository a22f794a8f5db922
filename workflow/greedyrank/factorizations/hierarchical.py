"""Hierarchical tensor factorization on a binary tree of neighbouring modes, with its exact pull-back.

Razin, Maman & Cohen 2022 (their ht_tensor_factorization.py). Each leaf is a matrix (length, w_0). A
node above two others is the column-wise Khatri-Rao product of theirs times a weight matrix
(w_{l-1}, w_l). The root weighs the last products: W = A diag(c) B^T between the two halves of the modes.
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


def initial(run: Mapping[str, Any]) -> tuple[list[np.ndarray], list[list[np.ndarray]], np.ndarray]:
    """Draw the leaves, the weights of each level between leaves and root, and the root's; float64.

    Independent normal entries of standard deviation ``factor_std``. ``balanced``: for each component
    of the root, its weight and the columns of its two children are rescaled to the geometric
    mean of their norms.
    """
    rng = np.random.default_rng([run["seed"], 1])
    widths = run["widths"]
    leaves = [run["factor_std"] * rng.standard_normal((length, widths[0])) for length in run["shape"]]
    levels = []
    for level, width in enumerate(widths[1:], start=1):
        nodes = len(leaves) >> level
        levels.append([run["factor_std"] * rng.standard_normal((widths[level - 1], width)) for _ in range(nodes)])
    root = run["factor_std"] * rng.standard_normal(widths[-1])
    if run["balanced"]:
        last = levels[-1] if levels else leaves
        norms = [np.abs(root), *(np.linalg.norm(weights, axis=0) for weights in last)]
        mean = np.exp(np.log(norms).mean(axis=0))
        root *= mean / norms[0]
        last[:] = [weights * (mean / norm) for weights, norm in zip(last, norms[1:], strict=True)]
    return leaves, levels, root


def compose(runs: Sequence[Run], parameters: Sequence[torch.Tensor], inputs: None = None) -> torch.Tensor:
    """Return W of all runs from their factors, by its definition; see `greedyrank.training.protocols`."""
    order = len(runs[0]["shape"])
    nodes, weights, root = parameters[:order], iter(parameters[order:-1]), parameters[-1]
    while len(nodes) > 2:
        nodes = [khatri_rao(pair) @ next(weights) for pair in zip(nodes[::2], nodes[1::2], strict=True)]
    left, right = nodes
    return ((left * root[:, None]) @ right.mT).reshape(len(runs), *runs[0]["shape"])


class _Node:
    """A node between leaves and root: the Khatri-Rao product of its children times its weights."""

    def __init__(self, left, right, weights):
        self._children, self._weights = KhatriRao([left, right]), weights
        rows = left.shape[1] * right.shape[1]
        self.product = weights.new_empty(len(weights), rows, weights.shape[2])
        self._gradient = torch.empty_like(weights)

    def multiply(self) -> None:
        """Bring ``product`` up to date: one matrix product."""
        torch.bmm(self._children.product(), self._weights, out=self.product)

    def pullback(self, upstream) -> tuple:
        """Return the gradients of the weights and of both children, given that of ``product``: two matrix products."""
        torch.bmm(self._children.partial[-1].mT, upstream, out=self._gradient)
        torch.bmm(upstream, self._weights.mT, out=self._children.gradient)
        return self._gradient, *self._children.pullback()


class Model(RunAxisModel):
    """All runs of a group; ``parameters``: leaves (runs, length, w_0), weights level by level, the root's (runs, w)."""

    axes: ClassVar[Axes] = {
        "component_norm": ("component",),
        "component_gamma": ("component",),
        "pair_component_norm": ("pair", "pair_component"),
    }

    def __init__(self, runs: Sequence[Run], place: Place):
        drawn = [initial(run) for run in runs]
        leaves = [place(np.stack(arrays)) for arrays in zip(*(leaves for leaves, _, _ in drawn), strict=True)]
        self._root = place(np.stack([root for _, _, root in drawn]))
        self.parameters, self._levels, below, last = [*leaves], [], leaves, leaves
        for level in zip(*(levels for _, levels, _ in drawn), strict=True):
            last = [place(np.stack(arrays)) for arrays in zip(*level, strict=True)]
            nodes = [_Node(*pair) for pair in zip(below[::2], below[1::2], last, strict=True)]
            self.parameters += last
            self._levels.append(nodes)
            below = [node.product for node in nodes]
        self.parameters.append(self._root)
        self._halves, self._last = below, last
        self._leaves, self._lowest = leaves, self.parameters[len(leaves) : len(leaves) * 3 // 2]
        self._shape = [len(runs), *runs[0]["shape"]]

    def end_to_end(self, inputs: None = None) -> torch.Tensor:
        """Return W, shape (runs, *shape)."""
        for nodes in self._levels:
            for node in nodes:
                node.multiply()
        left, right = self._halves
        self._weighted = left * self._root[:, None]
        return torch.bmm(self._weighted, right.mT).view(self._shape)

    def pullback(self, upstream: torch.Tensor) -> list[torch.Tensor]:
        """Return the gradients of the parameters, given dL/dW."""
        left, right = self._halves
        upstream = upstream.reshape(len(left), left.shape[1], right.shape[1])
        through = torch.bmm(upstream, right)
        self._root_slope = (left * through).sum(1)
        gradients = [self._root_slope]
        running = [through * self._root[:, None], torch.bmm(upstream.mT, self._weighted)]
        for nodes in reversed(self._levels):
            found = [node.pullback(slope) for node, slope in zip(nodes, running, strict=True)]
            gradients = [weights for weights, _, _ in found] + gradients
            running = [child for _, *children in found for child in children]
        return running + gradients

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return the norms of the local components at the root and, for growth rates, gamma; (runs, w).

        ``component_norm``: |c_s| times the norms of column s of the weights of both children (Razin,
        Maman & Cohen 2022, ht_factorization_evaluator.py). ``component_gamma``: <-dL/dW, W_s> over it, where
        W_s is what passes through s. ``pair_component_norm``: those at the nodes that join two leaves, where the
        root does not, (runs, nodes, w_0); not for growth rates.
        """
        root, last = self._root, self._last
        if growth:  # in float64: a rate is the small difference of two norms
            root, last = root.double(), [weights.double() for weights in last]
        norms = root.abs() * torch.stack([weights.norm(dim=1) for weights in last]).prod(0)
        if not growth:
            pairs = {"pair_component_norm": self._pair_norms()} if self._levels else {}
            return {"component_norm": norms, **pairs}
        return {"component_norm": norms, "component_gamma": -(self._root_slope.double() * root) / norms}

    def _pair_norms(self) -> torch.Tensor:
        """Return |row r of the weights| times the norms of column r of both leaves, (runs, nodes, w_0)."""
        leaves = torch.stack([leaf.norm(dim=1) for leaf in self._leaves], dim=1)
        return leaves[:, ::2] * leaves[:, 1::2] * torch.stack([weights.norm(dim=2) for weights in self._lowest], dim=1)
