"""Vectors that are products of square matrices and a vector, many at once, with their exact pull-back.

u = M_1 ... M_{K-1} a: a column of a deep Tucker factorization (Hariz et al. 2024), a vector of a deep
CP factorization (Hariz et al. 2022). Modes of equal size are stacked, so that one call computes the products of all of
them: most of the time of a step goes into launching such calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from greedyrank.kernels.placing import Place


class _Stack:
    """Vectors of equal length; ``vectors`` (runs, modes, columns, length), ``matrices`` with one more length.

    Vectors are rows, u^T = a^T M_{K-1}^T ... M_1^T: as columns, the same small products take twice the time.
    """

    def __init__(self, vectors: torch.Tensor, *matrices: torch.Tensor):
        self.parameters = [vectors, *matrices]
        length = vectors.shape[-1]
        self._matrices = [matrix.view(-1, length, length) for matrix in matrices]
        # _products[k] = M_{k+1} ... M_{K-1} a; the last is the vector itself.
        self._products = [torch.empty_like(vectors).view(-1, 1, length) for _ in matrices]
        self._products.append(vectors.view(-1, 1, length))
        self._gradients = [torch.empty_like(matrix) for matrix in matrices]
        self.product = self._products[0].view(vectors.shape)
        self.upstream = torch.empty_like(vectors)

    def multiply(self) -> None:
        """Bring ``product`` up to date."""
        for k in range(len(self._matrices) - 1, -1, -1):
            torch.bmm(self._products[k + 1], self._matrices[k].mT, out=self._products[k])

    def pullback(self) -> list[torch.Tensor]:
        """Return the gradients of the parameters, given that of ``product`` in ``upstream``."""
        running = self.upstream.view(self._products[0].shape)
        for matrix, before, gradient in zip(self._matrices, self._products[1:], self._gradients, strict=True):
            torch.bmm(running.mT, before, out=gradient.view(matrix.shape))
            running = torch.bmm(running, matrix)
        return [running.view(self.upstream.shape), *self._gradients]


def multiplied(shapes: list[tuple[int, int]], depth: int, parameters: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return u = M_1 ... M_{K-1} a of each mode by its definition, (runs, columns, length).

    Parameters
    ----------
    shapes : list of tuple
        Columns and length of each mode.
    depth : int
        K.
    parameters : list of tensor
        As those of `Chains`.
    """
    alike: dict[tuple[int, int], list[int]] = {}
    for mode, shape in enumerate(shapes):
        alike.setdefault(shape, []).append(mode)
    found: dict[int, torch.Tensor] = {}
    for number, modes in enumerate(alike.values()):
        product, *matrices = parameters[number * depth : (number + 1) * depth]
        for matrix in reversed(matrices):
            product = (matrix @ product.unsqueeze(-1)).squeeze(-1)
        found |= {mode: product[:, position] for position, mode in enumerate(modes)}
    return [found[mode] for mode in range(len(shapes))]


class Chains:
    """The chains of every mode.

    Parameters
    ----------
    vectors : list of ndarray
        a of each mode, (runs, columns, length).
    matrices : list of list of ndarray
        M_1 ... M_{K-1} of each mode, (runs, columns, length, length).
    place : callable
        Puts a numpy array on the training device in the training precision.
    """

    def __init__(self, vectors: list[np.ndarray], matrices: list[list[np.ndarray]], place: Place):
        alike: dict[tuple, list[int]] = {}
        for mode, array in enumerate(vectors):
            alike.setdefault(array.shape, []).append(mode)
        self._stacks: list[_Stack] = []
        self._place_of: dict[int, tuple[_Stack, int]] = {}
        for modes in alike.values():
            layers = zip(*([vectors[mode], *matrices[mode]] for mode in modes), strict=True)
            stack = _Stack(*(place(np.ascontiguousarray(np.stack(layer, axis=1))) for layer in layers))
            self._place_of |= {mode: (stack, position) for position, mode in enumerate(modes)}
            self._stacks.append(stack)
        self._modes = range(len(vectors))
        self.parameters = [parameter for stack in self._stacks for parameter in stack.parameters]
        #: u of each mode, (runs, columns, length), valid after `multiply`
        self.products = [self._part(mode, lambda stack: stack.product) for mode in self._modes]
        #: where dL/du of each mode goes before `pullback`
        self.upstreams = [self._part(mode, lambda stack: stack.upstream) for mode in self._modes]

    def _part(self, mode: int, of: Callable[[_Stack], torch.Tensor]) -> torch.Tensor:
        stack, position = self._place_of[mode]
        return of(stack)[:, position]

    def multiply(self) -> None:
        """Bring ``products`` up to date."""
        for stack in self._stacks:
            stack.multiply()

    def pullback(self) -> list[torch.Tensor]:
        """Return the gradients of ``parameters``, given ``upstreams``."""
        return [gradient for stack in self._stacks for gradient in stack.pullback()]

    def norms(self) -> list[list[torch.Tensor]]:
        """Return, for each mode, the Frobenius norms of a, M_1 ... M_{K-1}, each (runs, columns)."""
        return [
            [
                parameter[:, position].flatten(2).norm(dim=2)
                for stack, position in [self._place_of[mode]]
                for parameter in stack.parameters
            ]
            for mode in self._modes
        ]
