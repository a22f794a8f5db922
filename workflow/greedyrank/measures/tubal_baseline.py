"""Linear estimates of the target of tubal runs, and how far the runs are from them (Karnik et al. 2025, Fig. 2)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.theory import tubal

AXES = ("mode_0", "mode_1", "mode_2")


def _powered(projected: np.ndarray, rate: float, steps: np.ndarray) -> np.ndarray:
    """Return the pages of (I + 2 rate P)^steps, (records, pages, n, n), for P = P^T with the given pages."""
    values, vectors = np.linalg.eigh(projected)
    grown = (1 + 2 * rate * values) ** steps[:, None, None]
    return (vectors * grown[:, :, None]) @ tubal.adjoint(vectors)


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return errors and angles, sines of the largest principal angle between leading tubal column spaces.

    ``least_norm_error`` (run,): the relative distance of the baseline of least norm to the target. (run, record), with
    spaces as large as the tubal rank of the target: ``target_angle``, from the target; ``projection_angle``, from the
    back-projection; ``power_angle``, from the back-projection to what the power iteration makes of X(0), which
    gradient descent is as long as X is small: U <- (I + 2 learning_rate P) * U with the back-projection P.
    """
    target, least, projection = (
        runs[name].transpose("run", *AXES).to_numpy()
        for name in ("target", "baseline_least_norm", "baseline_back_projection")
    )
    tensors = runs.end_to_end.transpose("run", "record", *AXES).to_numpy().astype(np.float64)
    steps = runs.step.to_numpy()
    found = {name: np.full(steps.shape, np.nan) for name in ("target_angle", "projection_angle", "power_angle")}
    for run in range(len(steps)):
        there = np.flatnonzero(steps[run] >= 0)
        pages = tubal.pages(tensors[run, there])
        grown = _powered(tubal.pages(projection[run]), float(runs.learning_rate[run]), steps[run, there])
        powered = grown @ pages[0] @ tubal.adjoint(grown)
        rank = int(runs.target_tubal_rank[run])
        aimed, projected = (tubal.basis(tubal.pages(part[run]), rank) for part in (target, projection))
        learned = tubal.basis(pages, rank)
        found["target_angle"][run, there] = tubal.sine(learned, aimed)
        found["projection_angle"][run, there] = tubal.sine(learned, projected)
        found["power_angle"][run, there] = tubal.sine(tubal.basis(powered, rank), projected)
    errors = np.sqrt(((least - target) ** 2).sum((1, 2, 3)) / (target**2).sum((1, 2, 3)))
    angles = {name: (("run", "record"), values) for name, values in found.items()}
    return xr.Dataset({"least_norm_error": ("run", errors), **angles})
