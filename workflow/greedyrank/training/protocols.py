"""The contracts of what trains: problems, factorizations, optimizers, and the steppers that advance them.

A *group* is a list of runs that advance together: every array has an axis of its runs. One step of a group is

    end_to_end = model.end_to_end(problem.inputs(step))
    gradients = model.pullback(problem.loss_gradient(end_to_end))
    optimizer.step(model.parameters, gradients)

`greedyrank.training.base` has the defaults of what a problem or a factorization can do;
`greedyrank.training.check` checks a factorization against these contracts.

All tensors are on one device. They have the training precision, ``dtype`` of the runs (float32 or float64), unless
stated otherwise. On a GPU the step of a full-batch problem is captured once and replayed (see
`greedyrank.training.cuda_graph`). Therefore `loss_gradient`, `end_to_end`, `pullback` and `step` must not wait for the
device, must not replace a tensor that the next step reads, and must not depend on a Python number that changes from
step to step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from greedyrank.config.sweeps import Run, Slice
from greedyrank.kernels.placing import Place

if TYPE_CHECKING:  # a compiled job never imports torch
    import torch

Arrays = dict[str, np.ndarray]  # the data of a run, as the problem's `generate` returned them
Axes = Mapping[str, tuple[str, ...]]


class Place64(Protocol):
    """Put an array on the training device in float64, whatever the training precision."""

    def __call__(self, array: np.ndarray) -> torch.Tensor:
        """Return a float64 tensor, which may share the array's memory."""


class Problem(Protocol):
    """The loss of all runs of a group, as a function of their end-to-end objects: ``problems.<name>.Problem``.

    The end-to-end object of a full-batch problem is the matrix or tensor W, shape (runs, *shape). That of a minibatch
    problem is what the model predicts for the images of the step, such as (images, runs).

    The module of a problem also has ``generate(settings, data_dir)``, which returns the arrays of one instance, and
    ``context(run, arrays)``, which returns what measures need to know of the problem (empty for nothing). One with the
    setting ``target_file`` has ``given(settings, found)``: as ``generate``, of what was read; and one with
    ``observations`` too ``check_seen(run, arrays, source)``, which refuses more than there are.

    One with the setting ``deficit_steps`` is two problems, and never set up itself: its static method
    ``tasks(slice_, data)`` returns the final task and that of a deficit, each as a group of another problem and its
    data; see `greedyrank.training.switched`.

    Attributes
    ----------
    axes : mapping
        The axes of each array that `observables` returns, after run and record, by the array's name; an array that is
        not named has none.
    leaves_out : tuple of str
        Observables of the model that are not recorded, because they would be too large.
    full_batch : bool
        Whether every step sees all data. If not, the steps of an epoch each see one minibatch.
    loss_at_start : bool
        Whether the loss is known, and recorded, before the first step.
    steps_per_epoch : int
        Steps from one epoch to the next; 1 if ``full_batch``.
    state : dict of tensor
        What the problem accumulates from step to step. Checkpoints save it and write it back in place, so the tensors
        of the dict are never replaced.
    """

    axes: ClassVar[Axes]
    leaves_out: ClassVar[tuple[str, ...]]
    full_batch: ClassVar[bool]
    loss_at_start: ClassVar[bool]
    steps_per_epoch: int
    state: dict[str, torch.Tensor]

    def __init__(self, runs: Sequence[Run], data: Sequence[Arrays], place: Place):
        """Set up the loss of a group from the settings and the data of each run; the data are not changed."""

    def inputs(self, step: int) -> Any:
        """Return what `Model.end_to_end` takes in a step, counted from 0.

        None if ``full_batch``. A minibatch problem chooses the minibatch here: steps are asked for in their order, from
        the first step of an epoch on.
        """

    def loss_gradient(self, end_to_end: torch.Tensor) -> torch.Tensor:
        """Return the gradient of each run's loss in its end-to-end object, in the same shape.

        ``end_to_end`` must not be changed: it is memory of the model. The tensor returned belongs to the caller, who
        may change it in place; it must share no memory with ``end_to_end`` or with what `losses` reads.
        """

    def losses(self) -> torch.Tensor:
        """Return the loss of each run, shape (runs,).

        Full batch: of the end-to-end object given to `loss_gradient` last. Minibatches: the mean over the minibatches
        of the epoch so far, each taken before its step. It may be memory of the problem: copy what is kept.
        """

    def observables(self, model: Any, end_to_end: Any) -> Arrays:
        """Return what the problem records: numpy arrays whose first axis is the run, for the caller to keep.

        ``end_to_end`` is that of the present parameters if ``full_batch``; a minibatch problem must not use it. Both
        arguments are only read, but a minibatch problem may call ``model.end_to_end`` on other images.
        """


class Model(Protocol):
    """The parameters of all runs of a group and their end-to-end objects: ``factorizations.<name>.Model``.

    The module of a factorization also has ``compose(runs, parameters, inputs)``: what `end_to_end` returns, of
    parameters like those of the model, by the definition and in operations of torch that autograd can follow. The
    engine ``autograd`` trains with it.

    Attributes
    ----------
    axes : mapping
        As in `Problem`.
    parameters : list of tensor
        Contiguous. Only the optimizer and a restored checkpoint change them, in place: no tensor of the list is ever
        replaced. Mostly (runs, ...); `spread` knows the layout.
    """

    axes: ClassVar[Axes]
    parameters: list[torch.Tensor]

    def __init__(self, runs: Sequence[Run], place: Place):
        """Draw the initial parameters of each run from its settings, in float64, and place them."""

    @classmethod
    def compiled(cls, slice_: Slice, data: Sequence[Arrays], device: str) -> Stepper | None:
        """Return a stepper that is faster than the general one for a group, or None where there is none.

        It must not import torch where it returns a stepper.
        """

    def spread(self, values: torch.Tensor) -> list[torch.Tensor]:
        """Return one value a run, shape (runs,) and any dtype, in a shape that broadcasts against each parameter."""

    def end_to_end(self, inputs: Any = None) -> torch.Tensor:
        """Return the end-to-end objects of the runs at the present parameters.

        The tensor is memory of the model, possibly a parameter itself: the next call may overwrite it, and the caller
        must not change it.
        """

    def pullback(self, upstream: torch.Tensor) -> Sequence[torch.Tensor]:
        """Return the gradient of the loss in each parameter, in the parameters' order and shapes.

        Called at most once after each `end_to_end`, with the parameters unchanged since. ``upstream`` is the gradient
        of the loss in the end-to-end object. The model owns it: it may change it in place or return it. The gradients
        are memory of the model, which the next call may overwrite.
        """

    def observables(self, growth: bool, gradients: Sequence[torch.Tensor] | None) -> dict[str, torch.Tensor]:
        """Return what the factorization records: tensors whose first axis is the run.

        They are copied before the next step. ``growth``: what growth rates are computed from, in float64, in place of
        the usual. ``gradients`` are those at the present parameters; None for a minibatch problem. `end_to_end` was
        called at the present parameters before, unless the problem has minibatches.
        """


class Optimizer(Protocol):
    """How gradients move the parameters of all runs of a group: ``optimizers.<name>.Optimizer``.

    Attributes
    ----------
    state : dict of tensor
        Everything but the parameters that the next step depends on, changed in place only; checkpoints save it and
        write it back. It includes ``flow_time``: the sum of the effective learning rates of the steps so far, float64,
        shape (runs,).
    """

    state: dict[str, torch.Tensor]

    def __init__(self, runs: Sequence[Run], model: Model, place: Place, place64: Place64):
        """Set up the state before the first step; all rate factors are 1."""

    def set_rate_factors(self, factors: np.ndarray) -> None:
        """Multiply the learning rates of the settings by one factor a run, shape (runs,); 0 holds a run exactly.

        Factors do not accumulate: each call replaces the factors of the one before.
        """

    def step(self, parameters: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor]) -> None:
        """Change the parameters in place, and the state; the gradients are only read."""


class Stepper(Protocol):
    """A group of runs at some step, and how it advances.

    Attributes
    ----------
    loss_at_start, steps_per_epoch
        As in `Problem`.
    """

    loss_at_start: bool
    steps_per_epoch: int

    def advance(self, steps: int) -> None:
        """Take so many steps; on a GPU this need not wait for the device."""

    def set_rate_factors(self, factors: np.ndarray) -> None:
        """As in `Optimizer`."""

    def flow_time(self) -> np.ndarray:
        """Return the sum of the effective learning rates so far, float64, shape (runs,), for the caller to keep."""

    def losses(self) -> np.ndarray:
        """Return the loss of each run, float64, shape (runs,), for the caller to keep.

        Not finite for a run whose parameters are not finite.
        """

    def observables(self, growth: bool = False) -> Arrays:
        """Return what is recorded at the present step: arrays whose first axis is the run, for the caller to keep.

        Recording changes nothing that a step depends on.
        """

    def state(self) -> Arrays:
        """Return copies of everything that later steps depend on, at the end of an epoch."""

    def restore(self, state: Arrays) -> None:
        """Go on from what `state` returned: later steps are the same, bit for bit, on the same device."""
