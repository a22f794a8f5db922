"""The subspaces that gradient descent from orthogonal layers does not leave (Yaras et al. 2023, Kwon et al. 2024).

A deep linear network W = W_N ... W_1 with W_j(0) = s Q_j, Q_j orthogonal, is trained on c ||W - M||_F^2, where M is a
square matrix of rank r. Let Q = Q_N ... Q_1. For a vector v with M v = 0 and M^T Q v = 0 the residual maps v to a
multiple of Q v, and its transpose Q v to the same multiple of v. Every gradient therefore keeps the pair: at each step
W_j maps Q_{j-1} ... Q_1 v to ``scale_j`` times Q_j ... Q_1 v. Such v fill a space of dimension n - 2 r or more. On its
complement, of dimension 2 r, the network is one of N layers of 2 r x 2 r that start at s I.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from greedyrank.errors import UserError


def bases(target: np.ndarray, layers: Sequence[np.ndarray], width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return orthonormal bases U and V of the outputs and inputs that training changes, each (n, width).

    Parameters
    ----------
    target : ndarray, (n, n)
        M.
    layers : list of ndarray, (n, n)
        The initial layers, W_1 first, multiples of orthogonal matrices.
    width : int
        At least twice the rank of M.

    Raises
    ------
    UserError
        If what is kept would be more than ``width`` directions.
    """
    turn = np.eye(len(target))
    for layer in layers:
        turn = layer / np.linalg.norm(layer, 2) @ turn
    # v is kept where both M v = 0 and (M^T Q) v = 0; V spans the rest.
    _, values, right = np.linalg.svd(np.concatenate([target, target.T @ turn]))
    needed = int((values > 1e-10 * values[0]).sum())
    if needed > width:
        raise UserError(f"compressed_width is {width}; the target and the initial layers need at least {needed}")
    inputs = right[:width].T
    return turn @ inputs, inputs


def kept_scales(scale: float, depth: int, weight: float, learning_rate: float, steps: int) -> np.ndarray:
    """Return the scales of the layers on the directions that are kept, after 0, 1, ... steps: (steps + 1,).

    They are the same for all layers, since they start so: scale(t + 1) = scale(t) (1 - 2 eta c scale(t)^(2 N - 2)).

    Parameters
    ----------
    scale : float
        s, that of the initial layers.
    depth : int
        N.
    weight : float
        c of the loss c ||W - M||_F^2.
    learning_rate : float
        eta.
    steps : int
        How many.
    """
    found = np.empty(steps + 1)
    found[0] = scale
    for step in range(steps):
        found[step + 1] = found[step] * (1 - 2 * learning_rate * weight * found[step] ** (2 * depth - 2))
    return found


def multiplications(side: int, depth: int, compressed_width: int | None) -> int:
    """Return how many numbers a step multiplies in its matrix products, whole or compressed with trained outer layers.

    W and its gradients take three products for each layer but the first, of (rows, columns, side of W).

    Parameters
    ----------
    side : int
        Side n of the square W.
    depth : int
        N.
    compressed_width : int or None
        Width of the inner layers; None for n x n layers.
    """
    width = side if compressed_width is None else compressed_width
    return 3 * side * ((depth - 2) * width**2 + side * width)
