"""The training loop of one group: advance, check, record, save, resume.

All runs of a group advance together, and each stops by itself. The loop knows no problem, factorization or optimizer;
a stepper knows nothing of records.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from greedyrank import storage
from greedyrank.config.sweeps import Slice
from greedyrank.errors import UserError
from greedyrank.training.protocols import Arrays, Stepper
from greedyrank.training.recorder import Recorder
from greedyrank.training.schedule import Schedule

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 10.0


class Diverged(UserError):
    """The loss of a run is no longer finite."""


@dataclass
class LoopState:
    """Where the loop is: everything that it goes on from, except the stepper and the records.

    Attributes
    ----------
    step : int
        Steps taken.
    active : ndarray of bool, (runs,)
        Runs that have not ended.
    streak : ndarray of int, (runs,)
        Checks in a row at which the loss was below the stopping level.
    level : ndarray, (runs,)
        The lowest level of the loss so far, in levels a decade.
    stop_step : ndarray of int, (runs,)
        Where the stopping rule, or the cap on the steps, ended a run; -1 before.
    losses : ndarray, (runs,)
        The losses at the last event.
    """

    step: int
    active: np.ndarray
    streak: np.ndarray
    level: np.ndarray
    stop_step: np.ndarray
    losses: np.ndarray

    @classmethod
    def at_start(cls, runs: int) -> LoopState:
        """Return the state before the first step."""
        return cls(
            step=0,
            active=np.ones(runs, dtype=bool),
            streak=np.zeros(runs, dtype=np.int64),
            level=np.full(runs, -np.inf),
            stop_step=np.full(runs, -1),
            losses=np.full(runs, np.nan),
        )

    def to_arrays(self) -> Arrays:
        """Return the state as arrays, by its fields' names."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> LoopState:
        """Return the state that `to_arrays` wrote."""
        others = {name: array for name, array in arrays.items() if name != "step"}
        return cls(int(arrays["step"]), **others)


class Training:
    """One group, from its initial parameters to the end of its last run.

    Parameters
    ----------
    slice_ : Slice
        The runs of the group, with every setting.
    stepper : Stepper
        The runs at step 0.
    """

    def __init__(self, slice_: Slice, stepper: Stepper):
        self.runs = slice_.runs
        self.stepper = stepper
        self.schedule = Schedule.of(self.runs[0], stepper.steps_per_epoch)
        self.records, self.stencils = Recorder(), Recorder()
        self.state = LoopState.at_start(len(self.runs))
        self._last_steps = self._distinct_last_steps()

    def _distinct_last_steps(self) -> list[int]:
        return np.unique(self.schedule.last_steps(self.state.stop_step)).tolist()

    # -- one event ---------------------------------------------------------------------------------

    def _columns(self, growth: bool) -> Arrays:
        return {
            "step": np.full(len(self.runs), self.state.step),
            "flow_time": self.stepper.flow_time(),
            "loss": self.state.losses,
            **self.stepper.observables(growth),
        }

    def _event(self) -> None:
        """Look at the losses of the present step; record runs and end them where they are due."""
        state, schedule = self.state, self.schedule
        state.losses = self.stepper.losses()
        self._check_finite()
        stopped = self._newly_stopped()
        ended = stopped
        if schedule.finish is not None:
            ended = state.active & (state.stop_step >= 0) & (state.step == schedule.last_steps(state.stop_step))
        over = stopped | ended
        due = over
        if schedule.records(state.step):
            due = due | (state.active & self._newly_low())
        if due.any():
            self.records.add(np.flatnonzero(due), self._columns(growth=False))
        if schedule.in_stencil(state.step):
            self.stencils.add(np.flatnonzero(state.active), self._columns(growth=True))
        if over.any():
            state.stop_step[stopped] = state.step
            state.active &= ~ended
            self._set_rates()

    def _check_finite(self) -> None:
        state = self.state
        if bad := np.flatnonzero(state.active & ~np.isfinite(state.losses)).tolist():
            raise Diverged(
                f"the loss is {state.losses[bad[0]]} at step {state.step} in {len(bad)} of {len(self.runs)} runs,"
                f" the first with {self._name(bad[0])}; lower `learning_rate`"
            )

    def _newly_stopped(self) -> np.ndarray:
        """Return the runs that the stopping rule, or the cap on the steps, ends at this step."""
        state, schedule = self.state, self.schedule
        if schedule.checks(state.step):
            state.streak = np.where(state.losses < schedule.stop_loss, state.streak + 1, 0)
        running = state.active & (state.stop_step < 0)
        return running & ((state.streak > schedule.stop_checks) | (state.step == schedule.max_steps))

    def _newly_low(self) -> np.ndarray:
        """Return the runs whose loss is below one more of the levels; all runs where there are no levels."""
        state, per_decade = self.state, self.schedule.levels_per_decade
        if per_decade is None:
            return np.ones(len(self.runs), dtype=bool)
        with np.errstate(divide="ignore"):
            level = np.floor(-np.log10(state.losses) * per_decade)
        lower = level > state.level
        state.level = np.maximum(level, state.level)
        return lower

    def _set_rates(self) -> None:
        finish = self.schedule.finish
        finishing = finish["factor"] if finish is not None else 0.0
        self.stepper.set_rate_factors(self.state.active * np.where(self.state.stop_step < 0, 1.0, finishing))
        self._last_steps = self._distinct_last_steps()

    def _name(self, run: int) -> str:
        """Return the settings that tell a run from the others, and its learning rate."""
        varied = [name for name in self.runs[0] if len({repr(other[name]) for other in self.runs}) > 1]
        names = [*(name for name in varied if name != "learning_rate"), "learning_rate"]
        return ", ".join(f"{name} {self.runs[run][name]}" for name in names)

    # -- the loop ----------------------------------------------------------------------------------

    def run(self, checkpoint: Path | None = None, checkpoint_seconds: float = 30.0) -> Arrays:
        """Train to the end and return the records.

        Parameters
        ----------
        checkpoint : Path, optional
            The file of the checkpoint; training goes on from a checkpoint that is there. The caller removes it once
            the result is saved.
        checkpoint_seconds : float
            Time from one checkpoint to the next.

        Returns
        -------
        dict
            ``stop_step`` (runs,): where the stopping rule or the cap ended each run. ``step``, ``flow_time``, ``loss``
            and observables, each (runs, records, ...). Stencils, where the settings ask for them, as
            ``growth_<name>``, each (runs, stencils, offsets, ...).

        Raises
        ------
        Diverged
            If the loss of a run is no longer finite; the message names the run.
        """
        if checkpoint is not None and checkpoint.exists() and self._restore(checkpoint):
            logger.info("goes on from its checkpoint at step %d", self.state.step)
        elif self.stepper.loss_at_start:
            self._event()
        begun = reported = saved = time.monotonic()
        first_step = self.state.step
        while self.state.active.any():
            step = self.schedule.next_event(self.state.step, self._last_steps)
            self.stepper.advance(step - self.state.step)
            self.state.step = step
            self._event()
            now = time.monotonic()
            if now - reported >= PROGRESS_SECONDS:
                reported = now
                self._report((step - first_step) / (now - begun))
            if checkpoint is not None and now - saved >= checkpoint_seconds and self.state.active.any():
                try:
                    self._save(checkpoint)
                except OSError as error:  # the previous checkpoint is still there, and the result may still fit
                    logger.warning("training goes on without a checkpoint of step %d: %s", step, error)
                saved = time.monotonic()
        seconds = time.monotonic() - begun
        logger.info(
            "done: %d runs, %d steps, %.0f steps/s, largest loss %.3g",
            len(self.runs),
            self.state.step,
            (self.state.step - first_step) / max(seconds, 1e-9),
            np.max(self.state.losses),
        )
        return self._result()

    def _report(self, rate: float) -> None:
        state, schedule = self.state, self.schedule
        minutes, seconds = divmod(int((schedule.max_steps - state.step) / rate), 60)
        logger.info(
            "step %d of at most %d, loss %.3g, %d of %d runs active, %.0f steps/s, at most %d:%02d left",
            state.step,
            schedule.max_steps,
            np.max(state.losses[state.active], initial=0.0),
            state.active.sum(),
            len(self.runs),
            rate,
            minutes,
            seconds,
        )

    def _result(self) -> Arrays:
        count, growth = len(self.runs), self.schedule.growth
        result = {"stop_step": self.state.stop_step, **self.records.by_run(count)}
        if growth is not None:
            width = len(growth["offsets"])
            for name, column in self.stencils.by_run(count, width).items():
                shape = (count, column.shape[1] // width, width, *column.shape[2:])
                result[f"growth_{name}"] = column.reshape(shape)
        return result

    # -- checkpoints -------------------------------------------------------------------------------

    def _save(self, path: Path) -> None:
        parts = {
            "loop": self.state.to_arrays(),
            "stepper": self.stepper.state(),
            "records": self.records.table(),
            "stencils": self.stencils.table(),
        }
        named = {f"{part}_{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
        storage.save_arrays(path, {}, named)

    def _restore(self, path: Path) -> bool:
        """Go on from a checkpoint; if it is damaged, move it aside and return False."""
        try:
            _, named = storage.load_arrays(path)
        except storage.CorruptFile:
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            storage.remove(path)  # its checksum
            logger.warning("the checkpoint %s is damaged: training starts anew, and it is renamed %s", path, aside.name)
            return False

        def part(prefix: str) -> Arrays:
            return {name.removeprefix(prefix): array for name, array in named.items() if name.startswith(prefix)}

        self.state = LoopState.from_arrays(part("loop_"))
        self.stepper.restore(part("stepper_"))
        self.records.restore(part("records_"))
        self.stencils.restore(part("stencils_"))
        self._set_rates()
        return True
