"""At which steps the training loop looks at a group: to check its losses, to record it, to end its runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from greedyrank.config.sweeps import Run


@dataclass(frozen=True)
class Schedule:
    """When to check, record and stop; all runs of a group share it.

    Attributes
    ----------
    max_steps : int
        Where a run ends at the latest, before its finish.
    check_every : int
        Steps from one check of the stopping rule to the next.
    stop_loss : float
        A run stops once its loss is below this level at more than ``stop_checks`` checks in a row; 0 for never.
    stop_checks : int
        See ``stop_loss``.
    record_every : int
        Steps from one record to the next.
    levels_per_decade : int or None
        Of these records, keep those whose loss is below one more of so many levels a decade; None for all.
    growth : dict or None
        ``every`` and ``offsets``: stencils of records from which growth rates are computed.
    finish : dict or None
        ``steps`` and ``factor``: how long a run goes on after it has stopped, at learning rates reduced by the factor.
    """

    max_steps: int
    check_every: int
    stop_loss: float
    stop_checks: int
    record_every: int
    levels_per_decade: int | None
    growth: dict[str, Any] | None
    finish: dict[str, Any] | None

    @classmethod
    def of(cls, run: Run, steps_per_epoch: int) -> Schedule:
        """Return the schedule that the settings of a run ask for."""
        stop, record = run["stop"], run["record"]
        return cls(
            max_steps=stop["max_steps"] or stop["max_epochs"] * steps_per_epoch,
            check_every=stop["every"] if stop["max_steps"] else steps_per_epoch,
            stop_loss=stop["loss"],
            stop_checks=stop["checks"],
            record_every=record["every"] or record["every_epochs"] * steps_per_epoch,
            levels_per_decade=record["loss_per_decade"],
            growth=run["growth"],
            finish=run["finish"],
        )

    def checks(self, step: int) -> bool:
        """Tell whether the stopping rule looks at a step."""
        return self.stop_loss > 0 and step % self.check_every == 0

    def records(self, step: int) -> bool:
        """Tell whether a step may be recorded before its run ends."""
        return step % self.record_every == 0

    def in_stencil(self, step: int) -> bool:
        """Tell whether a step belongs to a stencil."""
        return self.growth is not None and step % self.growth["every"] in self.growth["offsets"]

    def last_steps(self, stop_step: np.ndarray) -> np.ndarray:
        """Return the last step of each run, as far as it is known.

        Parameters
        ----------
        stop_step : ndarray
            Where each run stopped, (runs,); -1 where it has not.
        """
        if self.finish is None:
            return np.full(len(stop_step), self.max_steps)
        return np.where(stop_step >= 0, stop_step + self.finish["steps"], self.max_steps)

    def next_event(self, step: int, last_steps: list[int]) -> int:
        """Return the first step after ``step`` that has to be looked at, given the runs' distinct last steps."""
        after = step + 1
        periodic = [(self.record_every, 0)]
        if self.stop_loss > 0:
            periodic.append((self.check_every, 0))
        if self.growth is not None:
            periodic += [(self.growth["every"], offset) for offset in self.growth["offsets"]]
        events = [after + (offset - after) % period for period, offset in periodic]
        return min(*events, *(last for last in last_steps if last >= after))
