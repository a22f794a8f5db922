"""Matrix and tensor completion: a Gaussian target of low CP rank, of which some entries are seen.

Arora et al. 2019 (gen_gt.py, gen_obs.py), Razin & Cohen 2020, Razin, Maman & Cohen 2021
(tensor_sensing_data_generator.py).
"""

from __future__ import annotations

import math

import numpy as np


def generate(settings: dict) -> dict[str, np.ndarray]:
    """Draw the data of one data seed, or take the entries given by hand.

    A drawn target is ``sum_r u_r^1 o ... o u_r^N`` with standard normal vectors, rescaled to
    Frobenius norm ``target_norm``; for matrices this is the U V^T of Arora et al.

    Returns
    -------
    dict
        ``entries``: flat row-major indices. Drawn: all entries in random order, of which a run
        sees the first ``observations``, so that larger sets contain smaller ones, as in the
        authors' code. ``values``: the entries' values, float64. ``target``: the whole tensor,
        only where it was drawn.
    """
    shape = settings["shape"]
    if settings["observed"] is not None:
        rows = np.array(settings["observed"], dtype=np.float64)
        index = tuple(rows[:, :-1].astype(np.int64).T)
        return {"entries": np.ravel_multi_index(index, shape), "values": rows[:, -1]}
    rng = np.random.default_rng([settings["data_seed"], 0])
    target = np.ones((1, settings["target_rank"]))
    for length in shape:
        factor = rng.standard_normal((length, settings["target_rank"]))
        target = (target[:, None] * factor).reshape(-1, settings["target_rank"])
    target = target.sum(axis=1)
    target *= settings["target_norm"] / np.linalg.norm(target)
    entries = rng.permutation(target.size)
    return {"entries": entries, "values": target[entries], "target": target.reshape(shape)}


def observed(run: dict, data: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the values at the observed entries (zero elsewhere) and their 0/1 mask, in full shape."""
    seen = slice(run["observations"])
    values = np.zeros(math.prod(run["shape"]))
    mask = np.zeros(math.prod(run["shape"]))
    values[data["entries"][seen]] = data["values"][seen]
    mask[data["entries"][seen]] = 1.0
    return values.reshape(run["shape"]), mask.reshape(run["shape"])


def loss_weight(run: dict, data: dict[str, np.ndarray]) -> float:
    """Return c of the loss c * sum of squared residuals over the observed entries."""
    if run["loss"] == "half_sum":
        return 0.5
    return 1.0 / min(run["observations"] or len(data["entries"]), len(data["entries"]))


class Problem:
    """The loss of all runs of a batch on their end-to-end objects.

    Parameters
    ----------
    runs : list of dict
        Settings of each run.
    data : list of dict
        What `generate` gave for each run.
    place : callable
        Puts a numpy array on the training device, in the training precision or, with
        ``exact=True``, in its own.
    """

    def __init__(self, runs: list[dict], data: list[dict], place):
        pairs = [observed(run, arrays) for run, arrays in zip(runs, data, strict=True)]
        self.values = place(np.stack([values for values, _ in pairs]))
        self.mask = place(np.stack([mask for _, mask in pairs]))
        weights = np.array([loss_weight(run, arrays) for run, arrays in zip(runs, data, strict=True)])
        self._axes = tuple(range(1, self.values.ndim))
        self._weight = place(weights)
        self._twice_weighted_mask = self.mask * place(2 * weights).reshape(-1, *[1] * len(self._axes))
        self._target = None
        if all("target" in arrays for arrays in data):
            target = np.stack([arrays["target"] for arrays in data])
            self._target = place(target)
            self._target_norm = np.linalg.norm(target.reshape(len(runs), -1), axis=1)

        self.state = {}

    full_batch = True
    steps_per_epoch = 1

    def inputs(self, step: int) -> None:
        """Full-batch descent: the end-to-end object needs no input."""

    def loss_gradient(self, end_to_end):
        """Return dL/dW, in the shape of W: (runs, *shape)."""
        self._residual = end_to_end - self.values
        return self._residual * self._twice_weighted_mask

    def losses(self):
        """Return the losses behind the last `loss_gradient`, shape (runs,)."""
        return self._weight * (self._residual * self._residual * self.mask).sum(self._axes)

    def observables(self, model, end_to_end) -> dict[str, np.ndarray]:
        """Return ``relative_error`` = ||W - W*||_F / ||W*||_F over all entries, where W* is known."""
        if self._target is None:
            return {}
        squares = ((end_to_end - self._target) ** 2).sum(self._axes).double().cpu().numpy()
        return {"relative_error": np.sqrt(squares) / self._target_norm}
