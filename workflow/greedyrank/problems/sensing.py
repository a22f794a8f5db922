"""Matrix and tensor sensing: a target seen through inner products with random matrices.

Arora et al. 2019 (gen_obs.py), Gunasekar et al. 2017. The A_i are drawn again wherever they are
needed: at published size they are hundreds of megabytes.
"""

from __future__ import annotations

import math

import numpy as np

from greedyrank import targets


def ensemble(settings: dict) -> np.ndarray:
    """Draw the A_i, float64, (measurements, prod(shape)), each flattened row-major.

    ``gaussian``: independent N(0, sensing_std^2) entries. ``commuting``: Q diag(a_i) Q^T with one
    random orthogonal Q and independent N(0, sensing_std^2) eigenvalues a_i.
    """
    rng = np.random.default_rng([settings["sensing_seed"], 3])
    count, shape = settings["measurements"], settings["shape"]
    if settings["ensemble"] == "gaussian":
        return settings["sensing_std"] * rng.standard_normal((count, math.prod(shape)))
    vectors = targets.orthogonal(shape[0], rng)
    eigenvalues = settings["sensing_std"] * rng.standard_normal((count, shape[0]))
    return ((vectors * eigenvalues[:, None]) @ vectors.T).reshape(count, -1)


def generate(settings: dict) -> dict[str, np.ndarray]:
    """Draw the data of one data seed.

    Returns
    -------
    dict
        ``values``: y_i = <A_i, target>, noise included, float64. ``target``: without noise.
    """
    rng = np.random.default_rng([settings["data_seed"], 0])
    target = targets.draw(settings, rng)
    values = ensemble(settings) @ target.ravel()
    if settings["noise_std"]:
        values += settings["noise_std"] * rng.standard_normal(len(values))
    return {"values": values, "target": target}


def measurements(run: dict, data: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the A_i and their values."""
    return ensemble(run), data["values"]


def context(run: dict, data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what the measures may need of the problem, in full shape."""
    return {"target": data["target"]}


class Problem:
    """The loss of all runs of a batch, which share the A_i.

    Two matrix products a step, whose larger operand is the same for all runs: a batch reads it
    once. Parameters as in `greedyrank.problems.completion`.
    """

    def __init__(self, runs: list[dict], data: list[dict], place):
        self._data = data
        self._sensing = place(ensemble(runs[0]))
        self._values = place(np.stack([arrays["values"] for arrays in data]))
        weights = np.array([0.5 if run["loss"] == "half_sum" else 1.0 / run["measurements"] for run in runs])
        self._weight = place(weights)
        self._twice_weight = place(2 * weights)[:, None]
        self.state = {}

    full_batch = True
    steps_per_epoch = 1

    def inputs(self, step: int) -> None:
        """Full-batch descent: the end-to-end object needs no input."""

    def loss_gradient(self, end_to_end):
        """Return dL/dW, in the shape of W: (runs, *shape)."""
        flat = end_to_end.reshape(len(self._values), -1)
        self._residual = flat @ self._sensing.T - self._values
        return ((self._residual * self._twice_weight) @ self._sensing).reshape(end_to_end.shape)

    def losses(self):
        """Return the losses behind the last `loss_gradient`, shape (runs,)."""
        return self._weight * (self._residual * self._residual).sum(1)

    def observables(self, model, end_to_end) -> dict[str, np.ndarray]:
        """Return ``relative_error``."""
        return targets.relative_errors(end_to_end.cpu().numpy(), self._data)
