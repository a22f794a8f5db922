"""Tests of plug-ins of one's own, on a few small runs: here of a factorization."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from greedyrank.api import checking_measures, checking_optimizers
from greedyrank.api.experiment import experiment
from greedyrank.api.measuring import Measure, check_names
from greedyrank.api.train import train
from greedyrank.config.settings.base import FactorizationSettings, OptimizerSettings, ProblemSettings, Settings
from greedyrank.config.settings.factorizations import CP, DeepMatrix
from greedyrank.config.settings.optimizers import GD
from greedyrank.config.settings.problems import Completion
from greedyrank.config.settings.training import Record, Stop
from greedyrank.config.sweeps import Slice
from greedyrank.errors import UserError
from greedyrank.plugins import plugin
from greedyrank.training.check import check_model, in_precision
from greedyrank.training.own_model import AutogradModel
from greedyrank.training.protocols import Arrays, Model
from greedyrank.training.stepper import TorchStepper

SEEDS = range(3)
STEPS = 3
RATE = 0.01
ALLOWED = "settings of a factorization or of an optimiser, their class, or a measure: a function or a name"
# Relative differences: of two ways to the same numbers in float64, and of float32 to float64.
EXACT, SINGLE = 1e-10, 1e-4


def check(
    plug_in: FactorizationSettings
    | OptimizerSettings
    | Measure
    | type[FactorizationSettings]
    | type[OptimizerSettings],
    problem: ProblemSettings | None = None,
) -> list[str]:
    """Return what is wrong with a plug-in of one's own, one sentence each; an empty list for one that is right.

    Three small runs are looked at. Of a factorization, the pull-back is compared with autograd, where it has a
    `product`, and with finite differences; a run in a group with the same run alone; float32 with float64; steps after
    a resume with steps without one. Of an optimiser, what a step may change, and learning rates that are multiplied,
    beside the last three. Of a measure, what it returns of runs that end at different steps, together and alone.

    Parameters
    ----------
    plug_in : settings, function or str
        The settings of a factorization or of an optimiser, or their class if all settings have defaults, apart from
        the learning rate; or a measure: a function, or a name.
    problem : settings, optional
        What it is tried on; by default the completion of a small matrix. Give one for tensors, or for square matrices.

    Raises
    ------
    UserError
        If the settings are wrong, or do not go with the problem.

    Examples
    --------
    >>> import greedyrank as gr
    >>> gr.check(gr.CP(components=3, factor_std=0.3))
    []
    >>> gr.check(gr.Adam)
    []
    """
    problem = problem or Completion(shape=[4, 3], target_rank=1, target_norm=4.0, observations=8, loss="mean")
    made = _settings(plug_in) if isinstance(plug_in, type) else plug_in
    try:
        if isinstance(made, OptimizerSettings):
            return checking_optimizers.faults(*_runs(problem, _any_factorization(problem), made))
        if isinstance(made, str) or callable(made):
            check_names([made])
            return checking_measures.faults(made, _recorded(problem))
        if not isinstance(made, FactorizationSettings):
            raise UserError(f"plug_in is {made!r}; allowed: {ALLOWED}")
        return _faults(*_runs(problem, made, GD(learning_rate=RATE)), problem.tensor_shape())
    except UserError:
        raise
    except (TypeError, ValueError, RuntimeError, NotImplementedError, KeyError, IndexError, AttributeError) as error:
        # What torch, numpy or Python say of code that does not run at all; its own frames are the last outside theirs.
        frames = [part for part in traceback.extract_tb(error.__traceback__) if "site-packages" not in part.filename]
        return [f"{frames[-1].name}, line {frames[-1].lineno}: {type(error).__name__}: {error}"]


def _settings(kind: type) -> Settings:
    """Return the settings of a class at their defaults; a learning rate has none."""
    if issubclass(kind, OptimizerSettings):
        return kind(learning_rate=RATE)
    if issubclass(kind, FactorizationSettings):
        return kind()
    raise UserError(f"plug_in is the class {kind.__name__}; allowed: {ALLOWED}")


def _any_factorization(problem: ProblemSettings) -> FactorizationSettings:
    """Return a factorization that represents what a problem looks for."""
    if len(problem.tensor_shape()) == 2:
        return DeepMatrix(depth=2, product_std=0.1)
    return CP(components=3, factor_std=0.3)


def _runs(
    problem: ProblemSettings, factorization: FactorizationSettings, optimizer: OptimizerSettings
) -> tuple[Slice, list[Arrays]]:
    """Return a few runs of different seeds, and the data of each."""
    whole = experiment(
        problem,
        factorization,
        optimizer,
        seeds=SEEDS,
        dtype="float64",
        stop=Stop(max_steps=2 * STEPS),
        record=Record(every=1),
    ).whole
    return whole, [plugin("problems", whole.problem).generate(run) for run in whole.runs]


def _recorded(problem: ProblemSettings) -> xr.Dataset:
    """Return what is recorded of a few runs, which end at different steps because of their learning rates."""
    seen = []

    def keep(runs: xr.Dataset) -> xr.Dataset:
        seen.append(runs)
        return xr.Dataset({"kept": runs.loss})

    train(
        problem,
        _any_factorization(problem),
        GD(learning_rate=RATE),
        axes={"learning_rate": [0.05, 0.1, 0.2]},
        dtype="float64",
        stop=Stop(loss=1e-2, max_steps=2000),
        record=Record(every=50, end_to_end=True),
        measure=keep,
        progress=False,
    )
    return seen[-1]


def _stepper(whole: Slice, data: Sequence[Arrays], dtype: str = "float64") -> TorchStepper:
    return TorchStepper(in_precision(whole, dtype), data, "cpu")


def _relative(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Return the largest difference, relative to the largest entry of the second."""
    difference = float((ours.double() - theirs.double()).abs().max())
    return difference / (float(theirs.double().abs().max()) or 1.0)


def _evaluated(stepper: TorchStepper, upstream: torch.Tensor) -> list[torch.Tensor]:
    """Return copies of the end-to-end objects and of the gradients of the parameters."""
    model = stepper.model
    dtype = model.parameters[0].dtype
    found = [model.end_to_end(stepper.problem.inputs(0)).clone()]
    return found + [gradient.clone() for gradient in model.pullback(upstream.to(dtype).clone())]


@torch.no_grad()
def _faults(whole: Slice, data: Sequence[Arrays], shape: list[int]) -> list[str]:
    model, again = _stepper(whole, data).model, _stepper(whole, data).model
    if any(not torch.equal(one, other) for one, other in zip(model.parameters, again.parameters, strict=True)):
        return ["the initial parameters differ from one construction to the next: draw them from run['seed'] alone"]
    expected = (len(whole.runs), *shape)
    if (found := tuple(model.end_to_end(None).shape)) != expected:
        return [f"end_to_end has shape {found}; the problem looks for {expected}, the runs first"]
    upstream = torch.from_numpy(np.random.default_rng(0).standard_normal(expected))
    if faults := _autograd_faults(model, upstream) or check_model(whole, data):
        return faults
    return [
        *_batching_faults(whole, data, upstream),
        *_precision_faults(whole, data, upstream),
        *_resume_faults(whole, data),
    ]


def _autograd_faults(model: Model, upstream: torch.Tensor) -> list[str]:
    """Compare a closed-form pull-back with autograd, where the factorization has a product to differentiate."""
    if not isinstance(model, AutogradModel):
        return []
    model.end_to_end()
    theirs = model.gradients(upstream, allow_unused=True)
    if unused := [str(number) for number, gradient in enumerate(theirs) if gradient is None]:
        return [f"product does not depend on parameter {' and '.join(unused)}"]
    ours = [gradient.clone() for gradient in model.pullback(upstream.clone())]
    if len(ours) != len(theirs):
        return [f"pullback returns {len(ours)} gradients; there are {len(theirs)} parameters"]
    faults = []
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        shape, expected = tuple(one.shape), tuple(other.shape)
        if shape != expected:
            faults.append(f"pullback: gradient {number} has shape {shape}; its parameter has {expected}")
        elif not (difference := _relative(one, other)) <= EXACT:
            off = f"{difference:.2g} of its largest entry"
            faults.append(f"pullback: gradient {number}, shape {shape}, is off autograd's by {off}")
    return faults


def _batching_faults(whole: Slice, data: Sequence[Arrays], upstream: torch.Tensor) -> list[str]:
    """Compare each run in the group with the same run alone."""
    together = _evaluated(_stepper(whole, data), upstream)
    for number, run in enumerate(whole.runs):
        part = slice(number, number + 1)
        alone = _evaluated(_stepper(whole.containing([run]), data[part]), upstream[part])
        for name, one, other in zip(_names(alone), together, alone, strict=True):
            if not (difference := _relative(one[part], other)) <= EXACT:
                return [
                    f"{name} of run {number} in a group is off that of the run alone by {difference:.2g} of its largest"
                    " entry: each run has its own parameters, at its place on the first axis"
                ]
    return []


def _precision_faults(whole: Slice, data: Sequence[Arrays], upstream: torch.Tensor) -> list[str]:
    """Check that everything has the training precision, and that float32 agrees with float64."""
    single, double = (_evaluated(_stepper(whole, data, dtype), upstream) for dtype in ("float32", "float64"))
    for name, one, other in zip(_names(single), single, double, strict=True):
        if one.dtype != torch.float32:
            return [f"{name} is {one.dtype} in a training in float32: make tensors like the parameters"]
        if not (difference := _relative(one, other)) <= SINGLE:
            return [f"{name} in float32 is off float64 by {difference:.2g}"]
    return []


def _resume_faults(whole: Slice, data: Sequence[Arrays]) -> list[str]:
    """Check that steps after a resume are those without one, bit for bit."""
    straight, resumed = _stepper(whole, data), _stepper(whole, data)
    straight.advance(STEPS)
    resumed.restore(straight.state())
    for stepper in (straight, resumed):
        stepper.advance(STEPS)
    expected, found = straight.state(), resumed.state()
    wrong = [name for name, array in expected.items() if not np.array_equal(array, found[name])]
    return [f"after a resume `{name}` is another one: keep in `parameters` all that a step changes" for name in wrong]


def _names(evaluated: list[torch.Tensor]) -> list[str]:
    return ["end_to_end", *(f"gradient {number}" for number in range(len(evaluated) - 1))]
