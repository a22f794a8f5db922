"""Compiled plain GD for deep factorizations of square matrices on a CPU.

The same arithmetic as `greedyrank.factorizations.deep_matrix` with `greedyrank.optimizers.gd`, as
one loop over runs and steps: no launching between matrix products, and one run at a time in the
cache. Size and depth are compiled in: small products unroll, larger ones are BLAS calls.
"""

from __future__ import annotations

import functools

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  the BLAS behind numpy.dot in compiled code

from greedyrank.problems import completion

# Up to this size unrolled loops beat a BLAS call, whose overhead is about 0.2 us.
LARGEST_UNROLLED = 8


def _products(size: int):
    """Return compiled out = left right, left right^T and left^T right for square matrices."""
    if size > LARGEST_UNROLLED:

        @numba.njit
        def multiply(left, right, out):
            np.dot(left, right, out)

        @numba.njit
        def multiply_right_transposed(left, right, out):
            np.dot(left, right.T, out)

        @numba.njit
        def multiply_left_transposed(left, right, out):
            np.dot(left.T, right, out)

        return multiply, multiply_right_transposed, multiply_left_transposed

    @numba.njit(inline="always")
    def multiply(left, right, out):
        for i in range(size):
            for j in range(size):
                total = left[i, 0] * right[0, j]
                for k in range(1, size):
                    total += left[i, k] * right[k, j]
                out[i, j] = total

    @numba.njit(inline="always")
    def multiply_right_transposed(left, right, out):
        for i in range(size):
            for j in range(size):
                total = left[i, 0] * right[j, 0]
                for k in range(1, size):
                    total += left[i, k] * right[j, k]
                out[i, j] = total

    @numba.njit(inline="always")
    def multiply_left_transposed(left, right, out):
        for i in range(size):
            for j in range(size):
                total = left[0, i] * right[0, j]
                for k in range(1, size):
                    total += left[k, i] * right[k, j]
                out[i, j] = total

    return multiply, multiply_right_transposed, multiply_left_transposed


@functools.cache
def _compiled(size: int, depth: int):
    multiply, multiply_right_transposed, multiply_left_transposed = _products(size)

    @numba.njit(cache=True)
    def descend(factors, values, twice_weighted_mask, learning_rates, steps):
        prefixes = np.empty_like(factors[0])
        running = np.empty_like(values[0])
        spare = np.empty_like(values[0])
        gradient = np.empty_like(values[0])
        for run in range(len(factors)):
            w = factors[run]
            rate = learning_rates[run]
            if rate == 0:
                continue
            for _ in range(steps):
                # prefixes[layer] = W_{layer + 1} ... W_1; the first factor itself needs no copy.
                before = w[0]
                for layer in range(1, depth):
                    multiply(w[layer], before, prefixes[layer])
                    before = prefixes[layer]
                for i in range(size):
                    for j in range(size):
                        running[i, j] = (before[i, j] - values[run, i, j]) * twice_weighted_mask[run, i, j]
                for layer in range(depth - 1, 0, -1):
                    before = prefixes[layer - 1] if layer > 1 else w[0]
                    multiply_right_transposed(running, before, gradient)
                    multiply_left_transposed(w[layer], running, spare)
                    running, spare = spare, running
                    for i in range(size):
                        for j in range(size):
                            w[layer, i, j] -= rate * gradient[i, j]
                for i in range(size):
                    for j in range(size):
                        w[0, i, j] -= rate * running[i, j]

    return descend


class SquareDescent:
    """The compiled stepper; the interface is that of `greedyrank.descent.Descent`.

    ``factors`` holds the initial W_1 ... W_N of each run; the parameters are one array
    (runs, depth, n, n).
    """

    full_batch = True
    steps_per_epoch = 1

    def __init__(self, runs: list[dict], data: list[dict], factors: list[list[np.ndarray]]):
        dtype = np.dtype(runs[0]["dtype"])
        self._parameters = np.stack([np.stack(layers) for layers in factors]).astype(dtype)
        pairs = [completion.observed(run, arrays) for run, arrays in zip(runs, data, strict=True)]
        weights = np.array([completion.loss_weight(run, arrays) for run, arrays in zip(runs, data, strict=True)])
        self._values = np.stack([values for values, _ in pairs]).astype(dtype)
        self._mask = np.stack([mask for _, mask in pairs]).astype(dtype)
        self._weights = weights.astype(dtype)
        self._twice_weighted_mask = self._mask * (2 * weights).astype(dtype)[:, None, None]
        self._rates64 = np.array([run["learning_rate"] for run in runs])
        known = all("target" in arrays for arrays in data)
        self._targets = np.stack([arrays["target"] for arrays in data]) if known else None
        self._flow_time = np.zeros(len(runs))
        self._descend = _compiled(runs[0]["shape"][0], runs[0]["depth"])
        self.scale(np.ones(len(runs)))

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        self._descend(self._parameters, self._values, self._twice_weighted_mask, self._rates, steps)
        self._flow_time += steps * self._scaled

    def scale(self, factors: np.ndarray) -> None:
        """Multiply the learning rates given in the settings, one factor a run; 0 holds a run."""
        self._scaled = factors * self._rates64
        self._rates = self._scaled.astype(self._parameters.dtype)

    def flow_time(self) -> np.ndarray:
        """Return the sum of the learning rates so far, shape (runs,)."""
        return self._flow_time.copy()

    def _end_to_end(self) -> np.ndarray:
        product = self._parameters[:, 0]
        for layer in range(1, self._parameters.shape[1]):
            product = self._parameters[:, layer] @ product
        return product

    def losses(self) -> np.ndarray:
        """Return the loss of each run, float64, shape (runs,)."""
        residual = (self._end_to_end() - self._values) * self._mask
        return (self._weights * np.einsum("rij,rij->r", residual, residual)).astype(np.float64)

    def observables(self, growth: bool = False) -> dict[str, np.ndarray]:
        """Return what is recorded: arrays whose first axis is the run."""
        found = {"end_to_end": self._end_to_end().copy()}
        if self._targets is not None and not growth:
            distance = np.linalg.norm(found["end_to_end"] - self._targets, axis=(1, 2))
            found["relative_error"] = distance / np.linalg.norm(self._targets, axis=(1, 2))
        return found

    def state(self) -> dict[str, np.ndarray]:
        """Return everything a later process needs to go on."""
        return {"parameters": self._parameters.copy(), "flow_time": self._flow_time.copy()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` returned."""
        self._parameters[...] = state["parameters"]
        self._flow_time[...] = state["flow_time"]
