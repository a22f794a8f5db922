"""One step of training on all runs of a batch, in torch: the general stepper.

A step is: end-to-end object, dL/dW, pull-back, optimiser. The gradient at the present parameters is
computed at most once, so looking at the loss or the gradient between two steps costs nothing.
"""

from __future__ import annotations

import numpy as np
import torch

from greedyrank.config.sweeps import Slice
from greedyrank.plugins import plugin
from greedyrank.training.cuda_graph import CudaGraph, StepGraph


class Descent:
    """The state of all runs of a batch, and how it advances.

    Parameters
    ----------
    slice_ : Slice
        The slice of the batch; see `greedyrank.sweeps`.
    runs : list of dict
        Settings of each run.
    data : list of dict
        The data of each run.
    device : {"cpu", "cuda"}
        Where the arrays live.
    """

    def __init__(self, slice_: Slice, runs: list[dict], data: list[dict], device: str):
        # Squares of the gradients of small inits underflow; as denormal numbers they would make a step up to
        # thirty times slower, and they are far below the rounding of any sum that matters.
        torch.set_flush_denormal(True)
        dtype = getattr(torch, runs[0]["dtype"])

        def place(array: np.ndarray, exact: bool = False) -> torch.Tensor:
            return torch.as_tensor(array, dtype=None if exact else dtype, device=device)

        def place64(array: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(array, dtype=torch.float64, device=device)

        self.problem = plugin("problems", slice_.problem).Problem(runs, data, place)
        self.model = plugin("factorizations", slice_.factorization).Model(runs, place)
        self.optimizer = plugin("optimizers", slice_.optimizer).Optimizer(runs, self.model, place, place64)
        self.steps_per_epoch = self.problem.steps_per_epoch
        # Whether a run is recorded before its first step.
        self.loss_at_start = self.problem.loss_at_start
        self._keeps_end_to_end = runs[0]["record"]["end_to_end"]
        self._step = 0
        self._gradients = self._end_to_end = None
        # The steps on a minibatch launch kernels of milliseconds, on rows that differ from step to step.
        self._graph = StepGraph(CudaGraph(self._take_step)) if device == "cuda" and self.problem.full_batch else None

    def _evaluate(self) -> list:
        if self._gradients is None:
            self._end_to_end = self.model.end_to_end(self.problem.inputs(self._step))
            self._gradients = self.model.pullback(self.problem.loss_gradient(self._end_to_end))
        return self._gradients

    def _take_step(self) -> None:
        self.optimizer.step(self.model.parameters, self._evaluate())
        self._gradients = None

    @torch.no_grad()
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

    def scale(self, factors: np.ndarray) -> None:
        """Multiply the learning rates given in the settings, one factor a run; 0 holds a run."""
        self.optimizer.scale(factors)

    def flow_time(self) -> np.ndarray:
        """Return the sum of the effective learning rates so far, shape (runs,)."""
        return self.optimizer.state["flow_time"].cpu().numpy().copy()

    @torch.no_grad()
    def losses(self) -> np.ndarray:
        """Return the loss of each run, float64, shape (runs,)."""
        if self.problem.full_batch or self._step == 0:
            self._evaluate()
        losses = self.problem.losses().double()
        return (losses if self.problem.full_batch else self._where_finite(losses)).cpu().numpy()

    def _where_finite(self, losses):
        """Return NaN as the loss of each run with a parameter that is not finite.

        Minibatches have their losses taken before their steps, the last of which would not show in them.
        """
        found = losses.clone()
        numbers = torch.arange(len(losses), device=losses.device)
        for parameter, run in zip(self.model.parameters, self.model.spread(numbers), strict=True):
            found[run.expand_as(parameter)[~parameter.isfinite()]] = torch.nan
        return found

    @torch.no_grad()
    def observables(self, growth: bool = False) -> dict[str, np.ndarray]:
        """Return what is recorded: arrays whose first axis is the run."""
        gradients = self._evaluate() if self.problem.full_batch else None
        offered = self.model.observables(growth, gradients)
        if self._keeps_end_to_end and not growth:
            offered = {"end_to_end": self._end_to_end, **offered}
        left_out = getattr(self.problem, "leaves_out", ())
        found = {name: value.cpu().numpy().copy() for name, value in offered.items() if name not in left_out}
        return found if growth else {**found, **self.problem.observables(self.model, self._end_to_end)}

    def _tensors(self) -> dict:
        return {
            **{f"parameter{i}": value for i, value in enumerate(self.model.parameters)},
            **{f"optimizer_{name}": value for name, value in self.optimizer.state.items()},
            **{f"problem_{name}": value for name, value in self.problem.state.items()},
        }

    def state(self) -> dict[str, np.ndarray]:
        """Return everything a later process needs to go on, at the end of an epoch."""
        tensors = {name: value.cpu().numpy().copy() for name, value in self._tensors().items()}
        return {**tensors, "step": np.array(self._step)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` returned."""
        self._step, self._gradients = int(state["step"]), None
        for name, tensor in self._tensors().items():
            tensor.copy_(torch.from_numpy(state[name]))
