"""A group whose problem changes at some steps: one stepper for each of two tasks, which hand over their state."""

from __future__ import annotations

import numpy as np

from greedyrank.training.protocols import Arrays, Stepper


class SwitchedStepper:
    """A group that trains one task, but for some steps another; a `greedyrank.training.protocols.Stepper`.

    Each task has a stepper of its own, the fastest there is on its device. At a switch the next one goes on from what
    a checkpoint of the other would hold: parameters and optimiser stay as they are. Losses are those of the task that
    the next step trains.

    Parameters
    ----------
    final, deficit : Stepper
        The same group on either task, at step 0.
    start, end : int
        The deficit has the steps from ``start`` to ``end - 1``.

    Attributes
    ----------
    current : Stepper
        The one that holds the state.
    """

    def __init__(self, final: Stepper, deficit: Stepper, start: int, end: int):
        self._final, self._deficit, self._switches = final, deficit, (start, end)
        self._step = 0
        self.loss_at_start, self.steps_per_epoch = final.loss_at_start, final.steps_per_epoch
        self.current = self._of_step()

    def _of_step(self) -> Stepper:
        start, end = self._switches
        return self._deficit if start <= self._step < end else self._final

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        last = self._step + steps
        while self._step < last:
            until = min([last, *(switch for switch in self._switches if switch > self._step)])
            self.current.advance(until - self._step)
            self._step = until
            if (due := self._of_step()) is not self.current:
                due.restore(self.current.state())
                self.current = due

    def set_rate_factors(self, factors: np.ndarray) -> None:
        """Multiply the learning rates of the settings by one factor a run, shape (runs,); 0 holds a run."""
        for stepper in (self._final, self._deficit):
            stepper.set_rate_factors(factors)

    def flow_time(self) -> np.ndarray:
        """Return the sum of the effective learning rates so far, shape (runs,)."""
        return self.current.flow_time()

    def losses(self) -> np.ndarray:
        """Return the loss of each run, float64, shape (runs,)."""
        return self.current.losses()

    def observables(self, growth: bool = False) -> Arrays:
        """Return what is recorded: arrays whose first axis is the run."""
        return self.current.observables(growth)

    def state(self) -> Arrays:
        """Return copies of everything that later steps depend on."""
        return {**self.current.state(), "switched_step": np.array(self._step)}

    def restore(self, state: Arrays) -> None:
        """Go on from what `state` returned."""
        self._step = int(state["switched_step"])
        self.current = self._of_step()
        self.current.restore(state)
