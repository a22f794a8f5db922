r"""Check a factorization or a problem against its contract, in float64 on a CPU; for whoever writes a new one.

For example, for a slice of a few small runs and the data of each:

    faults = check_model(slice_, data) + check_problem(slice_, data)
    assert not faults, "\n".join(faults)

Pull-backs and gradients are compared with finite differences, not with autograd: an end-to-end object may be written
to memory that the model owns, which autograd cannot follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from greedyrank.config.sweeps import Run, Slice
from greedyrank.training.protocols import Arrays, Axes, Model
from greedyrank.training.stepper import TorchStepper

STEP = 1e-6  # of finite differences, relative to the size of what is varied
DIRECTIONS = 2  # random ones, of each parameter and run


def in_precision(slice_: Slice, dtype: str) -> Slice:
    """Return the same runs in another precision."""
    return slice_.containing([Run({**run, "dtype": dtype}) for run in slice_.runs])


def _in_float64(slice_: Slice, data: Sequence[Arrays]) -> TorchStepper:
    return TorchStepper(in_precision(slice_, "float64"), data, "cpu")


def _shown(shape: Sequence[int]) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"


def _differ(ours: float, expected: float, largest: float, tolerance: float) -> bool:
    """Tell whether two slopes differ; ``largest`` is the largest slope that any direction of this length can have."""
    return not abs(ours - expected) <= tolerance * max(abs(expected), 1e-3 * largest)


def _masks(model: Model, runs: int) -> Iterator[list[torch.Tensor]]:
    """Yield for each run what is 1 at its own numbers in each parameter, and 0 elsewhere."""
    for run in range(runs):
        yield model.spread(torch.eye(runs, dtype=torch.float64)[run])


def _shape_faults(model: Model, gradients: Sequence[torch.Tensor], runs: int) -> list[str]:
    count = len(model.parameters)
    if len(gradients) != count:
        return [f"pullback returns {len(gradients)} gradients; there are {count} parameters"]
    spread = model.spread(torch.ones(runs, dtype=torch.float64))
    if len(spread) != count:
        return [f"spread returns {len(spread)} tensors; there are {count} parameters"]
    faults = []
    for number, (parameter, gradient, factor) in enumerate(zip(model.parameters, gradients, spread, strict=True)):
        shape = _shown(parameter.shape)
        if gradient.shape != parameter.shape:
            faults.append(f"pullback: gradient {number} has shape {_shown(gradient.shape)}; its parameter has {shape}")
        try:
            fits = torch.broadcast_shapes(factor.shape, parameter.shape) == parameter.shape
        except RuntimeError:
            fits = False
        if not fits:
            faults.append(
                f"spread: shape {_shown(factor.shape)} does not broadcast to that of parameter {number}, {shape}"
            )
        if not parameter.is_contiguous():
            faults.append(f"parameter {number}, shape {shape}, is not contiguous")
    return faults


def _observable_faults(owner: str, found: Mapping[str, torch.Tensor | np.ndarray], axes: Axes, runs: int) -> list[str]:
    faults = []
    for name, array in found.items():
        named = axes.get(name, ())
        if len(array.shape) == 0 or array.shape[0] != runs:
            faults.append(f"{owner}: `{name}` has shape {_shown(array.shape)}; its first axis must be the {runs} runs")
        elif name != "end_to_end" and len(array.shape) != 1 + len(named):
            faults.append(
                f"{owner}: `{name}` has shape {_shown(array.shape)}, but axes names {list(named)} after the runs"
            )
    return faults


@torch.no_grad()
def check_model(slice_: Slice, data: Sequence[Arrays], seed: int = 0, tolerance: float = 1e-6) -> list[str]:
    """Return what is wrong with a factorization, one sentence each; nothing for one that keeps its contract.

    Parameters
    ----------
    slice_ : Slice
        A few small runs, with every setting; better two or more, of different settings.
    data : list of dict
        The data of each run.
    seed : int
        Seed of the directions along which slopes are compared.
    tolerance : float
        Largest relative difference of slopes; 1e-3 for a factorization with kinks, such as those of ReLUs.
    """
    stepper = _in_float64(slice_, data)
    model, problem, runs = stepper.model, stepper.problem, len(slice_.runs)
    generator = torch.Generator().manual_seed(seed)
    inputs = problem.inputs(0)
    end_to_end = model.end_to_end(inputs).clone()
    if not torch.equal(end_to_end, model.end_to_end(inputs)):
        return ["end_to_end returns something else at the second call, at the same parameters"]
    upstream = torch.randn(end_to_end.shape, dtype=torch.float64, generator=generator)
    before = [parameter.clone() for parameter in model.parameters]
    gradients = [gradient.clone() for gradient in model.pullback(upstream.clone())]
    if any(not torch.equal(now, then) for now, then in zip(model.parameters, before, strict=True)):
        return ["end_to_end or pullback changes the parameters; only the optimizer may"]
    faults = _shape_faults(model, gradients, runs)
    if faults:
        return faults
    for run, masks in enumerate(_masks(model, runs)):
        for number, (parameter, mask) in enumerate(zip(model.parameters, masks, strict=True)):
            own = mask.expand_as(parameter)
            size = float((parameter * own).norm() / own.norm()) or 1.0
            for _ in range(DIRECTIONS):
                direction = size * own * torch.randn(parameter.shape, dtype=torch.float64, generator=generator)
                ends = []
                for sign in (1, -1):
                    parameter.copy_(before[number] + sign * STEP * direction)
                    ends.append(model.end_to_end(inputs).clone())
                parameter.copy_(before[number])
                expected = float((upstream * (ends[0] - ends[1])).sum()) / (2 * STEP)
                ours = float((gradients[number] * direction).sum())
                if _differ(ours, expected, float(gradients[number].norm() * direction.norm()), tolerance):
                    faults.append(
                        f"pullback: parameter {number}, shape {_shown(parameter.shape)}, run {run}: the slope along a"
                        f" random direction is {ours:.6g}, finite differences of end_to_end give {expected:.6g}"
                    )
                    break
    if faults:
        return faults
    for growth in (False, True) if problem.full_batch else (False,):
        evaluated = None
        if problem.full_batch:
            evaluated = model.pullback(problem.loss_gradient(model.end_to_end(inputs)))
        owner = f"observables(growth={growth})"
        faults += _observable_faults(owner, model.observables(growth, evaluated), model.axes, runs)
    return faults


@torch.no_grad()
def check_problem(slice_: Slice, data: Sequence[Arrays], seed: int = 0, tolerance: float = 1e-6) -> list[str]:
    """Return what is wrong with a problem, one sentence each; parameters as in `check_model`.

    The gradients of minibatch problems are not compared: their losses accumulate over an epoch.
    """
    stepper = _in_float64(slice_, data)
    problem, runs = stepper.problem, len(slice_.runs)
    generator = torch.Generator().manual_seed(seed)
    end_to_end = stepper.model.end_to_end(problem.inputs(0)).clone()
    given = end_to_end.clone()
    gradient = problem.loss_gradient(given)
    if not torch.equal(given, end_to_end):
        return ["loss_gradient changes the end-to-end object, which is memory of the model"]
    if gradient.shape != end_to_end.shape:
        return [f"loss_gradient has shape {_shown(gradient.shape)}; the object has {_shown(end_to_end.shape)}"]
    losses = problem.losses().clone()
    if losses.shape != (runs,):
        return [f"losses has shape {_shown(losses.shape)}; there are {runs} runs"]
    faults = _observable_faults("observables", problem.observables(stepper.model, given), problem.axes, runs)
    kept = gradient.clone()
    gradient.zero_()  # as a model may do
    if not torch.equal(problem.losses(), losses):
        faults.append("losses reads memory that loss_gradient returned, which the model may change")
    if not problem.full_batch:
        return faults
    size = float(end_to_end.norm()) / end_to_end.numel() ** 0.5 or 1.0
    direction = size * torch.randn(end_to_end.shape, dtype=torch.float64, generator=generator)
    ends = []
    for sign in (1, -1):
        problem.loss_gradient(end_to_end + sign * STEP * direction)
        ends.append(problem.losses().clone())
    for run in range(runs):
        expected = float(ends[0][run] - ends[1][run]) / (2 * STEP)
        ours = float((kept[run] * direction[run]).sum())
        if _differ(ours, expected, float(kept[run].norm() * direction[run].norm()), tolerance):
            faults.append(
                f"loss_gradient: run {run}: the slope along a random direction is {ours:.6g}, finite differences of"
                f" losses give {expected:.6g}"
            )
    return faults
