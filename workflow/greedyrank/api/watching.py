"""The loop of a group in front of a user: it shows how far it is, and an interrupt keeps what there is."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from greedyrank.config.sweeps import Slice
from greedyrank.training.loop import Training
from greedyrank.training.protocols import Arrays, Stepper


def progress_bar(steps: int, shown: bool | None) -> Any:
    """Return a bar of tqdm, which is there in a terminal and in a notebook, unless ``shown`` says otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without ipywidgets a notebook gets the bar of a terminal, which will do
        from tqdm.auto import tqdm
    if shown is None:
        shown = sys.stderr.isatty() or "ipykernel" in sys.modules
    # The variable TQDM_DISABLE counts only where nothing is passed.
    return tqdm(total=steps, unit=" steps", leave=False, **({} if shown else {"disable": True}))


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let an interrupt wait for the end of the block."""
    if threading.current_thread() is not threading.main_thread():  # no other thread is interrupted
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


class WatchedTraining(Training):
    """One group, whose loop moves a bar, and ends with the records so far where the user interrupts it.

    Parameters
    ----------
    slice_, stepper
        As of `greedyrank.training.loop.Training`.
    bar : tqdm
        Counts steps.
    """

    def __init__(self, slice_: Slice, stepper: Stepper, bar: Any):
        super().__init__(slice_, stepper)
        self._bar, self._shown = bar, 0
        self.interrupted = False

    def _event(self) -> None:
        with undisturbed():
            super()._event()
        self._bar.update(self.state.step - self._shown)
        self._shown = self.state.step
        self._bar.set_postfix(loss=f"{np.max(self.state.losses):.2e}", refresh=False)

    def run(self, checkpoint: Path | None = None, checkpoint_seconds: float = 30.0) -> Arrays:
        """As of `Training`; ``interrupted`` tells whether the records end early."""
        try:
            return super().run(checkpoint, checkpoint_seconds)
        except KeyboardInterrupt:
            if not self.records.table():
                raise
            self.interrupted = True
            return self._result()
