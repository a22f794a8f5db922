"""Deep linear network W = W_N ... W_1 that is looked at layer by layer, whole or compressed, with its exact pull-back.

The model is that of `greedyrank.factorizations.deep_matrix`. What differs is how the layers start, that the hidden
layers may have any width, that the layers themselves can be recorded, and that the network can be trained in a
subspace alone. Ghosh et al. 2025 (multiples of the identity); Yaras et al. 2023 and Kwon et al. 2024 (orthogonal
layers, and compression).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from greedyrank.config.sweeps import Run
from greedyrank.problems import completion
from greedyrank.theory import invariant_subspace
from greedyrank.training.base import RunAxisModel
from greedyrank.training.protocols import Axes, Place


def whole(run: Mapping[str, Any]) -> list[np.ndarray]:
    """Draw the layers W_1 ... W_N of one run that is not compressed, float64.

    ``layer_scales``: W_j = layer_scales[j - 1] I. ``layer_scale`` s and ``start``: s times a matrix with orthonormal
    columns or rows, or a Gaussian one of the same expected squared Frobenius norm.
    """
    (rows, columns), depth = run["shape"], run["depth"]
    width = run["width"] or min(rows, columns)
    widths = [columns, *[width] * (depth - 1), rows]
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    if run["layer_scales"] is not None:
        return [scale * np.eye(*shape) for scale, shape in zip(run["layer_scales"], shapes, strict=True)]
    rng = np.random.default_rng([run["seed"], 1])
    layers = []
    for shape in shapes:
        normal = rng.standard_normal((max(shape), min(shape)))
        if run["start"] == "orthogonal":
            q, r = np.linalg.qr(normal)
            normal = q * np.sign(np.diagonal(r))  # makes q uniform
        else:
            normal /= np.sqrt(max(shape))
        layers.append(run["layer_scale"] * (normal if shape[0] >= shape[1] else normal.T))
    return layers


def compressed(run: Mapping[str, Any]) -> list[np.ndarray]:
    """Return the layers of one compressed run, float64, from those of the whole network and the data of the run.

    Without an ``outer_rate``: V^T, then N layers s I, then U, where U and V span the subspaces that the whole network
    does not leave (`greedyrank.theory.invariant_subspace`); U and V are not trained. With one: N layers, of which the
    first is s V^T, the last s U and the others s I, where U and V are the leading singular vectors of what is observed,
    with zeros elsewhere (Kwon et al. 2024).
    """
    width, scale, depth = run["compressed_width"], run["layer_scale"], run["depth"]
    data = completion.generate(run)  # the same that the problem has: all is drawn by the run's own seeds
    inner = scale * np.eye(width)
    if run["outer_rate"] is None:
        left, right = invariant_subspace.bases(data["target"], whole(run), width)
        return [right.T, *[inner] * depth, left]
    observed, _ = completion.observed(run, data)
    left, _, right = np.linalg.svd(observed)
    return [scale * right[:width], *[inner] * (depth - 2), scale * left[:, :width]]


def initial(run: Mapping[str, Any]) -> list[np.ndarray]:
    """Return the initial layers of one run, W_1 first, float64; see `whole` and `compressed`."""
    return whole(run) if run["compressed_width"] is None else compressed(run)


def compose(runs: Sequence[Run], parameters: Sequence[torch.Tensor], inputs: None = None) -> torch.Tensor:
    """Return W of all runs from their layers, by its definition; see `greedyrank.training.protocols`."""
    product = parameters[0]
    for layer in parameters[1:]:
        product = layer @ product
    return product


class Model(RunAxisModel):
    """The layers of all runs of a group, each of shape (runs, rows, columns)."""

    axes: ClassVar[Axes] = {"layers": ("layer", "row", "column")}

    def __init__(self, runs: Sequence[Run], place: Place):
        self.parameters = [place(np.stack(layers)) for layers in zip(*map(initial, runs), strict=True)]
        self._rate = 1.0 if runs[0]["compressed_width"] is None else runs[0]["outer_rate"] or 0.0
        self._records_layers = runs[0]["record_layers"]

    def end_to_end(self, inputs: None = None) -> torch.Tensor:
        """Return W = W_N ... W_1, shape (runs, rows, columns)."""
        self._prefixes = list(itertools.accumulate(self.parameters, lambda product, layer: layer @ product))
        return self._prefixes[-1]

    def pullback(self, upstream: torch.Tensor) -> list[torch.Tensor]:
        """Return dL/dW_j for each j, given dL/dW; those of outer layers times their factor of the step size.

        dL/dW_j = (W_N ... W_{j+1})^T dL/dW (W_{j-1} ... W_1)^T.
        """
        gradients, running = [], upstream
        for j in range(len(self.parameters) - 1, 0, -1):
            gradients.append(running @ self._prefixes[j - 1].mT)
            running = self.parameters[j].mT @ running
        gradients.append(running)
        if self._rate != 1:
            gradients[0] = gradients[0] * self._rate
            gradients[-1] = gradients[-1] * self._rate
        return gradients[::-1]

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return ``layers`` (runs, layer, row, column), where they are asked for."""
        return {"layers": torch.stack(self.parameters, 1)} if self._records_layers else {}
