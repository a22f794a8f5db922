"""One step of training on all runs of a group, in torch: the stepper for every problem, factorization and optimizer.

A step computes the end-to-end object, the gradient of the loss in it and its pull-back, and then moves the parameters.
The gradient at the present parameters is computed at most once: looking at the loss or the gradient between two steps
costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from greedyrank.config.sweeps import Slice
from greedyrank.plugins import plugin
from greedyrank.training.cuda_graph import CudaGraph, StepGraph
from greedyrank.training.devices import denormals_flushed
from greedyrank.training.protocols import Arrays, Model, Optimizer, Problem


class TorchStepper:
    """The state of all runs of a group, and how it advances; a `greedyrank.training.protocols.Stepper`.

    Parameters
    ----------
    slice_ : Slice
        The runs of the group.
    data : list of dict
        The data of each run.
    device : {"cpu", "cuda"}
        Where the arrays are.
    """

    problem: Problem
    model: Model
    optimizer: Optimizer

    @denormals_flushed()
    def __init__(self, slice_: Slice, data: Sequence[Arrays], device: str):
        runs = slice_.runs
        dtype = getattr(torch, runs[0]["dtype"])

        def place(array: np.ndarray, exact: bool = False) -> torch.Tensor:
            return torch.as_tensor(array, dtype=None if exact else dtype, device=device)

        def place64(array: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(array, dtype=torch.float64, device=device)

        self.problem = plugin("problems", slice_.problem).Problem(runs, data, place)
        self.model = plugin("factorizations", slice_.factorization).Model(runs, place)
        self.optimizer = plugin("optimizers", slice_.optimizer).Optimizer(runs, self.model, place, place64)
        self.steps_per_epoch = self.problem.steps_per_epoch
        self.loss_at_start = self.problem.loss_at_start
        self._keeps_end_to_end = runs[0]["record"]["end_to_end"]
        self._step = 0
        self._gradients: Sequence[torch.Tensor] | None = None
        self._end_to_end: torch.Tensor | None = None
        # A step on a minibatch launches kernels of milliseconds, on rows that differ from step to step: no graph.
        self._graph = StepGraph(CudaGraph(self._take_step)) if device == "cuda" and self.problem.full_batch else None

    def _evaluate(self) -> Sequence[torch.Tensor]:
        if self._gradients is None:
            self._end_to_end = self.model.end_to_end(self.problem.inputs(self._step))
            self._gradients = self.model.pullback(self.problem.loss_gradient(self._end_to_end))
        return self._gradients

    def _take_step(self) -> None:
        self.optimizer.step(self.model.parameters, self._evaluate())
        self._gradients = None

    @torch.no_grad()
    @denormals_flushed()
    def advance(self, steps: int) -> None:
        """Take so many steps; on a GPU without waiting for it."""
        if self._graph is not None:
            self._gradients = None  # a captured step has to evaluate: what is known now is of this step alone
            self._graph.advance(steps)
            self._step += steps
            return
        for _ in range(steps):
            self._take_step()
            self._step += 1

    @denormals_flushed()
    def set_rate_factors(self, factors: np.ndarray) -> None:
        """Multiply the learning rates of the settings by one factor a run, shape (runs,); 0 holds a run."""
        self.optimizer.set_rate_factors(factors)

    def flow_time(self) -> np.ndarray:
        """Return the sum of the effective learning rates so far, shape (runs,)."""
        return self.optimizer.state["flow_time"].cpu().numpy().copy()

    @torch.no_grad()
    @denormals_flushed()
    def losses(self) -> np.ndarray:
        """Return the loss of each run, float64, shape (runs,)."""
        if self.problem.full_batch or self._step == 0:
            self._evaluate()
        losses = self.problem.losses().double()
        return (losses if self.problem.full_batch else self._where_finite(losses)).cpu().numpy()

    def _where_finite(self, losses: torch.Tensor) -> torch.Tensor:
        """Return the losses, NaN for each run with a parameter that is not finite.

        Losses of minibatches are taken before their steps, so that they do not show what the last step did.
        """
        found = losses.clone()
        numbers = torch.arange(len(losses), device=losses.device)
        for parameter, run in zip(self.model.parameters, self.model.spread(numbers), strict=True):
            found[run.expand_as(parameter)[~parameter.isfinite()]] = torch.nan
        return found

    @torch.no_grad()
    @denormals_flushed()
    def observables(self, growth: bool = False) -> Arrays:
        """Return what is recorded: arrays whose first axis is the run."""
        gradients = self._evaluate() if self.problem.full_batch else None
        offered = self.model.observables(growth, gradients)
        if self._keeps_end_to_end and not growth:
            assert self._end_to_end is not None, "a config keeps end-to-end objects of full-batch problems only"
            offered = {"end_to_end": self._end_to_end, **offered}
        left_out = self.problem.leaves_out
        found = {name: value.cpu().numpy().copy() for name, value in offered.items() if name not in left_out}
        return found if growth else {**found, **self.problem.observables(self.model, self._end_to_end)}

    def _tensors(self) -> dict[str, torch.Tensor]:
        return {
            **{f"parameter{i}": value for i, value in enumerate(self.model.parameters)},
            **{f"optimizer_{name}": value for name, value in self.optimizer.state.items()},
            **{f"problem_{name}": value for name, value in self.problem.state.items()},
        }

    def state(self) -> Arrays:
        """Return copies of everything that later steps depend on, at the end of an epoch."""
        tensors = {name: value.cpu().numpy().copy() for name, value in self._tensors().items()}
        return {**tensors, "step": np.array(self._step)}

    def restore(self, state: Arrays) -> None:
        """Go on from what `state` returned."""
        self._step, self._gradients = int(state["step"]), None
        for name, tensor in self._tensors().items():
            tensor.copy_(torch.from_numpy(state[name]))
