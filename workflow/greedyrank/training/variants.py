"""The same training in other ways, by autograd, in smaller groups, from initial numbers moved in their last place; and
problems that switch between two tasks.

What a run shows must not depend on these ways. `greedyrank.training.job` trains all runs that have none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from greedyrank.config.sweeps import Run, Slice
from greedyrank.plugins import plugin
from greedyrank.training import job
from greedyrank.training.loop import Training
from greedyrank.training.protocols import Arrays, Stepper
from greedyrank.training.recorder import joined
from greedyrank.training.switched import SwitchedStepper


def nudged(state: Arrays, seed: int) -> Arrays:
    """Return what a stepper goes on from, with every number moved one unit in its last place up or down, but for zeros.

    Parameters
    ----------
    state : dict
        As `Stepper.state` returns it.
    seed : int
        Draws the directions.
    """
    rng = np.random.default_rng([seed, 5])

    def moved(array: np.ndarray) -> np.ndarray:
        if array.dtype.kind != "f":
            return array
        towards = rng.choice([-np.inf, np.inf], array.shape).astype(array.dtype)
        return np.where(array == 0, array, np.nextafter(array, towards))

    return {name: moved(array) for name, array in state.items()}


def _of_engine(slice_: Slice, data: Sequence[Arrays], device: str) -> Stepper:
    if slice_.runs[0]["engine"] == "autograd":
        from greedyrank.training.autograd import AutogradStepper  # imports torch, which takes seconds

        return AutogradStepper(slice_, data, device)
    return job.make_stepper(slice_, data, device)


def make_stepper(slice_: Slice, data: Sequence[Arrays], device: str) -> Stepper:
    """Return the stepper of a group with the engine and the nudge of its first run; parameters as in `job`."""
    run = slice_.runs[0]
    if "deficit_steps" in run:
        tasks = plugin("problems", slice_.problem).Problem.tasks(slice_, data)
        final, deficit = (_of_engine(part, arrays, device) for part, arrays in tasks)
        start = run["deficit_start"]
        stepper: Stepper = SwitchedStepper(final, deficit, start, start + run["deficit_steps"])
    else:
        stepper = _of_engine(slice_, data, device)
    if run["nudge_seed"] is not None:
        stepper.restore(nudged(stepper.state(), run["nudge_seed"]))
    return stepper


def _groups(slice_: Slice) -> Iterator[list[int]]:
    """Yield which runs train together, as indices into the runs, at most ``group_size`` of them."""
    for group in slice_.groups():
        size = slice_.runs[group[0]]["group_size"] or len(group)
        for start in range(0, len(group), size):
            yield group[start : start + size]


def train(
    slice_: Slice,
    load_data: Callable[[Run], Arrays],
    device: str,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 30.0,
) -> Arrays:
    """Train the runs of a slice, one group after the other; parameters and records as in `job.train`.

    Raises
    ------
    Diverged
        If the loss of a run is no longer finite.
    """
    runs, found, order = slice_.runs, [], []
    for number, group in enumerate(_groups(slice_)):
        part = slice_.containing([runs[index] for index in group])
        stepper = make_stepper(part, [load_data(run) for run in part.runs], device)
        path = checkpoint and checkpoint.with_stem(f"{checkpoint.stem}.{number}")
        found.append(Training(part, stepper).run(path, checkpoint_seconds))
        order += group
    back = np.argsort(order)
    return {name: column[back] for name, column in joined(found).items()}
