"""How nearly diagonal a gradient is in the singular bases of a matrix: Arora et al. 2019, Fig. 3, right."""

from __future__ import annotations

import numpy as np


def means(gradient: np.ndarray, left: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Return the mean absolute diagonal and off-diagonal entry of left^T gradient right."""
    return diagonal_means(left.T @ gradient @ right)


def diagonal_means(matrix: np.ndarray) -> tuple[float, float]:
    """Return the mean absolute diagonal and off-diagonal entry of a matrix."""
    sizes = np.abs(matrix)
    diagonal = np.diagonal(sizes)
    return diagonal.mean(), (sizes.sum() - diagonal.sum()) / (sizes.size - len(diagonal))
