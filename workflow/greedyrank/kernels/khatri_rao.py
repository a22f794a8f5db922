"""The Khatri-Rao product of several factors, and its exact pull-back."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence

import torch


def _split(
    upstream: torch.Tensor,
    before: torch.Tensor,
    factor: torch.Tensor,
    before_gradient: torch.Tensor,
    factor_gradient: torch.Tensor,
) -> None:
    """Write dL/d(before) and dL/d(factor), given dL/d(their Khatri-Rao product)."""
    upstream = upstream.view(before.shape[0], before.shape[1], factor.shape[1], -1)
    torch.sum(upstream * before[:, :, None], 1, out=factor_gradient)
    torch.sum(upstream * factor[:, None], 2, out=before_gradient)


@functools.cache
def _compiled_split(dtype: str) -> Callable[..., None]:
    """Compile `_split`: the gradient of the product is read once, and no array is made."""
    from greedyrank.kernels import numba_cache

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

    compiled = numba_cache.compiled(split, dtype)
    return lambda *tensors: compiled(*(tensor.numpy() for tensor in tensors))


def _fastest_split(like: torch.Tensor) -> Callable[..., None]:
    """Return the fastest form of `_split` for tensors like this one."""
    if like.device.type == "cpu":
        with contextlib.suppress(ImportError):  # numba is not everywhere that torch is
            return _compiled_split(str(like.dtype))
    return _split


def khatri_rao(factors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the Khatri-Rao product of factors (runs, length, components), by its definition."""
    return functools.reduce(lambda before, factor: (before[:, :, None] * factor[:, None]).flatten(1, 2), factors)


class KhatriRao:
    """The Khatri-Rao product of factors (runs, length, components), in memory of its own.

    Before `pullback` the caller writes the gradient of the product to ``gradient``.
    """

    def __init__(self, factors: Sequence[torch.Tensor]):
        self.factors = factors
        # partial[i] = khatri_rao(factors[:i + 1]), shape (runs, product of lengths, components)
        self.partial = [factors[0]]
        for factor in factors[1:]:
            runs, rows, components = self.partial[-1].shape
            self.partial.append(factor.new_empty(runs, rows * factor.shape[1], components))
        self._partial_gradients = [torch.empty_like(partial) for partial in self.partial]
        self._factor_gradients = [torch.empty_like(factor) for factor in factors[1:]]
        self.gradient = self._partial_gradients[-1]
        self._split = _fastest_split(factors[0])

    def product(self) -> torch.Tensor:
        """Return the Khatri-Rao product, shape (runs, product of lengths, components)."""
        for before, factor, after in zip(self.partial, self.factors[1:], self.partial[1:], strict=False):
            runs, rows, components = before.shape
            torch.mul(before[:, :, None], factor[:, None], out=after.view(runs, rows, -1, components))
        return self.partial[-1]

    def pullback(self) -> list[torch.Tensor]:
        """Return the gradient of each factor, given the gradient of the product in ``gradient``."""
        for i in range(len(self.factors) - 1, 0, -1):
            self._split(
                self._partial_gradients[i],
                self.partial[i - 1],
                self.factors[i],
                self._partial_gradients[i - 1],
                self._factor_gradients[i - 1],
            )
        return [self._partial_gradients[0], *self._factor_gradients]
