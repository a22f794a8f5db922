"""Deep linear network W = W_N ... W_1 that is looked at layer by layer, whole or compressed, with its exact pull-back.

The model is that of `greedyrank.factorizations.deep_matrix`. What differs is how the layers start, that the hidden
layers may have any width, that the layers themselves can be recorded, and that the network can be trained in a
subspace alone. Ghosh et al. 2025 (multiples of the identity); Yaras et al. 2023 and Kwon et al. 2024 (orthogonal
layers, and compression).
"""

from __future__ import annotations

import functools
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from greedyrank import provenance
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


@functools.lru_cache(maxsize=256)
def _bases(settings: str) -> tuple[np.ndarray, np.ndarray]:
    """Return U and V of a compressed run without trained outer layers, from its settings as canonical JSON."""
    run = json.loads(settings)
    target = completion.generate(run)["target"]  # the same that the problem has: all is drawn by the run's own seeds
    return invariant_subspace.bases(target, whole(run), run["compressed_width"])


def bases(run: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return U and V, (n, width), of a run whose end-to-end matrix is U W_N ... W_1 V^T; None for all other runs.

    They span what the whole network does not leave (`greedyrank.theory.invariant_subspace`), and are not trained.
    """
    if run["compressed_width"] is None or run["outer_rate"] is not None:
        return None
    return _bases(provenance.canonical(dict(run)))


def compressed(run: Mapping[str, Any]) -> list[np.ndarray]:
    """Return the layers of one compressed run, W_1 first, float64.

    Without an ``outer_rate``: s I, N times, between the `bases`. With one: s V^T, then s I, at last s U, where U and V
    are the leading singular vectors of what is observed, with zeros elsewhere (Kwon et al. 2024).
    """
    width, scale, depth = run["compressed_width"], run["layer_scale"], run["depth"]
    inner = scale * np.eye(width)
    if run["outer_rate"] is None:
        return [inner] * depth
    observed, _ = completion.observed(run, completion.generate(run))
    left, _, right = np.linalg.svd(observed)
    return [scale * right[:width], *[inner] * (depth - 2), scale * left[:, :width]]


def _factors(run: Mapping[str, Any], count: int) -> list[float]:
    """Return what multiplies each parameter to make a layer of it: 1, or the root of ``outer_rate`` for outer layers.

    A layer f P, f constant, moves f^2 times as far as one that is trained itself: dP/dt = -f dL/dW.
    """
    outer = math.sqrt(run["outer_rate"] or 1.0)
    return [outer, *[1.0] * (count - 2), outer]


def initial(run: Mapping[str, Any]) -> list[np.ndarray]:
    """Return the initial parameters of one run, float64: its layers, W_1 first, over their `_factors`."""
    layers = whole(run) if run["compressed_width"] is None else compressed(run)
    factors = _factors(run, len(layers))
    return [np.ascontiguousarray(layer) / factor for layer, factor in zip(layers, factors, strict=True)]


def compose(runs: Sequence[Run], parameters: Sequence[torch.Tensor], inputs: None = None) -> torch.Tensor:
    """Return W of all runs from their parameters, by its definition; see `greedyrank.training.protocols`."""
    factors = _factors(runs[0], len(parameters))
    layers = [factor * parameter for factor, parameter in zip(factors, parameters, strict=True)]
    product = layers[0]
    for layer in layers[1:]:
        product = layer @ product
    found = [pair for run in runs if (pair := bases(run)) is not None]
    if not found:
        return product
    left, right = (torch.as_tensor(np.stack(part)).to(product) for part in zip(*found, strict=True))
    return left @ product @ right.mT


class Model(RunAxisModel):
    """The layers of all runs of a group, each of shape (runs, rows, columns), over their `_factors`."""

    axes: ClassVar[Axes] = {"layers": ("layer", "row", "column")}

    def __init__(self, runs: Sequence[Run], place: Place):
        self.parameters = [place(np.stack(layers)) for layers in zip(*map(initial, runs), strict=True)]
        self._factors = _factors(runs[0], len(self.parameters))
        found = [pair for run in runs if (pair := bases(run)) is not None]
        self._bases = [place(np.stack(part)) for part in zip(*found, strict=True)]
        self._records_layers = runs[0]["record_layers"]

    def _layer(self, j: int) -> torch.Tensor:
        return self.parameters[j] if self._factors[j] == 1 else self._factors[j] * self.parameters[j]

    def end_to_end(self, inputs: None = None) -> torch.Tensor:
        """Return W = W_N ... W_1, or U W_N ... W_1 V^T, shape (runs, rows, columns)."""
        self._layers = [self._layer(j) for j in range(len(self.parameters))]
        self._prefixes = list(itertools.accumulate(self._layers, lambda product, layer: layer @ product))
        if not self._bases:
            return self._prefixes[-1]
        left, right = self._bases
        return left @ (self._prefixes[-1] @ right.mT)

    def pullback(self, upstream: torch.Tensor) -> list[torch.Tensor]:
        """Return dL/dP_j for each parameter, given dL/dW.

        dL/dW_j = (W_N ... W_{j+1})^T dL/dW (W_{j-1} ... W_1)^T, between U^T and V where there are bases.
        """
        gradients, running = [], upstream
        if self._bases:
            left, right = self._bases
            running = left.mT @ upstream @ right
        for j in range(len(self.parameters) - 1, 0, -1):
            gradients.append(running @ self._prefixes[j - 1].mT)
            running = self._layers[j].mT @ running
        gradients = [*gradients, running][::-1]
        return [
            gradient if factor == 1 else factor * gradient
            for factor, gradient in zip(self._factors, gradients, strict=True)
        ]

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return ``layers`` (runs, layer, row, column), where they are asked for."""
        return {"layers": torch.stack(self.parameters, 1)} if self._records_layers else {}
