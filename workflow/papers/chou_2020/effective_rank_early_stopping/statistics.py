"""Statistics of early stopping: one number per run."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last
from greedyrank.theory import recovery_times


def interval(run: xr.Dataset, rank: int, share: float) -> tuple[float, float]:
    """Return the predicted interval of a rank in steps, `recovery_times.rank_intervals`, from what the run observes."""
    eigenvalues = run.observed_eigenvalue.to_numpy()
    depth, alpha, rate = (run[name].item() for name in ("depth", "layer_alpha", "learning_rate"))
    start, end = recovery_times.rank_intervals(eigenvalues, int(depth), alpha, rate, share)[rank - 1]
    return float(start), float(end)


def _at_best(runs: xr.Dataset) -> xr.Dataset:
    return runs.isel(record=runs.relative_error.argmin("record"))


def rank_at(runs: xr.Dataset, *, when: Literal["smallest", "end"]) -> np.ndarray:
    """Return the effective rank where the error is ``smallest``, or at the ``end``."""
    return (_at_best(runs) if when == "smallest" else last(runs)).nuclear_rank.to_numpy()


def best_over_approximation(runs: xr.Dataset, *, rank: int) -> np.ndarray:
    """Return the smallest error over that of the best approximation of a rank of the noisy matrix."""
    return (_at_best(runs).relative_error / runs.low_rank_error.isel(rank=rank)).to_numpy()


def end_over_best(runs: xr.Dataset) -> np.ndarray:
    """Return the error at the end over the smallest error."""
    return (last(runs).relative_error / _at_best(runs).relative_error).to_numpy()


def interval_over_best(runs: xr.Dataset, *, rank: int, share: float, after: bool = False) -> np.ndarray:
    """Return the largest error in the predicted interval of a rank, or ``after`` it, over the smallest error."""
    found = []
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        start, end = interval(run, rank, share)
        meant = run.step > end if after else (run.step >= start) & (run.step <= end)
        found.append((run.relative_error.where(meant).max() / run.relative_error.min()).item())
    return np.array(found)


def best_against_interval(
    runs: xr.Dataset, *, rank: int, share: float, of: Literal["relative_error", "loss"] = "relative_error"
) -> np.ndarray:
    """Return the step of the smallest error, or ``loss``, over the nearest step of the predicted interval."""
    found = []
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        best = run.step[run[of].argmin("record")].item()
        start, end = interval(run, rank, share)
        found.append(best / np.clip(best, start, end) if start < end else np.nan)
    return np.array(found)
