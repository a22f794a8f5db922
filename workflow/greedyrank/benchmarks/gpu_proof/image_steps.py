"""The image step at published size: captured steps against uncaptured ones, bit for bit, and the time of each form."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import numpy as np
import torch

from greedyrank.benchmarks.gpu_proof import problems
from greedyrank.benchmarks.gpu_proof.exactness import same
from greedyrank.benchmarks.gpu_proof.image_jobs import LABEL, slices
from greedyrank.benchmarks.gpu_proof.report import Options, Report
from greedyrank.config.sweeps import Slice
from greedyrank.training import devices, job, on_gpu
from greedyrank.training.protocols import Arrays
from greedyrank.training.stepper import TorchStepper

FORMS = {"float32": False, "split": True}
EXACT_EPOCHS = 3
TIMED_EPOCHS = 5
LEAST = 4.0  # seconds with which one more is timed


def groups(job_: Slice) -> list[Slice]:
    """Return the runs of a job, those of the original labels, those of one label, and the last of these."""
    runs = job_.runs
    original = [run for run in runs if run["labels"] == "original"]
    label = [run for run in original if run["label"] == LABEL]
    return [job_.containing(part) for part in (runs, original, label, label[-1:])]


def make(slice_: Slice, data: Arrays, device: str, captured: bool) -> TorchStepper:
    """Return the stepper that a GPU trains with, its steps captured or not."""
    stepper = job.make_stepper(on_gpu.suited(slice_, "cuda"), [data] * len(slice_.runs), device)
    assert isinstance(stepper, TorchStepper)
    if not captured:
        stepper._graph = None
    return stepper


def free(device: str) -> None:
    """Give back the memory of a stepper that is no longer used."""
    gc.collect()  # a stepper and its captured step refer to each other
    if device == "cuda":
        torch.cuda.empty_cache()


def exact(report: Report, slice_: Slice, data: Arrays, device: str, form: str) -> np.ndarray:
    """Compare captured steps with the plain ones of a minibatch problem; return the losses of the former."""
    with problems.products(FORMS[form]):
        steppers = (TorchStepper(slice_, [data] * len(slice_.runs), device), make(slice_, data, device, True))
        for stepper in steppers:
            stepper.advance(EXACT_EPOCHS * stepper.steps_per_epoch)
        plain, captured = (stepper.state() for stepper in steppers)
        losses = steppers[1].losses()
    apart = same(captured, plain)
    differ = float(np.max(np.abs(captured["problem_loss"] / plain["problem_loss"] - 1)))
    columns, steps = captured["parameter0"].shape[1], int(captured["step"])
    report.check(
        f"captured image steps: {columns} columns, {form} products",
        not apart,
        f"{', '.join(apart)} differ after {steps} steps, losses by {differ:.1e}"
        if apart
        else f"{steps} captured and uncaptured steps are equal bit for bit",
    )
    report.append("exact", {"products": form, "columns": columns, "equal": not apart, "losses_differ_by": differ})
    return losses


def timed(stepper: TorchStepper, device: str) -> dict[str, float]:
    """Return the seconds of a step, and of calling it without waiting for the device, after one epoch."""
    steps = TIMED_EPOCHS * stepper.steps_per_epoch
    stepper.advance(stepper.steps_per_epoch)
    stepper.losses()
    if device == "cuda":
        torch.cuda.synchronize()
    begun = time.perf_counter()
    stepper.advance(steps)
    called = time.perf_counter() - begun
    stepper.losses()
    return {"step_s": (time.perf_counter() - begun) / steps, "call_s": called / steps}


def forms(device: str) -> list[tuple[str, bool]]:
    """Return the forms that a device has: products and whether steps are captured."""
    if device == "cuda":
        return [(form, captured) for form in FORMS for captured in (True, False)]
    return [("float32", False)]


def run(report: Report, options: Options) -> None:
    """Check the largest group in each form, then time all groups in all forms, the largest first."""
    device = options.device
    devices.prepare(device)
    job_ = slices(options.smoke)["original"]
    sizes = job_.runs[0]
    with problems.image_data(Path("data"), sizes["train_size"], sizes["test_size"]) as source:
        data = problems.loader(job_, Path("data"))(sizes)
    report.set(images=source, exact=[], steps=[])
    losses = {}
    for form in FORMS:
        if device != "cuda":
            report.not_run(f"captured image steps: {form} products", "needs a GPU")
            continue
        losses[form] = exact(report, job_, data, device, form)
        free(device)
    if losses:
        report.set(losses_of_split_differ_by=float(np.max(np.abs(losses["split"] / losses["float32"] - 1))))
    for group in groups(job_):
        columns = sum(run["tensor_rank"] for run in group.runs)
        for form, captured in forms(device):
            if options.time_left() < LEAST:
                report.not_run(f"time of {columns} columns, {form}, captured: {captured}", "no time left")
                continue
            with problems.products(FORMS[form]):
                row = timed(make(group, data, device, captured), device)
            free(device)
            report.append("steps", {"columns": columns, "products": form, "captured": captured, **row})
    whole = max((row["columns"] for row in report.content["steps"]), default=0)
    report.set(
        summary=f"{whole} columns: "
        + ", ".join(
            f"{row['products']} {'captured' if row['captured'] else 'uncaptured'} {1e3 * row['step_s']:.3g} ms"
            for row in report.content["steps"]
            if row["columns"] == whole
        )
    )
