"""Compiled steps of deep matrix factorizations in completion on a CPU.

The same arithmetic as `greedyrank.factorizations.deep_matrix` with `greedyrank.optimizers.gd` or
`group_rmsprop`, as one loop over runs and steps: nothing is launched between matrix products, and one run
at a time is in the cache. Sizes and depth are compiled in: small products are unrolled, larger ones are
BLAS calls. W has at least as many columns as rows, so that every factor but the first is square.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  the BLAS behind numpy.dot in compiled code
from numba.extending import register_jitable

from greedyrank.config.sweeps import Run
from greedyrank.data import targets
from greedyrank.kernels import numba_cache
from greedyrank.problems import completion

# Up to this many rows unrolled loops are faster than a BLAS call, whose overhead is about 0.2 us.
LARGEST_UNROLLED = 8


Products = tuple[Callable, Callable, Callable, Callable]


def _blas_products() -> Products:
    """Return what `_products` does, by calls of BLAS."""

    @register_jitable
    def multiply(left, right, out):
        np.dot(left, right, out)

    @register_jitable
    def multiply_right_transposed(left, right, out):
        np.dot(left, right.T, out)

    @register_jitable
    def multiply_left_transposed(left, right, out):
        np.dot(left.T, right, out)

    @register_jitable
    def squares(matrix):
        flat = matrix.reshape(-1)
        return np.dot(flat, flat)

    return multiply, multiply_right_transposed, multiply_left_transposed, squares


def _unrolled_products(rows: int, columns: int) -> Products:
    """Return what `_products` does, by loops of fixed length, which the compiler unrolls."""

    @register_jitable(inline="always")
    def multiply(left, right, out):
        for i in range(rows):
            for j in range(columns):
                total = left[i, 0] * right[0, j]
                for k in range(1, rows):
                    total += left[i, k] * right[k, j]
                out[i, j] = total

    @register_jitable(inline="always")
    def multiply_right_transposed(left, right, out):
        for i in range(rows):
            for j in range(rows):
                total = left[i, 0] * right[j, 0]
                for k in range(1, columns):
                    total += left[i, k] * right[j, k]
                out[i, j] = total

    @register_jitable(inline="always")
    def multiply_left_transposed(left, right, out):
        for i in range(rows):
            for j in range(columns):
                total = left[0, i] * right[0, j]
                for k in range(1, rows):
                    total += left[k, i] * right[k, j]
                out[i, j] = total

    @register_jitable
    def squares(matrix):
        total = 0.0
        for i in range(matrix.shape[0]):
            for j in range(matrix.shape[1]):
                total += matrix[i, j] * matrix[i, j]
        return total

    return multiply, multiply_right_transposed, multiply_left_transposed, squares


def _products(rows: int, columns: int) -> Products:
    """Return out = left right, left right^T, left^T right and the sum of squares, for use in compiled code.

    ``right``, and ``left`` of the second, are (rows, columns). The other factors, and the second product, are
    (rows, rows). The functions are registered, not compiled, here: a compiled function has a new identity in each
    process, so that the function that encloses it would never be found in numba's cache.
    """
    return _blas_products() if rows > LARGEST_UNROLLED else _unrolled_products(rows, columns)


@functools.cache
def _compiled(rows: int, columns: int, depth: int, normalised: bool, dtype: str) -> Callable:
    multiply, multiply_right_transposed, multiply_left_transposed, squares = _products(rows, columns)

    def advance(first, rest, values, twice_weighted, learning_rates, steps, clock):
        # prefixes[j] = W_{j + 2} ... W_1; the first factor itself is not copied.
        prefixes = np.empty((depth - 1, rows, columns), first.dtype)
        gradients = np.empty((depth - 1, rows, rows), first.dtype)
        running = np.empty((rows, columns), first.dtype)
        spare = np.empty((rows, columns), first.dtype)
        step_size = np.empty(1, first.dtype)  # rounds to the training precision
        for run in range(len(first)):
            if learning_rates[run] == 0:
                continue
            w, u = rest[run], first[run]
            flow_time, square, decay_power, decay, eps = clock[run]
            for _ in range(steps):
                before = u
                for j in range(depth - 1):
                    multiply(w[j], before, prefixes[j])
                    before = prefixes[j]
                for i in range(rows):
                    for k in range(columns):
                        running[i, k] = (before[i, k] - values[run, i, k]) * twice_weighted[run, i, k]
                total = 0.0
                for j in range(depth - 2, -1, -1):
                    before = prefixes[j - 1] if j > 0 else u
                    multiply_right_transposed(running, before, gradients[j])
                    multiply_left_transposed(w[j], running, spare)
                    running, spare = spare, running
                    if normalised:
                        total += squares(gradients[j])
                effective = learning_rates[run]
                if normalised:
                    total += squares(running)
                    square = decay * square + (1 - decay) * total
                    decay_power *= decay
                    effective /= np.sqrt(square / (1 - decay_power)) + eps
                flow_time += effective
                step_size[0] = effective
                rate = step_size[0]
                for j in range(depth - 1):
                    for i in range(rows):
                        for k in range(rows):
                            w[j, i, k] -= rate * gradients[j, i, k]
                for i in range(rows):
                    for k in range(columns):
                        u[i, k] -= rate * running[i, k]
            clock[run, 0], clock[run, 1], clock[run, 2] = flow_time, square, decay_power

    rule = "normalised" if normalised else "plain"
    return numba_cache.compiled(advance, f"{rows}x{columns}_depth{depth}_{rule}_{dtype}")


class CompiledStepper:
    """A group of runs that advances by compiled steps; a `greedyrank.training.protocols.Stepper`.

    Parameters
    ----------
    optimizer : {"gd", "group_rmsprop"}
        The rule of the steps.
    runs : list of Run
        Settings of each run.
    data : list of dict
        Data of each run.
    factors : list of list of ndarray
        The initial W_1 ... W_N of each run.
    """

    loss_at_start = True
    steps_per_epoch = 1

    def __init__(
        self,
        optimizer: str,
        runs: Sequence[Run],
        data: Sequence[dict[str, np.ndarray]],
        factors: list[list[np.ndarray]],
    ):
        dtype = np.dtype(runs[0]["dtype"])
        (rows, columns), depth = runs[0]["shape"], runs[0]["depth"]
        self._first = np.stack([layers[0] for layers in factors]).astype(dtype)
        self._rest = np.zeros((len(runs), depth - 1, rows, rows), dtype)
        for j in range(depth - 1):
            self._rest[:, j] = [layers[j + 1] for layers in factors]
        pairs = [completion.observed(run, arrays) for run, arrays in zip(runs, data, strict=True)]
        weights = np.array([completion.loss_weight(run, arrays) for run, arrays in zip(runs, data, strict=True)])
        self._values = np.stack([values for values, _ in pairs]).astype(dtype)
        self._counts = np.stack([counts for _, counts in pairs]).astype(dtype)
        self._weights = weights.astype(dtype)
        self._twice_weighted = self._counts * (2 * weights).astype(dtype)[:, None, None]
        self._learning_rates = np.array([run["learning_rate"] for run in runs])
        self._data = data
        # One row a run: flow time; GroupRMSprop's running square and power of its decay; decay, eps.
        self._clock = np.zeros((len(runs), 5))
        self._clock[:, 2] = 1.0
        if optimizer == "group_rmsprop":
            self._clock[:, 3:] = [[run["decay"], run["eps"]] for run in runs]
        self._advance = _compiled(rows, columns, depth, optimizer == "group_rmsprop", dtype.name)
        self.set_rate_factors(np.ones(len(runs)))

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        self._advance(self._first, self._rest, self._values, self._twice_weighted, self._scaled, steps, self._clock)

    def set_rate_factors(self, factors: np.ndarray) -> None:
        """Multiply the learning rates of the settings by one factor a run, shape (runs,); 0 holds a run."""
        self._scaled = factors * self._learning_rates

    def flow_time(self) -> np.ndarray:
        """Return the sum of the effective learning rates so far, shape (runs,)."""
        return self._clock[:, 0].copy()

    def _end_to_end(self) -> np.ndarray:
        product = self._first
        for j in range(self._rest.shape[1]):
            product = self._rest[:, j] @ product
        return product

    def losses(self) -> np.ndarray:
        """Return the loss of each run, float64, shape (runs,)."""
        residual = self._end_to_end() - self._values
        return (self._weights * np.einsum("rij,rij,rij->r", residual, residual, self._counts)).astype(np.float64)

    def observables(self, growth: bool = False) -> dict[str, np.ndarray]:
        """Return what is recorded: arrays whose first axis is the run."""
        found = {"end_to_end": self._end_to_end().copy()}
        return found if growth else {**found, **targets.relative_errors(found["end_to_end"], self._data)}

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of everything that later steps depend on."""
        return {"first": self._first.copy(), "rest": self._rest.copy(), "clock": self._clock.copy()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` returned."""
        self._first[...] = state["first"]
        self._rest[...] = state["rest"]
        self._clock[...] = state["clock"]
