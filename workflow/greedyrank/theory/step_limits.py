"""How large a step the convergence theorems of Chou et al. 2020 allow gradient descent.

As restated in a seminar report on the paper (theorems 2.1, 2.2 and 3.1); the paper itself could not
be read. Only the standard library is used: the planner warns of larger steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable


def perturbation_factor(depth: int) -> float:
    """Return the root c in (1, 2] of (c - 1) c^(N - 1) = 1; beta may be up to (c - 1) alpha."""
    low, high = 1.0, 2.0
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (low, middle) if (middle - 1) * middle ** (depth - 1) > 1 else (middle, high)
    return middle


def limit(eigenvalues: Iterable[float], depth: int, alpha: float, beta: float = 0.0) -> float:
    """Return the step size below which gradient descent on 1/2 ||W - W*||_F^2 provably converges.

    Parameters
    ----------
    eigenvalues : iterable of float
        Those of the symmetric W*.
    depth : int
        Number of factors N, at least 2.
    alpha, beta : float
        Every factor starts as alpha I, the first as (alpha - beta) I. Identical init, beta = 0:
        1 / (2N M^(2N-2)), or 1 / ((3N-2) M^(2N-2)) where an eigenvalue is negative, with
        M = max(alpha, max |eigenvalue|^(1/N)). Perturbed: 1 / (9N (cM)^(2N-2)).
    """
    eigenvalues = list(eigenvalues)
    largest = max(alpha, max(map(abs, eigenvalues)) ** (1 / depth))
    if beta:
        return 1 / (9 * depth * (perturbation_factor(depth) * largest) ** (2 * depth - 2))
    factor = 3 * depth - 2 if min(eigenvalues) < 0 else 2 * depth
    return 1 / (factor * largest ** (2 * depth - 2))


def of_run(run: dict) -> float | None:
    """Return the limit of a run's ``learning_rate``, or None where the theorems say nothing.

    They are about deep matrices under plain gradient descent, when every entry of a symmetric matrix with
    known eigenvalues is seen once (noise is not counted) and the loss is half the sum of squares.
    """
    if run.get("target_spectrum") is None or run.get("loss") != "half_sum" or run["depth"] < 2:
        return None
    if run.get("observations") != math.prod(run["shape"]) or run["replacement"]:
        return None
    alpha = run["layer_alpha"]
    if alpha is None and run["identity_scale"] is not None:
        alpha = run["identity_scale"] ** (1 / run["depth"])
    if alpha is None:
        return None
    return limit(run["target_spectrum"], run["depth"], alpha, run["layer_beta"])
