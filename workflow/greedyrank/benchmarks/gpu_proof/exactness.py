"""What has to be equal bit for bit: captured steps, resumed jobs, jobs that share the card. And a group in halves."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from greedyrank import storage
from greedyrank.benchmarks.gpu_proof import problems
from greedyrank.benchmarks.gpu_proof.report import Options, Report
from greedyrank.config.sweeps import Run, Slice
from greedyrank.training import devices, job
from greedyrank.training.loop import Training
from greedyrank.training.stepper import TorchStepper

GRAPH_STEPS = 60
JOB_STEPS = 300
LONGER = 100  # times as many steps, so that two jobs are at work at once for seconds
RECORDS = 10
# A group whose products take about a gigabyte, beside which a handle's workspaces are small.
LARGE = {
    "shape": [64, 64, 64], "target_rank": 3, "target_norm": 500.0, "observations": 5000, "components": 512,
    "factor_std": 0.1, "loss": "mean", "learning_rate": 1e-2, "dtype": "float64", "stop": {"max_steps": 20},
    "record": {"every": 10},
}  # fmt: skip
LARGE_RUNS = 16
# Of the memory that the whole group needs at once: too little for it, enough for a half.
SHARE = 0.8
# float64, some steps: a group of another size adds in another order.
ALLOWED_OF_SPLIT = 1e-7


def same(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> list[str]:
    """Return the names of the arrays that are not equal bit for bit."""
    names = ours.keys() | theirs.keys()
    return sorted(
        name
        for name in names
        if name not in ours
        or name not in theirs
        or ours[name].dtype != theirs[name].dtype
        or ours[name].tobytes() != theirs[name].tobytes()
    )


def _is_same(report: Report, name: str, ours: dict, theirs: dict, what: str) -> None:
    apart = same(ours, theirs)
    report.check(name, not apart, f"{what} differ in: {', '.join(apart)}" if apart else f"{what} are equal bit for bit")


# -- captured steps -----------------------------------------------------------------------------------


def _state_after(slice_: Slice, load, device: str, steps: int, captured: bool) -> dict[str, np.ndarray]:
    stepper = problems.stepper(slice_, [load(run) for run in slice_.runs], device)
    if isinstance(stepper, TorchStepper) and not captured:
        stepper._graph = None
    stepper.advance(steps)
    return stepper.state()


def graphs(report: Report, options: Options) -> None:
    """Take the same steps twice one by one and once captured."""
    for factorization in problems.SMALL:
        for optimizer in problems.OPTIMIZERS:
            name = f"captured steps: {factorization}, {optimizer}"
            if options.device != "cuda":
                report.not_run(name, "needs a GPU")
                continue
            slice_ = problems.small(factorization, optimizer, "float32")
            load = problems.loader(slice_, Path("data"))
            one, again, captured = (
                _state_after(slice_, load, options.device, GRAPH_STEPS, captured) for captured in (False, False, True)
            )
            what = "captured and uncaptured steps" if not same(one, again) else "even uncaptured steps, repeated,"
            _is_same(report, name, captured, one, what)


# -- resume -------------------------------------------------------------------------------------------


class _Interrupted(Exception):
    """What ends a job in the middle."""


def _with_schedule(slice_: Slice, schedule: dict) -> Slice:
    return slice_.containing([Run({**run, **schedule}) for run in slice_.runs])


def short_slice(factorization: str, steps: int) -> Slice:
    """Return the slice of a short job."""
    optimizer = "adam" if factorization in problems.SMALL_IMAGES else "group_rmsprop"
    every = max(1, steps // RECORDS)
    if factorization in problems.SMALL_IMAGES:
        schedule = {"stop": {"max_epochs": RECORDS}, "record": {"every_epochs": 1}}
        problem, fixed, axes = problems.SMALL_IMAGES[factorization]
        return problems.slice_of(problem, factorization, optimizer, {**fixed, **schedule, "dtype": "float32"}, axes)
    slice_ = problems.small(factorization, optimizer, "float32")
    first = slice_.runs[0]
    stop, record = first["stop"] | {"max_steps": steps}, first["record"] | {"every": every}
    return _with_schedule(slice_, {"stop": stop, "record": record})


def resumed(slice_: Slice, data: list[dict], device: str, folder: Path) -> dict[str, np.ndarray]:
    """Interrupt a job after half of its records, and let another go on from its checkpoint."""
    checkpoint = folder / "job.npz"
    first = Training(slice_, problems.stepper(slice_, data, device))
    advance, left = first.stepper.advance, [RECORDS // 2 + 1]

    def advance_a_while(steps: int) -> None:
        left[0] -= 1
        if not left[0]:
            raise _Interrupted
        advance(steps)

    with mock.patch.object(first.stepper, "advance", advance_a_while), contextlib.suppress(_Interrupted):
        first.run(checkpoint, checkpoint_seconds=0)
    if not checkpoint.exists():
        raise RuntimeError("the interrupted job left no checkpoint")
    return Training(slice_, problems.stepper(slice_, data, device)).run(checkpoint)


def resume(report: Report, options: Options) -> None:
    """Resume a job of every factorization that draws no minibatch, and one of images."""
    for factorization in ("cp", "binary_cp") if options.smoke else (*problems.SMALL, "binary_cp"):
        slice_ = short_slice(factorization, JOB_STEPS)
        load = problems.loader(slice_, Path("data"))
        data = [load(run) for run in slice_.runs]
        undisturbed = Training(slice_, problems.stepper(slice_, data, options.device)).run()
        with tempfile.TemporaryDirectory() as folder:
            found = resumed(slice_, data, options.device, Path(folder))
        _is_same(report, f"resume: {factorization}", found, undisturbed, "resumed and undisturbed records")


# -- two jobs on one card -------------------------------------------------------------------------------

WORKER = """
import json, sys
from pathlib import Path
from greedyrank import clean_room

clean_room.enter()

from greedyrank import storage
from greedyrank.config.sweeps import Slice
from greedyrank.training import devices, job
from greedyrank.training.loop import Training
from greedyrank.training.stepper import TorchStepper
from greedyrank.benchmarks.gpu_proof import problems
slice_, device, out = Slice(**json.loads(sys.argv[1])), sys.argv[2], sys.argv[3]
devices.prepare(device)
storage.save_arrays(out, {}, job.train(slice_, problems.loader(slice_, Path("data")), device))
"""


def shared(report: Report, options: Options) -> None:
    """Let two processes train at once, and compare with each alone."""
    steps = JOB_STEPS if options.smoke else LONGER * JOB_STEPS
    slices = {name: short_slice(name, steps) for name in ("deep_matrix", "cp")}
    expected = {}
    for name, slice_ in slices.items():
        expected[name] = job.train(slice_, problems.loader(slice_, Path("data")), options.device)
    with tempfile.TemporaryDirectory() as folder:
        started = {
            name: subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    WORKER,
                    json.dumps(slice_.to_json()),
                    options.device,
                    str(Path(folder) / f"{name}.npz"),
                ],
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            for name, slice_ in slices.items()
        }
        for name, process in started.items():
            title = f"two jobs at once: {name}"
            try:
                _, error = process.communicate(timeout=max(options.time_left(), 5))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                report.check(title, False, "the job did not end in time")
                continue
            if process.returncode:
                report.check(title, False, error.strip()[-600:])
                continue
            _, found = storage.load_arrays(Path(folder) / f"{name}.npz")
            _is_same(report, title, found, expected[name], "the records of a job beside another and alone")


# -- a group that does not fit --------------------------------------------------------------------------


class _Messages(logging.Handler):
    """What training says of its memory."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "out of memory" in (message := record.getMessage()):
            self.found.append(message)


@contextlib.contextmanager
def _limited(share_of_card: float) -> Iterator[None]:
    torch.cuda.set_per_process_memory_fraction(share_of_card)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def split(report: Report, options: Options) -> None:
    """Train a group with all of the card's memory, then with less than it needs."""
    name = "a group that does not fit"
    if options.device != "cuda":
        report.not_run(name, "needs a GPU")
        return
    slice_ = problems.slice_of("completion", "cp", "group_rmsprop", LARGE, {"seed": list(range(LARGE_RUNS))})
    load = problems.loader(slice_, Path("data"))
    torch.cuda.reset_peak_memory_stats()
    whole = job.train(slice_, load, "cuda")
    needed = torch.cuda.max_memory_allocated()
    gc.collect()  # a stepper and its captured step refer to each other
    torch.cuda.empty_cache()
    kept = torch.cuda.memory_allocated()  # by the libraries
    allowed = kept + SHARE * (needed - kept)
    share = allowed / torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    heard, log = _Messages(), logging.getLogger("greedyrank")
    log.addHandler(heard)
    try:
        with _limited(share):
            found = job.train(slice_, load, "cuda")
    finally:
        log.removeHandler(heard)
    apart = max(
        float(np.nanmax(np.abs(found[key] - whole[key])) / max(np.nanmax(np.abs(whole[key])), 1e-300)) for key in whole
    )
    detail = f"{needed / 1e6:.0f} MB needed, {allowed / 1e6:.0f} allowed; {'; '.join(heard.found) or 'not split'};"
    report.check(
        name, bool(heard.found) and apart < ALLOWED_OF_SPLIT, f"{detail} the records differ by {apart:.1e}, relatively"
    )


# -- image steps in both forms --------------------------------------------------------------------------


def image_steps(report: Report, options: Options) -> None:
    """Repeat the image step in each form of its products, also captured: the same bits every time."""
    slice_ = problems.small("binary_cp", "adam", "float32")
    load = problems.loader(slice_, Path("data"))
    for form, is_split in (("float32", False), ("split", True)):
        name = f"image steps: {form} products"
        if options.device != "cuda":
            report.not_run(name, "needs a GPU")
            continue
        with problems.products(is_split):
            one, again = (_state_after(slice_, load, "cuda", 12, captured=False) for _ in range(2))
            graphed = _state_after(slice_, load, "cuda", 12, captured=True)
        _is_same(report, name, one, again, "two repetitions")
        _is_same(report, f"captured {name}", graphed, one, "captured and uncaptured steps")


def run(report: Report, options: Options) -> None:
    """Check all of it; an error in one of the checks is told, and the others go on."""
    devices.prepare(options.device)
    with problems.image_data(Path("data"), train=1000, test=200):
        for check in (split, graphs, resume, image_steps, shared):  # memory first: libraries keep some for each stream
            try:
                check(report, options)
            except Exception as error:
                report.check(check.__name__, False, f"{type(error).__name__}: {str(error)[:600]}")
    found = [check["status"] for check in report.content["checks"]]
    report.set(summary=", ".join(f"{found.count(status)} {status}" for status in sorted(set(found))))
