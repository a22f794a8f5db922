"""The training loop: advance, check, record, checkpoint, resume.

A job is a batch: all its runs advance together, each stopping by itself. This module knows nothing
of any tenant; the steppers (`greedyrank.descent`, `greedyrank.kernels`) know nothing of records.
"""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from greedyrank import storage
from greedyrank.config.sweeps import Slice
from greedyrank.errors import UserError
from greedyrank.plugins import plugin

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 10.0


class Diverged(UserError):
    """A run whose loss is no longer finite."""


class DoesNotFit(UserError):
    """A run that is too large for the memory of the GPU."""


def make_stepper(slice_: Slice, runs: list[dict], data: list[dict], device: str):
    """Return the fastest stepper there is for a batch on a device.

    A factorization may offer one of its own through ``compiled(slice_, runs, data, device)``.
    """
    factorization = plugin("factorizations", slice_.factorization)
    stepper = factorization.compiled(slice_, runs, data, device) if hasattr(factorization, "compiled") else None
    if stepper is not None:
        return stepper
    # Here, not above: a compiled stepper needs no torch, whose import takes seconds.
    from greedyrank.training.stepper import Descent

    return Descent(slice_, runs, data, device)


class Recorder:
    """Rows of (run, step, flow time, loss, observables), appended as training goes."""

    def __init__(self):
        self._rows: dict[str, list[np.ndarray]] = {}

    def add(self, runs: np.ndarray, columns: dict[str, np.ndarray]) -> None:
        """Append one row for each of ``runs`` (indices); each column's first axis is all runs."""
        for name, column in {**columns, "run": np.arange(len(columns["loss"]))}.items():
            self._rows.setdefault(name, []).append(column[runs])

    def table(self) -> dict[str, np.ndarray]:
        """Return all rows, one array a column."""
        return {name: np.concatenate(parts) for name, parts in self._rows.items()}

    def restore(self, table: dict[str, np.ndarray]) -> None:
        """Go on from what `table` returned."""
        self._rows = {name: [column] for name, column in table.items()}

    def by_run(self, runs: int, width: int = 1) -> dict[str, np.ndarray]:
        """Return each column as (runs, records, ...), padded with NaN, or -1 in ``step``.

        Rows belong together in groups of ``width``; a run's last group is left out if it is not whole.
        """
        table = self.table()
        owner = table.pop("run")
        position = np.zeros(len(owner), dtype=np.int64)
        counts = np.bincount(owner, minlength=runs)
        for run in range(runs):
            position[owner == run] = np.arange(counts[run])
        counts -= counts % width
        whole = position < counts[owner]
        padded = {}
        for name, column in table.items():
            empty = -1 if name == "step" else np.nan
            padded[name] = np.full((runs, counts.max(initial=0), *column.shape[1:]), empty, dtype=column.dtype)
            padded[name][owner[whole], position[whole]] = column[whole]
        return padded


class Training:
    """One batch from its initial factors to its stopping rule.

    Parameters
    ----------
    slice_ : Slice
        What is trained, with every setting; all its runs advance together.
    data : list of dict
        The data of each run.
    device : {"cpu", "cuda"}
        Where to train.
    """

    def __init__(self, slice_: Slice, data: list[dict], device: str):
        self.runs = slice_.runs
        first = self.runs[0]
        self.stepper = make_stepper(slice_, self.runs, data, device)
        epoch = self.stepper.steps_per_epoch
        stop, record, self._growth = first["stop"], first["record"], first["growth"]
        self._max_steps = stop["max_steps"] or stop["max_epochs"] * epoch
        self._record_every = record["every"] or record["every_epochs"] * epoch
        self._check_every = stop["every"] if stop["max_steps"] else epoch
        self._stop_loss, self._stop_checks = stop["loss"], stop["checks"]
        self._finish = first["finish"]
        self._levels_per_decade = record["loss_per_decade"]
        count = len(self.runs)
        self.records, self.stencils = Recorder(), Recorder()
        self._step = 0
        self._active = np.ones(count, dtype=bool)
        self._streak = np.zeros(count, dtype=np.int64)
        self._level = np.full(count, -np.inf)
        self._stop_step = np.full(count, -1)  # where the stopping rule, or the cap, ended a run
        self._losses = np.full(count, np.nan)
        self._due = self._recurring()
        self._last_steps = self._distinct_ends()

    # -- the schedule ------------------------------------------------------------------------

    def _offsets_due(self, step: int) -> bool:
        return self._growth is not None and step % self._growth["every"] in self._growth["offsets"]

    def _ends(self) -> np.ndarray:
        """Return the last step of each run, as far as it is known: the cap, or the finish's end."""
        if self._finish is None:
            return np.full(len(self.runs), self._max_steps)
        return np.where(self._stop_step >= 0, self._stop_step + self._finish["steps"], self._max_steps)

    def _distinct_ends(self) -> list[int]:
        return np.unique(self._ends()).tolist()

    def _recurring(self) -> list[tuple[int, int]]:
        """Return every (period, offset) at which a step may have to be looked at."""
        due = [(self._record_every, 0)]
        if self._stop_loss > 0:
            due.append((self._check_every, 0))
        if self._growth is not None:
            due += [(self._growth["every"], offset) for offset in self._growth["offsets"]]
        return due

    def _next_event(self) -> int:
        after = self._step + 1
        events = [after + (offset - after) % period for period, offset in self._due]
        return min(*events, *(end for end in self._last_steps if end >= after))

    # -- one event ---------------------------------------------------------------------------

    def _columns(self, growth: bool) -> dict[str, np.ndarray]:
        return {
            "step": np.full(len(self.runs), self._step),
            "flow_time": self.stepper.flow_time(),
            "loss": self._losses,
            **self.stepper.observables(growth),
        }

    def _event(self) -> None:
        self._losses = self.stepper.losses()
        self._check_finite()
        stopped = self._newly_stopped()
        ended = stopped
        if self._finish is not None:
            ended = self._active & (self._stop_step >= 0) & (self._step == self._ends())
        over = stopped | ended
        due = over
        if self._step % self._record_every == 0:
            due = due | (self._active & self._newly_low())
        if due.any():
            self.records.add(np.flatnonzero(due), self._columns(growth=False))
        if self._offsets_due(self._step):
            self.stencils.add(np.flatnonzero(self._active), self._columns(growth=True))
        if over.any():
            self._stop_step[stopped] = self._step
            self._active &= ~ended
            self._set_rates()

    def _check_finite(self) -> None:
        if np.isfinite(self._losses).all():
            return
        if bad := np.flatnonzero(self._active & ~np.isfinite(self._losses)).tolist():
            raise Diverged(
                f"the loss is {self._losses[bad[0]]} at step {self._step} in {len(bad)} of {len(self.runs)} runs,"
                f" the first with {self._name(bad[0])}; lower `learning_rate`"
            )

    def _newly_stopped(self) -> np.ndarray:
        """Return the runs that the stopping rule, or the cap, ends at this step."""
        if self._stop_loss > 0 and self._step % self._check_every == 0:
            self._streak = np.where(self._losses < self._stop_loss, self._streak + 1, 0)
        running = self._active & (self._stop_step < 0)
        return running & ((self._streak > self._stop_checks) | (self._step == self._max_steps))

    def _set_rates(self) -> None:
        finishing = self._finish["factor"] if self._finish is not None else 0.0
        self.stepper.scale(self._active * np.where(self._stop_step < 0, 1.0, finishing))
        self._last_steps = self._distinct_ends()

    def _newly_low(self) -> np.ndarray:
        """Return the runs whose loss is below one more of the levels; all, where there are none."""
        if self._levels_per_decade is None:
            return np.ones(len(self.runs), dtype=bool)
        with np.errstate(divide="ignore"):
            level = np.floor(-np.log10(self._losses) * self._levels_per_decade)
        lower = level > self._level
        self._level = np.maximum(level, self._level)
        return lower

    def _name(self, run: int) -> str:
        varied = [name for name in self.runs[0] if len({repr(r[name]) for r in self.runs}) > 1]
        names = [*(name for name in varied if name != "learning_rate"), "learning_rate"]
        return ", ".join(f"{name} {self.runs[run][name]}" for name in names)

    # -- the loop ----------------------------------------------------------------------------

    def run(self, checkpoint: Path | None = None, checkpoint_seconds: float = 30.0) -> dict[str, np.ndarray]:
        """Train to the end and return the records.

        Parameters
        ----------
        checkpoint : Path, optional
            Where the state is kept meanwhile; training goes on from a state found there. The
            caller removes it once the result is safe.
        checkpoint_seconds : float
            Time from one checkpoint to the next.

        Returns
        -------
        dict
            ``stop_step`` (runs,): where the stopping rule or the cap ended each run. ``step``,
            ``flow_time``, ``loss`` and observables, each (runs, records, ...). Where stencils were
            asked for, the same under ``growth_<name>``, each (runs, stencils, offsets, ...).

        Raises
        ------
        Diverged
            If the loss of a run is no longer finite, naming the run.
        """
        if checkpoint is not None and checkpoint.exists() and self._restore(checkpoint):
            logger.info("goes on from its checkpoint at step %d", self._step)
        elif self.stepper.loss_at_start:
            self._event()
        begun = spoken = saved = time.monotonic()
        first_step = self._step
        while self._active.any():
            step = self._next_event()
            self.stepper.advance(step - self._step)
            self._step = step
            self._event()
            now = time.monotonic()
            if now - spoken >= PROGRESS_SECONDS:
                spoken = now
                self._report((step - first_step) / (now - begun))
            if checkpoint is not None and now - saved >= checkpoint_seconds and self._active.any():
                try:
                    self._save(checkpoint)
                except OSError as error:  # the one before is still there, and there may be room for the result
                    logger.warning("training goes on without a checkpoint of step %d: %s", self._step, error)
                saved = time.monotonic()
        seconds = time.monotonic() - begun
        logger.info(
            "done: %d runs, %d steps, %.0f steps/s, largest loss %.3g",
            len(self.runs),
            self._step,
            (self._step - first_step) / max(seconds, 1e-9),
            np.max(self._losses),
        )
        return self._result()

    def _report(self, rate: float) -> None:
        left = (self._max_steps - self._step) / rate
        minutes, seconds = divmod(int(left), 60)
        logger.info(
            "step %d of at most %d, loss %.3g, %d of %d runs active, %.0f steps/s, at most %d:%02d left",
            self._step,
            self._max_steps,
            np.max(self._losses[self._active], initial=0.0),
            self._active.sum(),
            len(self.runs),
            rate,
            minutes,
            seconds,
        )

    def _result(self) -> dict[str, np.ndarray]:
        result = {"stop_step": self._stop_step, **self.records.by_run(len(self.runs))}
        if self._growth is not None:
            width = len(self._growth["offsets"])
            for name, column in self.stencils.by_run(len(self.runs), width).items():
                shape = (len(self.runs), column.shape[1] // width, width, *column.shape[2:])
                result[f"growth_{name}"] = column.reshape(shape)
        return result

    # -- checkpoints -------------------------------------------------------------------------

    _LOOP_STATE = ("_step", "_active", "_streak", "_level", "_stop_step", "_losses")

    def _save(self, path: Path) -> None:
        arrays = {f"loop{name}": np.asarray(getattr(self, name)) for name in self._LOOP_STATE}
        arrays |= {f"stepper_{name}": value for name, value in self.stepper.state().items()}
        for kind, recorder in (("records", self.records), ("stencils", self.stencils)):
            arrays |= {f"{kind}_{name}": column for name, column in recorder.table().items()}
        storage.save_arrays(path, {}, arrays)

    def _restore(self, path: Path) -> bool:
        try:
            _, arrays = storage.load_arrays(path)
        except storage.CorruptFile:
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            storage.remove(path)  # its checksum
            logger.warning("the checkpoint %s is not whole: training starts anew, and it is now %s", path, aside.name)
            return False

        def part(prefix: str) -> dict[str, np.ndarray]:
            return {name.removeprefix(prefix): v for name, v in arrays.items() if name.startswith(prefix)}

        for name, value in part("loop").items():
            setattr(self, name, int(value) if value.ndim == 0 else value)
        self.stepper.restore(part("stepper_"))
        self.records.restore(part("records_"))
        self.stencils.restore(part("stencils_"))
        self._set_rates()
        return True


def _out_of_memory() -> tuple[type[Exception], ...]:
    """Return what a full GPU raises; nothing where torch, which takes seconds to import, was not needed."""
    return (sys.modules["torch"].OutOfMemoryError,) if "torch" in sys.modules else ()


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the records of consecutive runs as those of one batch, padded as in `Recorder.by_run`."""
    joined = {}
    for name in parts[0]:
        columns = [part[name] for part in parts]
        shape = np.max([column.shape[1:] for column in columns], axis=0)
        empty = -1 if columns[0].dtype.kind == "i" else np.nan
        padded = [
            np.pad(c, [(0, 0), *[(0, n - m) for n, m in zip(shape, c.shape[1:], strict=True)]], constant_values=empty)
            for c in columns
        ]
        joined[name] = np.concatenate(padded)
    return joined


def _train(slice_: Slice, data: list[dict], device: str, checkpoint: Path | None, **kwargs) -> dict[str, np.ndarray]:
    try:
        return Training(slice_, data, device).run(checkpoint, **kwargs)
    except _out_of_memory() as error:
        message = ". ".join(str(error).split(". ")[:3])  # what was asked for and what there is
    # Outside of the handler, whose traceback would hold the arrays of the batch that failed.
    runs = slice_.runs
    half = len(runs) // 2
    if not half:
        raise DoesNotFit(
            f"one run alone does not fit into the memory of the GPU: {message.rstrip('.')}; set `device: cpu`, or make"
            f" the run's {slice_.problem} or {slice_.factorization} smaller"
        )
    logger.warning("out of memory on the GPU: %d runs train as %d and then %d", len(runs), half, len(runs) - half)
    halves = {"first": list(range(half)), "second": list(range(half, len(runs)))}
    return _train_parts(slice_, halves, data, device, checkpoint, **kwargs)


def _train_parts(
    slice_: Slice, parts: dict[str, list[int]], data: list[dict], device: str, checkpoint: Path | None, **kwargs
) -> dict[str, np.ndarray]:
    """Train named groups of a slice's runs, one after the other, and return the records of all in their order."""
    runs, found = slice_.runs, []
    for name, indices in parts.items():
        gc.collect()  # a stepper and its captured step refer to each other
        if device == "cuda":
            sys.modules["torch"].cuda.empty_cache()
        path = checkpoint and checkpoint.with_stem(f"{checkpoint.stem}.{name}")
        part = slice_.containing([runs[index] for index in indices])
        found.append(_train(part, [data[index] for index in indices], device, path, **kwargs))
    order = np.argsort(np.concatenate(list(parts.values())))
    return {name: column[order] for name, column in _joined(found).items()}


def train(
    slice_: Slice, load_data: Callable[[dict], dict], device: str, checkpoint: Path | None = None, **kwargs
) -> dict[str, np.ndarray]:
    """Train the runs of a slice; ``load_data`` gives the data of a run from its settings.

    Runs that differ in a setting that the slice keeps ``apart`` are batches of their own, trained one after the
    other. So are, on a GPU whose memory does not hold a batch, its halves, and theirs. The records are those of one
    batch of all runs. Each batch and each half has a checkpoint of its own: a later process goes on from those.

    Raises
    ------
    Diverged
        If the loss of a run is no longer finite.
    DoesNotFit
        If a run does not fit into the memory of the GPU by itself.
    """
    data = [load_data(run) for run in slice_.runs]
    groups = slice_.groups()
    if len(groups) == 1:
        return _train(slice_, data, device, checkpoint, **kwargs)
    logger.info("%d batches, which differ in %s", len(groups), ", ".join(slice_.apart))
    return _train_parts(
        slice_, {str(number): group for number, group in enumerate(groups)}, data, device, checkpoint, **kwargs
    )


def remove_checkpoints(checkpoint: Path) -> None:
    """Remove a job's checkpoint, those of its batches and halves, and what was left of damaged and killed ones."""
    for path in checkpoint.parent.glob(f"*{checkpoint.stem}.*"):
        path.unlink(missing_ok=True)
