"""The Khatri-Rao product of several factors, and its exact pull-back."""

from __future__ import annotations

import functools

import torch


@functools.cache
def _compiled_split(dtype: str):
    """Return the compiled form of `_split` on a CPU: the product's gradient is read once, and nothing is put aside."""
    import numba

    def split(upstream, before, factor, before_gradient, factor_gradient):
        runs, rows, components = before.shape
        length = factor.shape[1]
        before_gradient[:] = 0
        factor_gradient[:] = 0
        for run in range(runs):
            for i in range(rows):
                for j in range(length):
                    for r in range(components):
                        value = upstream[run, i * length + j, r]
                        before_gradient[run, i, r] += value * factor[run, j, r]
                        factor_gradient[run, j, r] += value * before[run, i, r]

    split.__qualname__ = f"split_{dtype}"  # an index of numba's cache of its own, as in `deep_matrices`
    return numba.njit(cache=True)(split)


def _split(upstream, before, factor, before_gradient, factor_gradient) -> None:
    """Write dL/d(before) and dL/d(factor), given dL/d(their Khatri-Rao product)."""
    arrays = upstream, before, factor, before_gradient, factor_gradient
    if before.device.type == "cpu":
        _compiled_split(str(before.dtype))(*(array.numpy() for array in arrays))
        return
    upstream = upstream.view(before.shape[0], before.shape[1], factor.shape[1], -1)
    torch.sum(upstream * before[:, :, None], 1, out=factor_gradient)
    torch.sum(upstream * factor[:, None], 2, out=before_gradient)


class KhatriRao:
    """The Khatri-Rao product of factors (runs, length, components), in memory of its own.

    ``gradient`` is where the caller puts that of the product before `pullback`.
    """

    def __init__(self, factors: list):
        self.factors = factors
        # partial[i] = khatri_rao(factors[:i + 1]), shape (runs, product of lengths, components)
        self.partial = [factors[0]]
        for factor in factors[1:]:
            runs, rows, components = self.partial[-1].shape
            self.partial.append(factor.new_empty(runs, rows * factor.shape[1], components))
        self._partial_gradients = [torch.empty_like(partial) for partial in self.partial]
        self._factor_gradients = [torch.empty_like(factor) for factor in factors[1:]]
        self.gradient = self._partial_gradients[-1]

    def product(self):
        """Return the Khatri-Rao product, shape (runs, product of lengths, components)."""
        for before, factor, after in zip(self.partial, self.factors[1:], self.partial[1:], strict=False):
            runs, rows, components = before.shape
            torch.mul(before[:, :, None], factor[:, None], out=after.view(runs, rows, -1, components))
        return self.partial[-1]

    def pullback(self) -> list:
        """Return the gradient of each factor, given that of the product in ``self.gradient``."""
        for i in range(len(self.factors) - 1, 0, -1):
            _split(
                self._partial_gradients[i],
                self.partial[i - 1],
                self.factors[i],
                self._partial_gradients[i - 1],
                self._factor_gradients[i - 1],
            )
        return [self._partial_gradients[0], *self._factor_gradients]
