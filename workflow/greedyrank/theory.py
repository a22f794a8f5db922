"""The curves and rates that the papers' theorems predict."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

import numpy as np
from scipy import integrate


def unobserved_entry(loss: np.ndarray, product: float = 1.0, corner: float = 0.0) -> np.ndarray:
    """Return |W_11| = |z z'| / (eps + sqrt(2 loss)) of the 2x2 problem while det W stays about zero.

    The loss is half the squared residuals, all of which then sits in W_22 (Razin & Cohen 2020,
    Theorem 1, its extension to perturbed observations, and their proofs).

    Parameters
    ----------
    loss : ndarray
        Half the sum of squares over the observed entries.
    product : float
        z z' of the observed entries W_12 = z and W_21 = z'.
    corner : float
        eps of the observed W_22. Negative: |W_22| grows or falls on the other side of zero than eps,
        which it cannot cross; the loss then stays above eps^2 / 2, and there is no entry below.
    """
    reach = corner + np.sqrt(2 * np.asarray(loss))
    return abs(product) / np.where(reach > 0, reach, np.nan)


def singular_value_growth(sigma: np.ndarray, slope: np.ndarray, depth: int) -> np.ndarray:
    """Return d(sigma)/dt = -N (sigma^2)^(1 - 1/N) <grad loss(W), u v^T>.

    Arora et al. 2019, Theorem 3; ``slope`` is the inner product. Exact for balanced factors under
    gradient flow.
    """
    return -depth * (sigma**2) ** (1 - 1 / depth) * slope


def component_growth(sigma: np.ndarray, gamma: np.ndarray, order: int) -> np.ndarray:
    """Return d(sigma)/dt = N gamma sigma^(2 - 2/N) of a balanced CP component norm.

    Razin, Maman & Cohen 2021, section 4, with gamma = <-grad loss(W), component / its norm>.
    """
    return order * gamma * sigma ** (2 - 2 / order)


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


def growth_law(family: str, depth: float, order: int) -> tuple[float, float]:
    """Return kappa and p of d(sigma)/dt = kappa gamma sigma^p, each exact for balanced factors under gradient flow.

    Parameters
    ----------
    family : {"matrix", "cp", "deep_cp", "tucker", "hierarchical"}
        What sigma is: a singular value (Arora et al. 2019, Theorem 3); the norm of a CP component (Razin,
        Maman & Cohen 2021, section 4); the product of the norms of all N K factors of a deep CP
        component; the norm of a slice of a Tucker core (both ours, after the models of Hariz et al.
        2022 and 2024); the norm of a local component at a binary root, which has 3 axes
        (Razin, Maman & Cohen 2022).
    depth : float
        N of a matrix, K of deep CP and of Tucker; the others have none.
    order : int
        Number of modes.
    """
    if family == "tucker":
        return 1.0, depth
    factors = {"matrix": depth, "cp": order, "deep_cp": order * depth, "hierarchical": 3}[family]
    return factors, 2 - 2 / factors


def integrated_growth(start: float, gamma: np.ndarray, time: np.ndarray, kappa: float, exponent: float) -> np.ndarray:
    """Return sigma(t) of d(sigma)/dt = kappa gamma(t) sigma^p from sigma(0) alone, at the times of gamma.

    sigma^(1 - p) = sigma(0)^(1 - p) + (1 - p) kappa int gamma dt, or for p = 1 the exponential, the integral by
    the trapezoid rule; NaN from where sigma would be infinite on, since p > 1 blows up in finite time.
    """
    area = kappa * integrate.cumulative_trapezoid(gamma, time, initial=0)
    if exponent == 1:
        return start * np.exp(area)
    power = start ** (1 - exponent) + (1 - exponent) * area
    return np.where(np.minimum.accumulate(power) > 0, power, np.nan) ** (1 / (1 - exponent))


# -- Chou et al. 2020: full estimation, 1/2 ||W - W*||_F^2, from multiples of the identity ---------
#
# Each eigenvalue lambda of the symmetric W* is then learned by itself, as d^N with
# d <- d - eta d^(N - 1) (d^N - lambda). The theorems are known from a seminar report on the paper,
# which does not print the integrals T^+ and T^-: those below are our reading, consistent with every
# case of the bound, which no draw of `greedyrank.recovery` exceeds.

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
    to us): from the bound on the steps until the L largest eigenvalues are recovered but for a
    ``share`` of each, to the time in which gradient flow, ahead of descent while the speed
    increases, brings the next one to that share: 0 where the init is beyond it. The end is infinite
    where the next eigenvalue is never learned, being numerically 0 or negative; an interval is empty
    where the end comes first.
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
