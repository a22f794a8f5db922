"""CP factorization of order 784 with modes of length 2, evaluated at binary images, exactly.

Razin, Maman & Cohen 2021, Fig. 4. A component's prediction on the bits x is the product over pixels
n of F_{x_n}[n]. A product is the exponential of a sum: with l_v = log|F_v|,

    log|P| = sum_n l_0 + x (l_1 - l_0),    sign P = parity of the negative factors,
    H = x^T (g P),    dF_1 = H / F_1,    dF_0 = (sum_b g_b P_b - H) / F_0,

two matrix products a step and no (images, pixels, components) array. The components of all runs
are columns of the same products.
"""

from __future__ import annotations

import numpy as np
import torch

PIXELS = 784
# A factor this small stands for zero: its logarithm is finite and its product still vanishes.
TINY = 1e-20
# Below this a factor's gradient is summed over its own images, not taken as a difference.
SMALL = 0.1


def initial(run: dict) -> list[np.ndarray]:
    """Draw F_0 and F_1 of one run, each (784, tensor_rank), independent normal, float64."""
    rng = np.random.default_rng([run["seed"], 1])
    factors = run["init_mean"] + run["init_std"] * rng.standard_normal((2, PIXELS, run["tensor_rank"]))
    return list(factors)


def _nonzero(factor):
    return torch.where(factor.abs() < TINY, TINY, factor)


class Model:
    """F_0 and F_1 of all runs of a batch, each (784, columns); a run owns ``tensor_rank`` columns."""

    def __init__(self, runs: list[dict], place):
        drawn = [initial(run) for run in runs]
        self.parameters = [place(np.concatenate(factors, axis=1)) for factors in zip(*drawn, strict=True)]
        owner = np.repeat(np.arange(len(runs)), [run["tensor_rank"] for run in runs])
        # ownership[c, r] = 1 where column c belongs to run r
        self._ownership = place(owner[:, None] == np.arange(len(runs)))
        self._rows = {}

    def spread(self, values):
        """Return one value a run in the shape that multiplies each parameter."""
        return [self._ownership @ values] * len(self.parameters)

    def end_to_end(self, inputs):
        """Return the predictions (images, runs) on bits (images, 784)."""
        self._inputs = inputs
        self._factors = [_nonzero(factor) for factor in self.parameters]
        log0, log1 = (factor.abs().log_() for factor in self._factors)
        products = self._rows.setdefault(len(inputs), inputs.new_empty(len(inputs), log0.shape[1]))
        torch.addmm(log0.sum(0), inputs, log1.sub_(log0), out=products).exp_()
        self._flip_signs(products)
        self._products = products
        return products @ self._ownership

    def _flip_signs(self, products) -> None:
        negative0, negative1 = (factor < 0 for factor in self._factors)
        columns = (negative0 | negative1).any(0).nonzero().squeeze(1)
        if len(columns):
            zero, one = (negative[:, columns].to(products.dtype) for negative in (negative0, negative1))
            # Sums of at most 784 zeros and ones: exact in float32.
            count = torch.addmm(zero.sum(0), self._inputs, one - zero)
            products[:, columns] *= 1 - 2 * count.remainder_(2)

    def pullback(self, upstream):
        """Return dL/dF_0 and dL/dF_1, given dL/d(prediction) (images, runs)."""
        weighted = torch.mm(upstream, self._ownership.mT).mul_(self._products)
        where_one = torch.mm(self._inputs.mT, weighted)
        where_zero = weighted.sum(0) - where_one
        # Divided by a small factor, the rounding of that difference would be all there is.
        small = (self._factors[0].abs() < SMALL).any(1).nonzero().squeeze(1)
        if len(small):
            where_zero[small] = torch.mm((1 - self._inputs[:, small]).mT, weighted)
        return [where_zero.div_(self._factors[0]), where_one.div_(self._factors[1])]

    def observables(self, growth: bool, gradients) -> dict:
        """Nothing but the problem's errors is recorded."""
        return {}
