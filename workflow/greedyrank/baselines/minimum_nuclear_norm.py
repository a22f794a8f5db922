"""The matrix of minimum nuclear norm that fits the measurements, with a certified gap.

    minimize ||X||_*  subject to  |<A_i, X> - y_i| <= delta for every i

as Arora et al. 2019 do with a general-purpose solver (main.py); over positive semidefinite X, where the
norm is the trace, as Gunasekar et al. 2017 do. It is solved by ADMM. Any lambda with
||sum_i lambda_i A_i||_2 <= 1 bounds the minimum from below by <lambda, y> - delta ||lambda||_1, and any
feasible X bounds it from above, so that each result comes with its proof.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from greedyrank.errors import UserError
from greedyrank.plugins import plugin

logger = logging.getLogger(__name__)

RELAXATION = 1.6  # over-relaxation; 1.5 to 1.8 is the usual choice (Boyd et al. 2011, section 3.4.3)
CHECK_EVERY = 20
ADAPT_UNTIL = 1000  # with a penalty that changes forever, ADMM need not converge


class NotSolved(UserError):
    """The measurements contradict each other, or no certified minimum was found in time."""


class Entries:
    """The map that reads distinct entries, given by their flat indices, within bounds of their values."""

    independent = True  # any values are some matrix's measurements

    def __init__(self, index: np.ndarray, shape: tuple[int, int], low: np.ndarray, high: np.ndarray):
        self._index, self._shape = index, shape
        self._low, self._high = low, high

    def forward(self, matrix: np.ndarray) -> np.ndarray:
        """Return A X, the values read."""
        return matrix.ravel()[self._index]

    def transpose(self, values: np.ndarray) -> np.ndarray:
        """Return A^T values, a matrix."""
        matrix = np.zeros(self._shape)
        matrix.ravel()[self._index] = values
        return matrix

    def least(self, values: np.ndarray) -> np.ndarray:
        """Return (A A^T)^-1 values."""
        return values

    def nearest(self, point: np.ndarray) -> np.ndarray:
        """Return the matrix nearest to a point whose measurements are within the bounds."""
        matrix = point.copy()
        matrix.ravel()[self._index] = np.clip(self.forward(point), self._low, self._high)
        return matrix

    def bound(self, low: np.ndarray, high: np.ndarray) -> None:
        """Change the bounds."""
        self._low, self._high = low, high

    def rescale(self, factor: float) -> None:
        """Divide the scaled multipliers: there are none here."""


class Dense:
    """The map of dense A_i, the rows of ``sensing``; otherwise as `Entries`.

    The nearest matrix within bounds has no closed form here. `nearest` takes one step of ADMM
    towards it, on s = A X with its own multipliers.
    """

    def __init__(self, sensing: np.ndarray, shape: tuple[int, int], low: np.ndarray, high: np.ndarray):
        self._sensing, self._shape = sensing, shape
        self._low, self._high = low, high
        # Eigenvalues, not a Cholesky factor: the A_i may depend on each other.
        self._squares, self._vectors = np.linalg.eigh(sensing @ sensing.T)
        kept = self._squares > len(sensing) * np.finfo(float).eps * self._squares[-1]
        self.independent = bool(kept.all())
        self._inverse = np.where(kept, 1 / np.where(kept, self._squares, 1.0), 0.0)
        self._seen, self._multipliers = (low + high) / 2, np.zeros(len(low))

    def forward(self, matrix: np.ndarray) -> np.ndarray:
        """Return A X, (measurements,)."""
        return self._sensing @ matrix.ravel()

    def transpose(self, values: np.ndarray) -> np.ndarray:
        """Return A^T values, a matrix."""
        return (values @ self._sensing).reshape(self._shape)

    def least(self, values: np.ndarray) -> np.ndarray:
        """Return the pseudo-inverse of A A^T times values."""
        return self._vectors @ (self._inverse * (values @ self._vectors))

    def nearest(self, point: np.ndarray) -> np.ndarray:
        """Return a matrix near a point; over repeated calls its measurements come within the bounds."""
        # argmin ||X - point||^2 + ||A X - (s - multipliers)||^2, by the matrix inversion lemma.
        right = point + self.transpose(self._seen - self._multipliers)
        within = (self.forward(right) @ self._vectors) / (1 + self._squares)
        matrix = right - self.transpose(self._vectors @ within)
        seen = RELAXATION * self.forward(matrix) + (1 - RELAXATION) * self._seen
        self._seen = np.clip(seen + self._multipliers, self._low, self._high)
        self._multipliers += seen - self._seen
        return matrix

    def bound(self, low: np.ndarray, high: np.ndarray) -> None:
        """Change the bounds."""
        self._low, self._high = low, high

    def rescale(self, factor: float) -> None:
        """Divide the scaled multipliers."""
        self._multipliers /= factor


def _shrink(matrix: np.ndarray, by: float, psd: bool) -> np.ndarray:
    """Return the proximal point of ``by`` times the nuclear norm; over PSD matrices, of ``by`` times the trace."""
    if psd:
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        return (vectors * np.maximum(values - by, 0)) @ vectors.T
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return (left * np.maximum(values - by, 0)) @ right


def _norm(matrix: np.ndarray) -> float:
    return float(np.linalg.svd(matrix, compute_uv=False).sum())


def _dual_norm(matrix: np.ndarray, psd: bool) -> float:
    return float(np.linalg.eigvalsh((matrix + matrix.T) / 2)[-1] if psd else np.linalg.norm(matrix, 2))


def solve(
    measured: type[Entries] | type[Dense],
    what: np.ndarray,
    values: np.ndarray,
    shape: tuple[int, int],
    *,
    tolerance: float,
    psd: bool = False,
    gap: float = 1e-4,
    max_iterations: int = 20_000,
) -> dict[str, np.ndarray]:
    """Find the matrix of minimum nuclear norm.

    Parameters
    ----------
    measured : {Entries, Dense}
        The kind of measurements.
    what : ndarray
        Flat indices of the entries, or the A_i, (measurements, rows * columns).
    values : ndarray
        y, (measurements,).
    shape : (int, int)
        The shape of X.
    tolerance : float
        delta, above 0, in the unit of y.
    psd : bool
        Only positive semidefinite matrices.
    gap : float
        Relative duality gap to reach.
    max_iterations : int
        Iterations after which it gives up.

    Returns
    -------
    dict
        ``matrix``: a feasible X; ``upper``: its nuclear norm; ``lower``: the certified bound;
        ``iterations``.

    Raises
    ------
    NotSolved
        If the measurements contradict each other, or the gap is not reached.
    """
    low, high = values - tolerance, values + tolerance
    box = measured(what, shape, low, high)
    z = box.transpose(box.least(values))  # the fit of least Frobenius norm
    # The part of the values that no matrix explains is orthogonal to all that some matrix does: a certificate that
    # the bounds exclude each other. A PSD iterate, or one of dependent measurements, cannot be moved into the bounds:
    # the bounds are tightened instead, until it is within the given ones.
    inside = psd or not box.independent
    slack = 1e-9 * np.abs(values).max(initial=0.0)
    unexplained = values - box.forward(z)
    unexplained[np.abs(unexplained) < slack] = 0.0
    if unexplained @ values > tolerance * np.abs(unexplained).sum() * (1 + 1e-9):
        raise NotSolved(
            f"the measurements contradict each other: none of the matrices fits them all within {tolerance:g}"
        )
    rho = 4 / (float(np.linalg.norm(z, 2)) or 1.0)
    u = np.zeros_like(z)
    best, upper, lower = z, np.inf, 0.0
    for iteration in range(1, max_iterations + 1):
        x = box.nearest(z - u)
        relaxed = RELAXATION * x + (1 - RELAXATION) * z
        before, z = z, _shrink(relaxed + u, 1 / rho, psd)
        u += relaxed - z
        if iteration % CHECK_EVERY:
            continue
        seen = box.forward(z)
        feasible = z if inside else z + box.transpose(box.least(np.clip(seen, low, high) - seen))
        seen = box.forward(feasible)
        allowed = np.all((seen >= low - slack) & (seen <= high + slack))
        if allowed and (norm := _norm(feasible)) < upper:
            upper, best = norm, feasible
        # The multipliers nearest to rho U, a subgradient of the norm at Z, scaled into bounds.
        multipliers = box.least(box.forward(rho * u))
        multipliers /= max(1.0, _dual_norm(box.transpose(multipliers), psd))
        lower = max(lower, multipliers @ values - tolerance * np.abs(multipliers).sum())
        if abs(upper - lower) <= gap * lower:
            found = {"matrix": best, "upper": upper, "lower": lower, "iterations": iteration}
            return {name: np.asarray(value) for name, value in found.items()}
        if inside and iteration <= ADAPT_UNTIL:
            # The tightened bounds may raise the minimum by at most a third of the gap.
            margin = min(0.1, gap * lower / (3 * tolerance * max(np.abs(multipliers).sum(), 1e-300)))
            box.bound(values - (1 - margin) * tolerance, values + (1 - margin) * tolerance)
        # Keep the two residuals of ADMM within a factor of ten (Boyd et al. 2011, section 3.4.1).
        primal, dual = float(np.linalg.norm(x - z)), float(np.linalg.norm(z - before))
        if iteration <= ADAPT_UNTIL and not 0.1 <= primal / max(dual, 1e-300) <= 10:
            factor = 2.0 if primal > dual else 0.5
            rho *= factor
            u /= factor
            box.rescale(factor)
    bounds = f"between {lower:.6g} and {upper:.6g}" + ("" if np.isfinite(upper) else "; no matrix was found that fits")
    raise NotSolved(f"no certified minimum of the nuclear norm after {max_iterations} iterations: {bounds}")


def compute(
    problem: str,
    factorization: str,
    views: list[dict],
    data_of: Callable[[dict], dict],
    *,
    tolerance: float,
    gap: float,
) -> dict[str, np.ndarray]:
    """Solve every problem of a sweep.

    Parameters
    ----------
    problem : str
        The plug-in.
    factorization : str
        The factorization of the runs that are compared; for ``psd`` only PSD matrices are feasible.
    views : list of dict
        The settings of each problem.
    data_of : callable
        Gives the data of a problem from its settings.
    tolerance, gap : float
        As in `solve`.

    Returns
    -------
    dict
        What `solve` returns, each with the view as first axis.
    """
    module = plugin("problems", problem)
    kind = Entries if problem == "completion" else Dense
    psd = factorization == "psd"
    found = []
    for view in views:
        what, values = module.measurements(view, data_of(view))
        found.append(solve(kind, what, values, tuple(view["shape"]), tolerance=tolerance, psd=psd, gap=gap))
        logger.info(
            "%d measurements: %d iterations, minimum between %.6g and %.6g",
            len(values),
            *(found[-1][name] for name in ("iterations", "lower", "upper")),
        )
    return {name: np.stack([one[name] for one in found]) for name in found[0]}
