"""One training job: its groups of runs, one after the other, in halves where the memory of a GPU is too small."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from greedyrank.config.sweeps import Run, Slice
from greedyrank.errors import UserError
from greedyrank.plugins import plugin
from greedyrank.training.loop import Training
from greedyrank.training.protocols import Arrays, Stepper
from greedyrank.training.recorder import joined

logger = logging.getLogger(__name__)


class DoesNotFit(UserError):
    """One run is too large for the memory of the GPU."""


def make_stepper(slice_: Slice, data: Sequence[Arrays], device: str) -> Stepper:
    """Return the fastest stepper there is for a group on a device, at step 0.

    Parameters
    ----------
    slice_ : Slice
        The runs of the group, with every setting.
    data : list of dict
        The data of each run.
    device : {"cpu", "cuda"}
        Where to train.
    """
    compiled = plugin("factorizations", slice_.factorization).Model.compiled(slice_, data, device)
    if compiled is not None:
        return compiled
    from greedyrank.training.stepper import TorchStepper  # imports torch, which takes seconds

    return TorchStepper(slice_, data, device)


def _out_of_memory() -> tuple[type[Exception], ...]:
    """Return what a full GPU raises; nothing if torch was not imported, so that nothing trains on a GPU."""
    return (sys.modules["torch"].OutOfMemoryError,) if "torch" in sys.modules else ()


def _train_group(
    slice_: Slice, data: Sequence[Arrays], device: str, checkpoint: Path | None, checkpoint_seconds: float
) -> Arrays:
    """Train one group, or halves of it where it does not fit into the memory of the GPU."""
    try:
        return Training(slice_, make_stepper(slice_, data, device)).run(checkpoint, checkpoint_seconds)
    except _out_of_memory() as error:
        message = ". ".join(str(error).split(". ")[:3])  # how much was asked for, and how much there is
    # Outside of the handler: the traceback holds the arrays of the group that failed.
    count = len(slice_.runs)
    half = count // 2
    if not half:
        raise DoesNotFit(
            f"one run alone does not fit into the memory of the GPU: {message.rstrip('.')}; set `device: cpu`, or make"
            f" the run's {slice_.problem} or {slice_.factorization} smaller"
        )
    logger.warning("out of memory on the GPU: %d runs train as %d and then %d", count, half, count - half)
    halves = {"first": list(range(half)), "second": list(range(half, count))}
    return _train_groups(slice_, halves, data, device, checkpoint, checkpoint_seconds)


def _train_groups(
    slice_: Slice,
    groups: dict[str, list[int]],
    data: Sequence[Arrays],
    device: str,
    checkpoint: Path | None,
    checkpoint_seconds: float,
) -> Arrays:
    """Train named groups of a slice's runs, one after the other; return the records of all, in the slice's order."""
    found = []
    for name, indices in groups.items():
        gc.collect()  # a stepper and its captured step refer to each other
        if device == "cuda":
            sys.modules["torch"].cuda.empty_cache()
        path = checkpoint and checkpoint.with_stem(f"{checkpoint.stem}.{name}")
        group = slice_.containing([slice_.runs[index] for index in indices])
        found.append(_train_group(group, [data[index] for index in indices], device, path, checkpoint_seconds))
    order = np.argsort(np.concatenate(list(groups.values())))
    return {name: column[order] for name, column in joined(found).items()}


def train(
    slice_: Slice,
    load_data: Callable[[Run], Arrays],
    device: str,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 30.0,
) -> Arrays:
    """Train the runs of a slice.

    Runs that differ in a setting which the slice keeps ``apart`` are groups of their own, trained one after the other.
    A group that does not fit into the memory of a GPU is trained in halves, and these again if need be. The records
    are those of one group of all runs. Each group and each half has a checkpoint of its own, from which a later
    process goes on.

    Parameters
    ----------
    slice_ : Slice
        The runs, with every setting.
    load_data : callable
        Gives the data of a run.
    device : {"cpu", "cuda"}
        Where to train.
    checkpoint : Path, optional
        Where checkpoints are kept, see `Training.run`; `remove_checkpoints` removes them.
    checkpoint_seconds : float
        Time from one checkpoint to the next.

    Returns
    -------
    dict
        As `greedyrank.training.loop.Training.run`.

    Raises
    ------
    Diverged
        If the loss of a run is no longer finite.
    DoesNotFit
        If one run alone does not fit into the memory of the GPU.
    """
    data = [load_data(run) for run in slice_.runs]
    groups = slice_.groups()
    if len(groups) == 1:
        return _train_group(slice_, data, device, checkpoint, checkpoint_seconds)
    logger.info("%d groups, which differ in %s", len(groups), ", ".join(slice_.apart))
    named = {str(number): group for number, group in enumerate(groups)}
    return _train_groups(slice_, named, data, device, checkpoint, checkpoint_seconds)


def remove_checkpoints(checkpoint: Path) -> None:
    """Remove a job's checkpoints: of its groups and halves, and what damage and killed processes left of them."""
    for path in checkpoint.parent.glob(f"*{checkpoint.stem}.*"):
        path.unlink(missing_ok=True)
