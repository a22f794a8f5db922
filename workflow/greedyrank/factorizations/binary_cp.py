"""CP factorization of order 784 with modes of length 2, evaluated at binary images, exactly.

Razin, Maman & Cohen 2021, Fig. 4. A component's prediction on the bits x is the product over pixels
n of F_{x_n}[n]. A product is the exponential of a sum: with l_v = log|F_v|,

    log|P| = sum_n l_0 + x (l_1 - l_0),    sign P = parity of the negative factors,
    H = x^T (g P),    dF_1 = H / F_1,    dF_0 = (sum_b g_b P_b - H) / F_0,

two matrix products a step and no (images, pixels, components) array. The components of all runs
are columns of the same products.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch

from greedyrank.image_bits import PIXELS

# A factor this small stands for zero: its logarithm is finite and its product still vanishes.
TINY = 1e-20


def initial(run: dict) -> list[np.ndarray]:
    """Draw F_0 and F_1 of one run, each (784, tensor_rank), independent normal, float64."""
    rng = np.random.default_rng([run["seed"], 1])
    factors = run["init_mean"] + run["init_std"] * rng.standard_normal((2, PIXELS, run["tensor_rank"]))
    return list(factors)


def _nonzero(factor):
    return torch.where(factor.abs() < TINY, TINY, factor)


class Model:
    """F_0 and F_1 of all runs of a batch, each (784, columns); a run owns ``tensor_rank`` columns.

    Runs of equal rank stand side by side, so that their columns are one array (images, runs, rank).
    """

    def __init__(self, runs: list[dict], place):
        by_rank = sorted(range(len(runs)), key=lambda run: runs[run]["tensor_rank"])
        drawn = [initial(runs[run]) for run in by_rank]
        self.parameters = [place(np.concatenate(factors, axis=1)) for factors in zip(*drawn, strict=True)]
        self._owner = place(np.repeat(by_rank, [runs[run]["tensor_rank"] for run in by_rank]), exact=True)
        self._blocks, first = [], 0
        for rank, same in itertools.groupby(by_rank, key=lambda run: runs[run]["tensor_rank"]):
            own = list(same)
            self._blocks.append((slice(first, first + rank * len(own)), place(own, exact=True), place(np.ones(rank))))
            first += rank * len(own)
        self._runs = len(runs)

    def spread(self, values):
        """Return one value a run in the shape that multiplies each parameter."""
        return [values[self._owner]] * len(self.parameters)

    def _components(self, columns):
        """Yield, for each rank, its runs, ones (rank,), and their columns as (images, runs, rank), a view."""
        for block, runs, ones in self._blocks:
            yield runs, ones, columns[:, block].unflatten(1, (len(runs), len(ones)))

    def end_to_end(self, inputs):
        """Return the predictions (images, runs) on a minibatch of `greedyrank.image_bits`."""
        self._inputs = inputs
        self._factors = [_nonzero(factor) for factor in self.parameters]
        self._products = inputs.sums_over_pixels(*(factor.abs().log_() for factor in self._factors)).exp_()
        inputs.change_signs(*(factor < 0 for factor in self._factors), self._products)
        predictions = self._products.new_empty(len(self._products), self._runs)
        for runs, ones, components in self._components(self._products):
            predictions[:, runs] = components @ ones
        return predictions

    def pullback(self, upstream):
        """Return dL/dF_0 and dL/dF_1, given dL/d(prediction) (images, runs)."""
        for runs, _, components in self._components(self._products):
            components.mul_(upstream[:, runs, None])
        sums = self._inputs.sums_over_images(self._products, self._factors[0])
        return [total.div_(factor) for total, factor in zip(sums, self._factors, strict=True)]

    def observables(self, growth: bool, gradients) -> dict:
        """Nothing but the problem's errors is recorded."""
        return {}
