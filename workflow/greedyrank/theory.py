"""The curves and rates that the papers' theorems predict."""

from __future__ import annotations

import numpy as np


def unobserved_entry(loss: np.ndarray) -> np.ndarray:
    """Return |W_11| = 1 / sqrt(2 loss) of the 2x2 problem while det W stays about zero.

    The observed entries are 1, 1 and 0, and the loss is half the squared residuals, all of which
    then sits in W_22 (Razin & Cohen 2020, Theorem 1 and its proof).
    """
    return 1 / np.sqrt(2 * loss)


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
