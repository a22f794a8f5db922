"""When gradient descent recovers an eigenvalue: 1/2 ||W - W*||_F^2 from multiples of the identity.

Each eigenvalue lambda of the symmetric W* is learned by itself, as d^N with d <- d - eta d^(N - 1) (d^N - lambda)
(Chou et al. 2020). The theorems are known from a seminar report on the paper, which does not print the integrals T^+
and T^-: those below are our reading. They are consistent with every case of the bound, and no random admissible
setting was found to exceed it.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import integrate

RECOVERY_CASES = ("negative", "above", "late", "early", "full")


def plateau_heights(eigenvalues: np.ndarray) -> np.ndarray:
    """Return nuclear over spectral norm of the best approximations of rank 1, 2, ... of a symmetric matrix."""
    sizes = np.sort(np.abs(eigenvalues))[::-1]
    return np.cumsum(sizes) / sizes[0]


def flow_time(eigenvalue: float, depth: int, start: float, end: float) -> float:
    """Return the time in which gradient flow d' = d^(N - 1) (lambda - d^N) goes from start to end.

    T_N^+(lambda, end, start) of Chou et al.; the integral of dx / (x^(N - 1) (lambda - x^N)).
    """
    value, _ = integrate.quad(lambda x: 1 / (x ** (depth - 1) * (eigenvalue - x**depth)), start, end, limit=200)
    return value


def decay_time(depth: int, start: float, end: float) -> float:
    """Return the integral of x^(1 - N) dx from ``end`` to ``start``, T_N^-(end, start) of Chou et al.

    Over |lambda|, it bounds the time in which gradient flow goes from start down to end for lambda < 0.
    """
    if depth == 2:
        return math.log(start / end)
    return (end ** (2 - depth) - start ** (2 - depth)) / (depth - 2)


def fastest_share(depth: int) -> float:
    """Return c_N = (N - 1) / (2N - 1): d^N = c_N lambda is where gradient flow is fastest."""
    return (depth - 1) / (2 * depth - 1)


def recovery_case(eigenvalue: float, depth: int, alpha: float, tolerance: float) -> str:
    """Return which case of the bound applies, one of ``RECOVERY_CASES``; see `recovery_bound`."""
    share = fastest_share(depth)
    if eigenvalue < 0:
        return "negative"
    if eigenvalue < alpha**depth:
        return "above"
    if share * eigenvalue < alpha**depth:
        return "late"
    early = tolerance >= (1 - share ** (1 / depth)) * eigenvalue ** (1 / depth)
    return "early" if early else "full"


def recovery_bound(eigenvalue: float, depth: int, alpha: float, rate: float, tolerance: float) -> float:
    """Return T_N^Id, a bound on the steps until |d - max(lambda, 0)^(1/N)| <= tolerance.

    Chou et al. 2020, as restated in the seminar report's theorem 2.1; for identical init
    (every factor alpha I) and steps ``rate`` below `step_limits.limit`.
    """
    case = recovery_case(eigenvalue, depth, alpha, tolerance)
    if case == "negative":
        return decay_time(depth, alpha, tolerance) / (rate * abs(eigenvalue))
    root, share = eigenvalue ** (1 / depth), fastest_share(depth)
    if case == "above":
        return flow_time(eigenvalue, depth, alpha, root + tolerance) / rate
    contraction = abs(math.log1p(-rate * depth * (share * eigenvalue) ** (2 - 2 / depth)))
    if case == "late":
        return math.log((root - alpha) / tolerance) / contraction
    overshoot = math.ceil(share ** (1 - 1 / depth) * (root / alpha) ** (depth - 1))
    if case == "early":
        return flow_time(eigenvalue, depth, alpha, root - tolerance) / rate + overshoot
    fastest = share ** (1 / depth) * root
    rest = math.log(root / tolerance) - abs(math.log(1 - share ** (1 / depth)))
    return flow_time(eigenvalue, depth, alpha, fastest) / rate + overshoot + rest / contraction


def rank_intervals(eigenvalues: np.ndarray, depth: int, alpha: float, rate: float, share: float) -> np.ndarray:
    """Return, for each L, the steps between which the effective rank is that of rank L, (n, 2).

    Our construction from the theorems for identical init (the paper's own intervals are not known
    to us). An interval begins at the bound on the steps until the L largest eigenvalues are recovered, except for
    a ``share`` of each. It ends when gradient flow, which is ahead of gradient descent while the speed increases,
    brings the next eigenvalue to that share: at 0 where the init is beyond it, and never where the next eigenvalue
    is numerically 0 or negative. An interval is empty where its end comes before its beginning.
    """
    descending = np.sort(eigenvalues)[::-1]
    descending = descending[descending > 1e-9 * descending[0]]
    starts = [
        recovery_bound(value, depth, alpha, rate, value ** (1 / depth) * (1 - (1 - share) ** (1 / depth)))
        for value in descending
    ]
    ends = [
        flow_time(value, depth, alpha, max(alpha, (share * value) ** (1 / depth))) / rate for value in descending[1:]
    ]
    return np.column_stack([np.maximum.accumulate(starts), [*ends, np.inf]])


def eigenvalue_flow(eigenvalue: float, depth: int, alpha: float, times: np.ndarray) -> np.ndarray:
    """Return d^N along gradient flow d' = -d^(N - 1) (d^N - lambda) from d(0) = alpha, at rising times."""
    solution = integrate.solve_ivp(
        lambda _, d: -(d ** (depth - 1)) * (d**depth - eigenvalue),
        (0.0, times[-1]),
        [alpha],
        method="LSODA",
        t_eval=times,
        rtol=1e-11,
        atol=1e-14,
    )
    return solution.y[0] ** depth
