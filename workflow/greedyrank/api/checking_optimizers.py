"""Tests of an optimiser of one's own, on a few small runs of a deep matrix factorization."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from greedyrank.config.sweeps import Slice
from greedyrank.training.check import in_precision
from greedyrank.training.protocols import Arrays
from greedyrank.training.stepper import TorchStepper

STEPS = 3
# Relative differences: of two ways to the same numbers in float64, and of float32 to float64.
EXACT, SINGLE = 1e-10, 1e-4


def faults(whole: Slice, data: Sequence[Arrays]) -> list[str]:
    """Return what is wrong with the optimiser of a group of runs, one sentence each.

    Parameters
    ----------
    whole : Slice
        The runs, with every setting.
    data : list of dict
        The data of each run.
    """
    return (
        _state_faults(whole, data)
        or _step_faults(whole, data)
        or _batching_faults(whole, data)
        or [
            *_rate_faults(whole, data),
            *_precision_faults(whole, data),
            *_resume_faults(whole, data),
        ]
    )


def _stepper(whole: Slice, data: Sequence[Arrays], dtype: str = "float64") -> TorchStepper:
    return TorchStepper(in_precision(whole, dtype), data, "cpu")


def _state_faults(whole: Slice, data: Sequence[Arrays]) -> list[str]:
    state, count = _stepper(whole, data).optimizer.state, len(whole.runs)
    time = state.get("flow_time")
    if time is None:
        return ["state has no `flow_time`, the sum of the effective learning rates so far"]
    if time.dtype != torch.float64 or tuple(time.shape) != (count,):
        return [f"state: `flow_time` is {time.dtype} of shape {tuple(time.shape)}; allowed: float64 of ({count},)"]
    return []


@torch.no_grad()
def _step_faults(whole: Slice, data: Sequence[Arrays]) -> list[str]:
    """Take one step, and look at what it changed, and what it replaced."""
    stepper = _stepper(whole, data)
    parameters, optimizer = stepper.model.parameters, stepper.optimizer
    gradients = [torch.full_like(parameter, 0.5) for parameter in parameters]
    before, state = [parameter.clone() for parameter in parameters], dict(optimizer.state)
    kept = list(parameters)
    optimizer.step(parameters, gradients)
    found = []
    if any((gradient != 0.5).any() for gradient in gradients):
        found.append("step changes the gradients; it may only read them")
    if any(one is not other for one, other in zip(parameters, kept, strict=True)):
        found.append("step replaces a parameter in the list: change the tensors in place")
    elif all(torch.equal(one, other) for one, other in zip(parameters, before, strict=True)):
        found.append("step moves no parameter, although all gradients are 0.5: change the tensors in place")
    if optimizer.state.keys() != state.keys() or any(optimizer.state[name] is not state[name] for name in state):
        found.append("step replaces a tensor of `state`: change the tensors in place")
    elif not (optimizer.state["flow_time"] > 0).all():
        found.append("state: `flow_time` is not above 0 after a step; a step adds its effective learning rate")
    return found


def _parameters(stepper: TorchStepper, factors: Sequence[float] | None = None) -> list[np.ndarray]:
    """Return the parameters after some steps, at learning rates that were multiplied."""
    if factors is not None:
        stepper.set_rate_factors(np.array(factors))
    stepper.advance(STEPS)
    return [parameter.numpy().copy() for parameter in stepper.model.parameters]


def _rate_faults(whole: Slice, data: Sequence[Arrays]) -> list[str]:
    """Check that factors of learning rates hold a run, touch no other run, and do not accumulate."""
    count = len(whole.runs)
    start = [parameter.numpy().copy() for parameter in _stepper(whole, data).model.parameters]
    usual, held = _parameters(_stepper(whole, data)), _parameters(_stepper(whole, data), [0.0] + [1.0] * (count - 1))
    if any(not np.array_equal(one[0], other[0]) for one, other in zip(held, start, strict=True)):
        return ["set_rate_factors: a run whose factor is 0 moves; it must be held exactly"]
    if any(not np.array_equal(one[1:], other[1:]) for one, other in zip(held, usual, strict=True)):
        return ["set_rate_factors: the factor of one run changes the steps of another"]
    again = _stepper(whole, data)
    again.set_rate_factors(np.full(count, 0.5))
    if any(not np.array_equal(*pair) for pair in zip(_parameters(again, [1.0] * count), usual, strict=True)):
        return ["set_rate_factors: factors accumulate; each call replaces the factors of the one before"]
    return []


def _off(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    """Return the largest difference of two lists of parameters, relative to the largest entry of each."""
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(found, expected, strict=True))


def _batching_faults(whole: Slice, data: Sequence[Arrays]) -> list[str]:
    """Compare each run in the group with the same run alone."""
    together = _parameters(_stepper(whole, data))
    for number, run in enumerate(whole.runs):
        part = slice(number, number + 1)
        alone = _parameters(_stepper(whole.containing([run]), data[part]))
        if not (off := _off([parameter[part] for parameter in together], alone)) <= EXACT:
            return [
                f"the parameters of run {number} in a group are off those of the run alone by {off:.2g} of the largest:"
                " each run has numbers of its own"
            ]
    return []


def _precision_faults(whole: Slice, data: Sequence[Arrays]) -> list[str]:
    single, double = (_parameters(_stepper(whole, data, dtype)) for dtype in ("float32", "float64"))
    if not (off := _off(single, double)) <= SINGLE:
        return [f"steps in float32 are off those in float64 by {off:.2g}"]
    return []


def _resume_faults(whole: Slice, data: Sequence[Arrays]) -> list[str]:
    """Check that steps after a resume are those without one, bit for bit."""
    straight, resumed = _stepper(whole, data), _stepper(whole, data)
    straight.advance(STEPS)
    resumed.restore(straight.state())
    if any(not np.array_equal(*pair) for pair in zip(_parameters(straight), _parameters(resumed), strict=True)):
        return ["after a resume the steps are others: keep in `state` all tensors that the next step depends on"]
    return []
