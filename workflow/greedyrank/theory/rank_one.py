"""Best rank-one approximations of tensors, and the rank-one trajectory of gradient flow."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
from scipy import integrate


def _contracted(tensor: np.ndarray, vectors: list[np.ndarray], mode: int) -> np.ndarray:
    """Return the tensor contracted with one vector along every mode but one."""
    for vector in vectors[:mode]:
        tensor = (vector @ tensor.reshape(len(vector), -1)).reshape(tensor.shape[1:])
    for vector in vectors[:mode:-1]:
        tensor = tensor @ vector
    return tensor


def outer(vectors: list[np.ndarray]) -> np.ndarray:
    """Return the outer product of vectors."""
    return reduce(np.multiply.outer, vectors)


def best_rank_one(tensor: np.ndarray, rounds: int = 100) -> list[np.ndarray]:
    """Return vectors of equal norm whose outer product is a best approximation of a tensor.

    Alternating least squares from the leading singular vectors of the unfoldings: a local optimum,
    and the global one where the tensor is nearly of rank one.
    """
    unfoldings = (np.moveaxis(tensor, mode, 0).reshape(length, -1) for mode, length in enumerate(tensor.shape))
    vectors = [np.linalg.svd(unfolding, full_matrices=False)[0][:, 0] for unfolding in unfoldings]
    for _ in range(rounds):
        for mode in range(tensor.ndim):
            found = _contracted(tensor, vectors, mode)
            norm = np.linalg.norm(found)
            vectors[mode] = found / norm
    return [vector * norm ** (1 / tensor.ndim) for vector in vectors]


def rank_one_flow(vectors: list[np.ndarray], gradient: Callable, times: np.ndarray) -> np.ndarray:
    """Return W = v_1 o ... o v_N along gradient flow of the vectors, at rising times, (times, *shape).

    ``gradient`` gives dL/dW. From vectors of equal norm this is the balanced rank-one trajectory of
    Razin, Maman & Cohen 2021, section 4.
    """
    cuts = np.cumsum([len(vector) for vector in vectors])[:-1]

    def velocity(_, joined):
        parts = np.split(joined, cuts)
        slope = gradient(outer(parts))
        return -np.concatenate([_contracted(slope, parts, mode) for mode in range(len(parts))])

    # LSODA, as the Huber loss is stiff near the entries that are fitted.
    solution = integrate.solve_ivp(
        velocity,
        (times[0], times[-1]),
        np.concatenate(vectors),
        method="LSODA",
        t_eval=times,
        rtol=1e-6,
        atol=1e-8,
    )
    return np.stack([outer(np.split(joined, cuts)) for joined in solution.y.T])
