"""The same short training on two devices: what should be equal, how much it differs, and from which step on.

Invariants are compared: losses, errors, norms, singular values. Differences in rounding between two correct
computations grow while training leaves a saddle, so that the two must part in the end; a device that computes
something else parts at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from greedyrank.config.sweeps import Run, Slice, choices, narrow
from greedyrank.training import variants
from greedyrank.training.loop import Training
from greedyrank.training.protocols import Arrays

if TYPE_CHECKING:
    from greedyrank.config.sweep_loader import ResolvedSweep  # needs pydantic; comparing given slices does not

RUNS = 4  # of a job, evenly spread over its runs
RECORDS = 20


def of_sweep(sweep: ResolvedSweep, steps: int) -> Slice:
    """Return a short slice of a sweep: of its job of most runs, the last among equals."""
    jobs = [narrow(sweep.whole, choice) for choice in choices(sweep.whole, sweep.job_per)]
    return shortened(max(reversed(jobs), key=lambda job: len(job.runs)), steps)


def shortened(slice_: Slice, steps: int) -> Slice:
    """Return the slice of a few of a job's runs, ``steps`` long and recorded all along."""
    runs = slice_.runs
    schedule = {
        "stop": {"loss": 0.0, "checks": 0, "every": steps, "max_steps": steps, "max_epochs": None},
        "record": {
            "every": max(1, steps // RECORDS),
            "every_epochs": None,
            "loss_per_decade": None,
            "end_to_end": "shape" in runs[0],
        },
        "growth": None,
        "finish": None,
    }
    return slice_.containing([Run({**run, **schedule}) for run in runs[:: -(-len(runs) // RUNS)]])


def _singular_values(tensors: np.ndarray) -> np.ndarray:
    """Return the singular values of (runs, records, *shape), of tensors between the halves of their modes."""
    shape = tensors.shape[2:]
    rows = int(np.prod(shape[: (len(shape) + 1) // 2]))
    return np.linalg.svd(tensors.reshape(*tensors.shape[:2], rows, -1).astype(np.float64), compute_uv=False)


def invariants(records: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what the devices should agree on, each (runs, records, ...), given what training returned."""
    found = {name: column for name, column in records.items() if name not in ("step", "stop_step", "end_to_end")}
    if "end_to_end" in records:
        found["singular_values"] = _singular_values(records["end_to_end"])
        found["norm"] = np.sqrt((found["singular_values"] ** 2).sum(-1))
    return found


def differences(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return the largest difference at each record, relative to the run's largest entry there.

    Parameters
    ----------
    ours, theirs : ndarray
        One invariant on each device, (runs, records, ...); NaN where there is nothing, on both.

    Returns
    -------
    ndarray
        Shape (records,): the largest of all runs; infinite where only one device has a number.
    """
    ours, theirs = (array.astype(np.float64).reshape(*array.shape[:2], -1) for array in (ours, theirs))
    size = np.nan_to_num(np.abs(theirs)).max(-1)
    apart = np.where(np.isnan(ours) & np.isnan(theirs), 0.0, np.abs(ours - theirs))
    apart = np.nan_to_num(apart, nan=np.inf).max(-1)
    return np.divide(apart, size, out=apart, where=size > 0).max(0)


def tolerance(dtype: str) -> float:
    """Return the relative difference above which two devices have parted: half the digits of the precision."""
    return float(np.sqrt(np.finfo(dtype).eps))


def compare(slice_: Slice, load_data: Callable[[Run], Arrays], devices: Sequence[str]) -> dict[str, dict]:
    """Train a slice on two devices and compare all invariants at every record.

    Parameters
    ----------
    slice_ : Slice
        What `shortened` returned.
    load_data : callable
        Gives the data of a run.
    devices : tuple of str
        ``cpu`` or ``cuda``, the second being the reference.

    Returns
    -------
    dict
        For each invariant ``largest``, the largest relative difference; ``at``, its step; ``parts``, the
        first step recorded at which the difference is above the `tolerance`, or None.
    """
    runs = slice_.runs
    data = [load_data(run) for run in runs]
    records = [Training(slice_, variants.make_stepper(slice_, data, device)).run() for device in devices]
    steps = records[1]["step"][0].tolist()
    ours, theirs = map(invariants, records)
    allowed = tolerance(runs[0]["dtype"])
    rows = {}
    for name, column in theirs.items():
        found = differences(ours[name], column)
        parts = np.flatnonzero(found > allowed)
        rows[name] = {
            "largest": float(found.max()),
            "at": steps[found.argmax()],
            "parts": steps[parts[0]] if len(parts) else None,
        }
    return rows
