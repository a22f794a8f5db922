"""Deep matrix factorization W = W_N ... W_1, with its exact pull-back.

Arora et al. 2019, section 2; Razin & Cohen 2020, section 2. Factor j of the lists below is W_j,
so the product runs from the last to the first. Every hidden width is the smaller side of W, so the
rank is not constrained. The module uses only methods of tensors and never imports torch: a job of compiled steps
imports it too, for `initial`, and importing torch takes seconds.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from greedyrank.config.sweeps import Run, Slice
from greedyrank.training.base import RunAxisModel
from greedyrank.training.protocols import Arrays, Place, Stepper

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)


def layer_shapes(shape: list[int], depth: int) -> list[tuple[int, int]]:
    """Return the shapes of W_1 ... W_N."""
    hidden = min(shape)
    widths = [shape[1], *[hidden] * (depth - 1), shape[0]]
    return list(zip(widths[1:], widths[:-1], strict=True))


def initial(run: Mapping[str, Any]) -> list[np.ndarray]:
    """Draw the factors W_1 ... W_N of one run, float64.

    ``identity_scale`` s: every factor s^(1/N) I (Arora et al., Fig. 3). ``layer_alpha``: every
    factor alpha I, the first (alpha - ``layer_beta``) I (Chou et al., sections 2 and 3).
    ``product_std`` s, not balanced: independent normal entries with the one standard deviation that
    gives the product's entries the standard deviation s. Balanced: the product itself is drawn,
    W(0) = U S V^T, and W_1 = S^(1/N) V^T, W_j = S^(1/N), W_N = U S^(1/N), so that
    W_{j+1}^T W_{j+1} = W_j W_j^T. ``det``: redrawn until the product's determinant has that sign.
    """
    depth, shapes = run["depth"], layer_shapes(run["shape"], run["depth"])
    if run["identity_scale"] is not None:
        return [run["identity_scale"] ** (1 / depth) * np.eye(*shape) for shape in shapes]
    if run["layer_alpha"] is not None:
        scales = [run["layer_alpha"] - run["layer_beta"], *[run["layer_alpha"]] * (depth - 1)]
        return [scale * np.eye(*shape) for scale, shape in zip(scales, shapes, strict=True)]
    rng = np.random.default_rng([run["seed"], 1])
    std = run["product_std"]
    while True:
        if run["balanced"]:
            left, middle, right = np.linalg.svd(std * rng.standard_normal(run["shape"]), full_matrices=False)
            root = np.diag(middle ** (1 / depth))
            factors = [root @ right, *(root.copy() for _ in range(depth - 2)), left @ root]
            if depth == 1:
                factors = [(left * middle) @ right]
        else:
            # A product entry sums hidden^(depth-1) products of depth independent entries.
            layer_std = (std / min(run["shape"]) ** ((depth - 1) / 2)) ** (1 / depth)
            factors = [layer_std * rng.standard_normal(shape) for shape in shapes]
        if run["det"] == "any":
            return factors
        # Of the factors, not of the product: the product of tiny factors may underflow.
        sign = np.prod([np.linalg.slogdet(factor).sign for factor in factors])
        if sign == {"positive": 1, "negative": -1}[run["det"]]:
            return factors


def compose(runs: Sequence[Run], parameters: Sequence[torch.Tensor], inputs: None = None) -> torch.Tensor:
    """Return W of all runs from their factors, by its definition; see `greedyrank.training.protocols`."""
    return functools.reduce(lambda product, factor: factor @ product, parameters)


def _product(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    return out.baddbmm_(left, right, beta=0)


class Model(RunAxisModel):
    """The factors of all runs of a group, each of shape (runs, rows, columns)."""

    def __init__(self, runs: Sequence[Run], place: Place):
        drawn = [initial(run) for run in runs]
        self.parameters = [place(np.stack(factors)) for factors in zip(*drawn, strict=True)]

        def like(factor: torch.Tensor) -> torch.Tensor:
            return factor.new_empty(factor.shape)

        # prefixes[j] = W_{j+1} ... W_1; prefixes[0] is the first factor itself.
        columns = runs[0]["shape"][1]
        self._prefixes = [
            self.parameters[0],
            *(factor.new_empty((*factor.shape[:2], columns)) for factor in self.parameters[1:]),
        ]
        self._gradients = [like(factor) for factor in self.parameters]
        self._spare = like(self.parameters[0])

    @classmethod
    def compiled(cls, slice_: Slice, data: Sequence[Arrays], device: str) -> Stepper | None:
        """Return the compiled stepper for completion on a CPU, or None for other groups."""
        if slice_.problem != "completion" or slice_.optimizer not in ("gd", "group_rmsprop") or device != "cpu":
            return None
        rows, columns = slice_.runs[0]["shape"]
        if rows > columns:
            return None
        try:
            from greedyrank.kernels.deep_matrices import CompiledStepper
        except ImportError:
            logger.warning(
                "numba or scipy cannot be imported: torch trains the matrices instead, far slower if they are small"
            )
            return None
        return CompiledStepper(slice_.optimizer, slice_.runs, data, [initial(run) for run in slice_.runs])

    def end_to_end(self, inputs: None = None) -> torch.Tensor:
        """Return W = W_N ... W_1, shape (runs, n, n): N - 1 matrix products."""
        for j in range(1, len(self.parameters)):
            _product(self.parameters[j], self._prefixes[j - 1], self._prefixes[j])
        return self._prefixes[-1]

    def pullback(self, upstream: torch.Tensor) -> list[torch.Tensor]:
        """Return dL/dW_j for each j, given dL/dW: 2 (N - 1) matrix products.

        dL/dW_j = (W_N ... W_{j+1})^T dL/dW (W_{j-1} ... W_1)^T; the left part is one running
        product, the right part a prefix that `end_to_end` left behind.
        """
        if len(self.parameters) == 1:
            return [upstream]
        running = upstream
        for j in range(len(self.parameters) - 1, 0, -1):
            _product(running, self._prefixes[j - 1].mT, self._gradients[j])
            into = self._gradients[0] if j % 2 else self._spare
            running = _product(self.parameters[j].mT, running, into)
        return self._gradients

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return the end-to-end matrix; extraction computes its spectrum."""
        return {"end_to_end": self._prefixes[-1]}
