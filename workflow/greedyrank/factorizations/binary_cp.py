"""CP factorization of order 784 with modes of length 2, evaluated at binary images, exactly.

Razin, Maman & Cohen 2021, Fig. 4. A component's prediction on the bits x is the product over pixels
n of F_{x_n}[n]. A product is the exponential of a sum: with l_v = log|F_v|,

    log|P| = sum_n l_0 + x (l_1 - l_0),    sign P = parity of the negative factors,
    H = x^T (g P),    dF_1 = H / F_1,    dF_0 = (sum_b g_b P_b - H) / F_0,

two matrix products a step, and no array of (images, pixels, components). The components of all runs
are columns of the same products.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from greedyrank.config.sweeps import Run, Slice
from greedyrank.data.images import PIXELS
from greedyrank.training.base import BaseModel
from greedyrank.training.protocols import Arrays, Place, Stepper

if TYPE_CHECKING:  # a compiled job never imports torch
    import torch

logger = logging.getLogger(__name__)

# Stands for a factor of zero: its logarithm is finite, and its products still vanish.
TINY = 1e-20


def initial(run: Mapping[str, Any]) -> list[np.ndarray]:
    """Draw F_0 and F_1 of one run, each (784, tensor_rank), independent normal, float64."""
    rng = np.random.default_rng([run["seed"], 1])
    factors = run["init_mean"] + run["init_std"] * rng.standard_normal((2, PIXELS, run["tensor_rank"]))
    return list(factors)


def compose(runs: Sequence[Run], parameters: Sequence[torch.Tensor], inputs: Any) -> torch.Tensor:
    """Return the predictions of all runs, (images, runs), by their definition: products over all pixels.

    It makes arrays of (images, pixels, columns), which are too large for full sizes.
    """
    import torch

    zero, one = parameters
    # Which pixels are 1: what is summed over pixels if each chooses its own unit vector.
    chosen = inputs.sums_over_pixels(torch.zeros(PIXELS, PIXELS).to(zero), torch.eye(PIXELS).to(zero)).bool()
    components = torch.where(chosen.unsqueeze(2), one, zero).prod(1)
    order = sorted(range(len(runs)), key=lambda run: runs[run]["tensor_rank"])
    each = components.split([runs[run]["tensor_rank"] for run in order], dim=1)
    predictions = {run: columns.sum(1) for run, columns in zip(order, each, strict=True)}
    return torch.stack([predictions[run] for run in range(len(runs))], dim=1)


class Model(BaseModel):
    """F_0 and F_1 of all runs of a group, each (784, columns); a run owns ``tensor_rank`` columns.

    Runs of equal rank stand side by side, so that their columns are one array (images, runs, rank).
    """

    def __init__(self, runs: Sequence[Run], place: Place):
        order = sorted(range(len(runs)), key=lambda run: runs[run]["tensor_rank"])
        ranks = [runs[run]["tensor_rank"] for run in order]
        drawn = [initial(runs[run]) for run in order]
        self.parameters = [place(np.concatenate(factors, axis=1)) for factors in zip(*drawn, strict=True)]
        self._owner = place(np.repeat(order, ranks), exact=True)
        self._ones = [(len(list(same)), place(np.ones(rank))) for rank, same in itertools.groupby(ranks)]
        self._order, self._back = place(np.array(order), exact=True), place(np.argsort(order), exact=True)
        self._in_order = order == list(range(len(runs)))

    @classmethod
    def compiled(cls, slice_: Slice, data: Sequence[Arrays], device: str) -> Stepper | None:
        """Return the compiled stepper for classification with Adam on a CPU, or None for other groups."""
        if slice_.problem != "image_classification" or slice_.optimizer != "adam" or device != "cpu":
            return None
        try:
            from greedyrank.kernels.image_steps import CompiledStepper
        except ImportError:
            logger.warning("numba cannot be imported: torch trains the classifiers instead, several times slower")
            return None
        return CompiledStepper(slice_.runs, data[0], [initial(run) for run in slice_.runs], TINY)

    def spread(self, values: torch.Tensor) -> list[torch.Tensor]:
        """Return one value a run in the shape that multiplies each parameter."""
        return [values[self._owner]] * len(self.parameters)

    def _components(self):
        """Return, for each rank, ones (rank,) and the components' predictions (images, runs, rank), a view."""
        widths = [runs * len(ones) for runs, ones in self._ones]
        blocks = self._products.split(widths, dim=1)
        return [(o, block.unflatten(1, (runs, len(o)))) for (runs, o), block in zip(self._ones, blocks, strict=True)]

    def end_to_end(self, inputs: Any) -> torch.Tensor:
        """Return the predictions (images, runs) on a minibatch of `greedyrank.kernels.image_bits`."""
        self._inputs = inputs
        sizes = [factor.abs().clamp_(min=TINY) for factor in self.parameters]
        # A zero has a sign too, on which its product and its gradient must agree.
        self._factors = [size.copysign(factor) for size, factor in zip(sizes, self.parameters, strict=True)]
        self._products = inputs.sums_over_pixels(*(size.log_() for size in sizes)).exp_()
        inputs.change_signs(*self._factors, self._products)
        import torch

        predictions = torch.cat([components @ ones for ones, components in self._components()], dim=1)
        return predictions if self._in_order else predictions.index_select(1, self._back)

    def pullback(self, upstream: torch.Tensor) -> list[torch.Tensor]:
        """Return dL/dF_0 and dL/dF_1, given dL/d(prediction) (images, runs); it overwrites the products."""
        ordered = upstream if self._in_order else upstream.index_select(1, self._order)
        each = ordered.split([runs for runs, _ in self._ones], dim=1)
        for (_, components), gradient in zip(self._components(), each, strict=True):
            components.mul_(gradient.unsqueeze(2))
        sums = self._inputs.sums_over_images(self._products)
        return [total.div_(factor) for total, factor in zip(sums, self._factors, strict=True)]
