"""When gradient descent on a deep linear network begins to oscillate, and how far (Ghosh et al. 2025).

The loss is 1/2 ||W_N ... W_1 - M||_F^2. At a balanced minimum, where every layer has the singular values
sigma^(1/N) of M, the curvature along the i-th of them is S = N sigma^(2 - 2/N). Theorems as restated by third parties;
the formulas below agree with the recursion itself, see tests/unit/test_edge_of_stability.py.
"""

from __future__ import annotations

import math

from scipy.optimize import brentq


def onset(value: float, depth: int) -> float:
    """Return the step size 2 / S beyond which a singular value oscillates: 2 / (N sigma^(2 - 2/N)).

    Parameters
    ----------
    value : float
        sigma, above 0.
    depth : int
        N, at least 2.
    """
    return 2 / (depth * value ** (2 - 2 / depth))


def two_cycle(value: float, depth: int, learning_rate: float) -> tuple[float, float]:
    """Return the two values between which a singular value of W alternates, the smaller first.

    They are rho^N at the two roots rho, below and above sigma^(1/N), of

        rho^N (1 + z^(2N - 1)) / (1 + z^(N - 1)) = sigma,   z = 1 + eta (sigma - rho^N) rho^(N - 2).

    Each layer then moves from rho to z rho and back. Below the onset both are sigma.

    Parameters
    ----------
    value : float
        sigma.
    depth : int
        N.
    learning_rate : float
        eta.
    """
    if learning_rate <= onset(value, depth):
        return value, value
    balanced = value ** (1 / depth)

    def excess(rho: float) -> float:
        z = 1 + learning_rate * (value - rho**depth) * rho ** (depth - 2)
        return rho**depth * (1 + z ** (2 * depth - 1)) / (1 + z ** (depth - 1)) - value

    # sigma^(1/N) itself is a root, between the two: it is left by a distance far below that of the others.
    apart = 1e-3 * balanced * math.sqrt(min(1.0, learning_rate / onset(value, depth) - 1))
    low = brentq(excess, 1e-9 * balanced, balanced - apart)
    high = brentq(excess, balanced + apart, (2 * value) ** (1 / depth))
    return low**depth, high**depth


def cross_curvature(first: float, second: float, depth: int) -> float:
    """Return the curvature at the balanced minimum along directions that mix two singular values.

    sum_l first^(2(N - 1 - l)/N) second^(2l/N), l = 0 ... N - 1; for two equal values it is that along the value itself.
    A diagonal iterate never moves so, but what rounding puts there grows beyond the step 2 / curvature.
    """
    power = 2 / depth
    return sum(first ** (power * (depth - 1 - layer)) * second ** (power * layer) for layer in range(depth))
