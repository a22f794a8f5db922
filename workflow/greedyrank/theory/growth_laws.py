"""How singular values, component norms and slices grow under gradient flow from balanced factors."""

from __future__ import annotations

import numpy as np
from scipy import integrate


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
