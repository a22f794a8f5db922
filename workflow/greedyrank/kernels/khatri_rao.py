"""The Khatri-Rao product of several factors, and its exact pull-back."""

from __future__ import annotations

import torch


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
        self.gradient = torch.empty_like(self.partial[-1])

    def product(self):
        """Return the Khatri-Rao product, shape (runs, product of lengths, components)."""
        for before, factor, after in zip(self.partial, self.factors[1:], self.partial[1:], strict=False):
            runs, rows, components = before.shape
            torch.mul(before[:, :, None], factor[:, None], out=after.view(runs, rows, -1, components))
        return self.partial[-1]

    def pullback(self) -> list:
        """Return the gradient of each factor, given that of the product in ``self.gradient``."""
        upstream, gradients = self.gradient, []
        for i in range(len(self.factors) - 1, 0, -1):
            before, factor = self.partial[i - 1], self.factors[i]
            upstream = upstream.view(before.shape[0], before.shape[1], factor.shape[1], -1)
            gradients.append((upstream * before[:, :, None]).sum(1))
            upstream = (upstream * factor[:, None]).sum(2)
        return [upstream, *reversed(gradients)]
