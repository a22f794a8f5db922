"""Linear estimates of a symmetric tubal tensor from its measurements, without any preference of a low rank.

The tensor of least Frobenius norm that fits the measurements best, among those with X = X^T (of the t-product), and the
back-projection, the symmetric part of sum_i y_i A_i.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from greedyrank.plugins import plugin
from greedyrank.theory import tubal


def estimates(matrices: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the symmetric tensor of least norm and the back-projection, each (n, n, tubes).

    Parameters
    ----------
    matrices : ndarray
        The A_i, (measurements, n, n, tubes).
    values : ndarray
        The y_i = <A_i, X>.
    """
    # A symmetric X sees the symmetric parts alone, and the least norm lies in their span.
    symmetric = (matrices + tubal.transpose(matrices)) / 2
    flat = symmetric.reshape(len(values), -1)
    least = np.linalg.lstsq(flat, values, rcond=None)[0]
    return least.reshape(matrices.shape[1:]), np.tensordot(values, symmetric, 1)


def compute(
    problem: str, factorization: str, views: list[dict], data_of: Callable[[dict], dict]
) -> dict[str, np.ndarray]:
    """Estimate the target of every problem of a sweep.

    Parameters
    ----------
    problem : str
        The plug-in.
    factorization : str
        Of the runs that are compared; it plays no part here.
    views : list of dict
        The settings of each problem.
    data_of : callable
        Gives the data of a problem from its settings.

    Returns
    -------
    dict
        ``least_norm`` and ``back_projection``, as `estimates` has them, each with the view as first axis.
    """
    module = plugin("problems", problem)
    found = []
    for view in views:
        matrices, values = module.measurements(view, data_of(view))
        found.append(estimates(matrices.reshape(-1, *view["shape"]), values))
    least, projected = map(np.stack, zip(*found, strict=True))
    return {"least_norm": least, "back_projection": projected}
