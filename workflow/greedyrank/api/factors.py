"""The parameters of each run at the end of its training, whichever stepper trained it.

They are read off what a stepper would save in a checkpoint: steppers need no method for it, which would be part of
every training job.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from greedyrank.config.sweeps import Run
from greedyrank.training.protocols import Arrays, Stepper
from greedyrank.training.switched import SwitchedStepper


def of_runs(stepper: Stepper, runs: Sequence[Run]) -> list[list[np.ndarray]]:
    """Return the parameters of each run of a group, in the order in which its factorization draws them.

    Parameters
    ----------
    stepper : Stepper
        The group, at the end of its training.
    runs : list of Run
        The settings of each run.
    """
    if isinstance(stepper, SwitchedStepper):
        stepper = stepper.current
    state = stepper.state()
    if "rest" in state:  # greedyrank.kernels.deep_matrices
        return [[first, *rest] for first, rest in zip(state["first"], state["rest"], strict=True)]
    if "factors" in state:  # greedyrank.kernels.image_steps
        return _of_columns(state["factors"], [run["tensor_rank"] for run in runs])
    return _of_tensors(stepper, state, len(runs))


def _of_columns(blocks: np.ndarray, ranks: list[int]) -> list[list[np.ndarray]]:
    """Return F_0 and F_1 of each run, (pixels, rank), whose columns stand one run after the other in blocks.

    ``blocks`` is (2, blocks, pixels, lanes); what is left of the last block belongs to no run.
    """
    columns = np.moveaxis(blocks, 1, 2).reshape(2, blocks.shape[2], -1)
    ends = itertools.accumulate(ranks)
    return [list(columns[:, :, end - rank : end]) for rank, end in zip(ranks, ends, strict=True)]


def _of_tensors(stepper: Stepper, state: Arrays, count: int) -> list[list[np.ndarray]]:
    """Return the parameters of a torch stepper: each run has a place on their first axis, or columns of its own."""
    import torch

    from greedyrank.training.stepper import TorchStepper

    assert isinstance(stepper, TorchStepper)
    numbers = torch.arange(count, device=stepper.model.parameters[0].device)
    owners = [owner.cpu().numpy() for owner in stepper.model.spread(numbers)]
    parameters = [state[f"parameter{number}"] for number in range(len(owners))]
    return [
        [
            parameter[run] if owner.ndim == parameter.ndim else parameter[..., owner == run]
            for parameter, owner in zip(parameters, owners, strict=True)
        ]
        for run in range(count)
    ]
