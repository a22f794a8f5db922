"""Matrix and tensor completion: a target of which some entries are observed.

Arora et al. 2019 (gen_gt.py, gen_obs.py), Razin & Cohen 2020, Razin, Maman & Cohen 2021
(tensor_sensing_data_generator.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from greedyrank.config.sweeps import Run
from greedyrank.data import target_files, targets
from greedyrank.kernels import residual_loss
from greedyrank.training.base import FullBatchProblem
from greedyrank.training.protocols import Arrays, Place

if TYPE_CHECKING:  # a compiled job imports this module, and never imports torch
    import torch


def generate(settings: Mapping[str, Any], data_dir: str | Path | None = None) -> Arrays:
    """Draw the data of one data seed, or take the entries that the settings list.

    Returns
    -------
    dict
        ``entries``: flat row-major indices. Drawn: all entries in random order (with
        ``replacement``: as many independent draws), of which a run sees the first
        ``observations``, so that larger sets contain smaller ones, as in the authors' code.
        ``values``: the entries' values, noise included, float64. ``target``: the whole tensor,
        without noise, only where it was drawn.
    """
    shape = settings["shape"]
    if settings["observed"] is not None:
        rows = np.array(settings["observed"], dtype=np.float64)
        index = tuple(rows[:, :-1].astype(np.int64).T)
        return {"entries": np.ravel_multi_index(index, shape), "values": rows[:, -1]}
    rng = np.random.default_rng([settings["data_seed"], 0])
    return _drawn(settings, targets.draw(settings, rng), rng)


def _drawn(settings: Mapping[str, Any], target: np.ndarray, rng: np.random.Generator) -> Arrays:
    """Draw which entries of a target are seen, and the noise."""
    size = target.size
    entries = rng.integers(0, size, size) if settings["replacement"] else rng.permutation(size)
    noisy = target
    if settings["noise_std"]:
        noisy = target + targets.noise(settings["shape"], settings, rng)
    return {"entries": entries, "values": noisy.ravel()[entries], "target": target}


def given(settings: Mapping[str, Any], found: target_files.Given) -> Arrays:
    """Return the data of a target of one's own, as `generate` does of a drawn one.

    Which entries are seen is drawn by the data seed, unless the target comes with a list of them or with their order.

    Raises
    ------
    BadTarget
        If the settings say of the target what it is not, or ask for what a list of entries cannot give.
    """
    entries = found.entries if isinstance(found, target_files.Listed) else found.order
    if entries is not None and (asked := [name for name in ("replacement", "noise_std") if settings[name]]):
        raise target_files.BadTarget(f"{found.source} says which entries are seen: no `{asked[0]}`")
    if isinstance(found, target_files.Listed) and settings["target_rank"] is settings["target_norm"] is None:
        return {"entries": found.entries, "values": found.values}
    target = target_files.check_statements(found, settings)
    if entries is None:
        return _drawn(settings, target, np.random.default_rng([settings["data_seed"], 0]))
    return {"entries": entries, "values": target.ravel()[entries], "target": target}


def check_seen(run: Mapping[str, Any], data: Arrays, source: str) -> None:
    """Check that the data have as many entries as a run sees.

    Raises
    ------
    BadTarget
        If they have fewer, naming both numbers.
    """
    asked, there = seen(run).stop, len(data["entries"])
    if asked is not None and asked > there:
        raise target_files.BadTarget(f"{source} lists {there} entries; the sweep asks for {asked}")


def seen(run: Mapping[str, Any]) -> slice:
    """Return which of the drawn entries a run sees: the first so many, or all that the settings list."""
    if run.get("observed_fraction") is None:
        return slice(run["observations"])
    size = math.prod(run["shape"])
    # The fraction as it is written: in binary, 1 - 0.9 of 10 entries is less than one.
    return slice(size - math.floor((1 - Fraction(str(run["observed_fraction"]))) * size))


def observed(run: Mapping[str, Any], data: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Return the values at the observed entries (zero elsewhere) and how often each is seen, in full shape.

    Each entry counts 0 or 1 times, unless entries were drawn with replacement.
    """
    part = seen(run)
    values = np.zeros(math.prod(run["shape"]))
    values[data["entries"][part]] = data["values"][part]
    counts = np.bincount(data["entries"][part], minlength=values.size).astype(np.float64)
    return values.reshape(run["shape"]), counts.reshape(run["shape"])


def measurements(run: Mapping[str, Any], data: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the distinct entries seen, and their values."""
    entries, first = np.unique(data["entries"][seen(run)], return_index=True)
    return entries, data["values"][first]


def context(run: Mapping[str, Any], data: Arrays) -> Arrays:
    """Return what measures need to know of the problem, in full shape."""
    values, counts = observed(run, data)
    known = {"target": data["target"]} if "target" in data else {}
    return {"observed_values": values, "observed_mask": counts, **known}


def loss_weight(run: Mapping[str, Any], data: Arrays) -> float:
    """Return c of the loss c * sum of squared residuals over the observed entries."""
    return residual_loss.weight(run, len(data["entries"][seen(run)]))


class Problem(FullBatchProblem):
    """The loss of all runs of a group on their end-to-end objects.

    Parameters
    ----------
    runs : list of Run
        Settings of each run.
    data : list of dict
        What `generate` returned for each run.
    place : callable
        Puts a numpy array on the training device, in the training precision or, with ``exact=True``, in its own.
    """

    def __init__(self, runs: Sequence[Run], data: Sequence[Arrays], place: Place):
        self._data = data
        pairs = [observed(run, arrays) for run, arrays in zip(runs, data, strict=True)]
        self.values = place(np.stack([values for values, _ in pairs]))
        self.counts = place(np.stack([counts for _, counts in pairs]))
        numbers = [int(counts.sum()) for _, counts in pairs]
        self._loss = residual_loss.ResidualLoss(runs, numbers, place, self.values.ndim - 1)
        self._slope_weights = self.counts * self._loss.slope_weight
        self.state = {}

    def loss_gradient(self, end_to_end: torch.Tensor) -> torch.Tensor:
        """Return dL/dW, in the shape of W: (runs, *shape)."""
        self._residual = end_to_end - self.values
        return self._loss.slopes(self._residual, self._slope_weights)

    def losses(self) -> torch.Tensor:
        """Return the losses behind the last `loss_gradient`, shape (runs,)."""
        return self._loss.losses(self._residual, self.counts)

    def observables(self, model: Any, end_to_end: torch.Tensor) -> Arrays:
        """Return ``relative_error``, where the target is known."""
        return targets.relative_errors(end_to_end.cpu().numpy(), self._data)
