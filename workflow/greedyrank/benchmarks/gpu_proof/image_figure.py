"""The image figure at published scale, for as many epochs as fit: all ranks, all labels and the controls."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np
import torch
import yaml

from greedyrank import storage
from greedyrank.benchmarks.gpu_proof import problems
from greedyrank.benchmarks.gpu_proof.report import Options, Report, read
from greedyrank.config.sweep_loader import load_sweep
from greedyrank.config.sweeps import Run, Slice, choices, narrow
from greedyrank.kernels import image_bits
from greedyrank.training import devices, job
from greedyrank.training.protocols import Stepper

SWEEPS = Path("workflow/papers/razin_2021/sweeps.yaml")
SWEEP, DATASET = "image_rank", "mnist"
DATASETS = 2  # of the figure
LAST_SECONDS = 8.0  # kept for the last observables and the files
EPOCHS_OF_TIMING = 3
SAVE_SECONDS = 20.0


@dataclass
class Variant:
    """One job of the figure: its stepper, and its losses so far."""

    slice_: Slice
    runs: list[Run]
    stepper: Stepper
    seconds: float = 0.0
    losses: list[np.ndarray] = field(default_factory=list)
    observed: list[dict[str, np.ndarray]] = field(default_factory=list)

    def columns(self) -> int:
        """Return how many columns the products of its step have."""
        return sum(run["tensor_rank"] for run in self.runs)


def slices(smoke: bool) -> dict[str, Slice]:
    """Return the jobs of one data set at the scale of the paper, named after their images."""
    block = yaml.safe_load(SWEEPS.read_text(encoding="utf-8"))[SWEEP]
    sweep = load_sweep(block, "smoke" if smoke else "paper")
    return {
        choice["images"]: narrow(sweep.whole, choice)
        for choice in choices(sweep.whole, sweep.job_per)
        if choice["dataset"] == DATASET
    }


def make(slice_: Slice, device: str, split: bool) -> Variant:
    """Return a job at its start, with its products in one of their two forms."""
    runs = slice_.runs
    data = problems.loader(slice_, Path("data"))(runs[0])  # all runs of a job see the same images
    with mock.patch.object(image_bits, "SPLIT_ON_GPU", split):
        return Variant(slice_, runs, job.make_stepper(slice_, [data] * len(runs), device))


def time_steps(variant: Variant, epochs: int) -> dict:
    """Return the seconds of a step, and of calling it without waiting for the device, after one epoch."""
    steps = epochs * variant.stepper.steps_per_epoch
    variant.stepper.advance(variant.stepper.steps_per_epoch)
    variant.stepper.losses()
    begun = time.perf_counter()
    variant.stepper.advance(steps)
    called = time.perf_counter() - begun
    losses = variant.stepper.losses()
    spent = time.perf_counter() - begun
    return {"columns": variant.columns(), "step_s": spent / steps, "call_s": called / steps, "losses": losses}


def choose(report: Report, options: Options, jobs: dict[str, Slice]) -> bool:
    """Time both forms of the products on the largest job, and return whether to train with split ones.

    They are taken where the part ``products`` found them accurate enough, and they are faster.
    """
    slice_ = max(jobs.values(), key=lambda slice_: len(slice_.runs))
    timed = {}
    for form, is_split in (("float32", False), ("split", True)):
        if is_split and options.device != "cuda":
            report.not_run("split products", "needs a GPU")
            continue
        if options.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        timed[form] = time_steps(make(slice_, options.device, is_split), EPOCHS_OF_TIMING)
        if options.device == "cuda":
            timed[form]["card_bytes"] = torch.cuda.max_memory_allocated()
            torch.cuda.empty_cache()
    losses = {form: row.pop("losses") for form, row in timed.items()}
    report.set(steps=timed)
    if "split" not in timed:
        return False
    apart = float(np.max(np.abs(losses["split"] - losses["float32"]) / losses["float32"]))
    report.set(losses_of_split_differ_by=apart)
    products = options.out / "products.json"
    accurate = products.exists() and read(products).get("split_step_is_accurate", False)
    return accurate and timed["split"]["step_s"] < timed["float32"]["step_s"]


def save(report: Report, options: Options, variants: dict[str, Variant], every: int) -> None:
    """Write what there is: the curves, and the rate of every job."""
    arrays, rows, whole = {}, [], 0.0
    for name, variant in variants.items():
        epochs = every * len(variant.losses)
        if not epochs:
            continue
        published = variant.runs[0]["stop"]["max_epochs"]
        per_epoch = variant.seconds / epochs
        whole += DATASETS * published * per_epoch
        rows.append(
            {
                "images": name,
                "runs": len(variant.runs),
                "columns": variant.columns(),
                "epochs": epochs,
                "seconds": variant.seconds,
                "epochs_per_s": 1 / per_epoch,
                "step_s": per_epoch / variant.stepper.steps_per_epoch,
                "hours_of_all_epochs": published * per_epoch / 3600,
            }
        )
        for setting in ("tensor_rank", "label"):
            arrays[f"{name}_{setting}"] = np.array([run[setting] for run in variant.runs])
        arrays[f"{name}_random_labels"] = np.array([run["labels"] == "random" for run in variant.runs])
        arrays[f"{name}_epoch"] = every * np.arange(1, len(variant.losses) + 1)
        arrays[f"{name}_loss"] = np.array(variant.losses, dtype=np.float32)
        for kind in variant.observed[-1] if variant.observed else ():
            arrays[f"{name}_{kind}"] = np.array([found[kind] for found in variant.observed], dtype=np.float32)
    report.set(jobs=rows, hours_of_the_whole_figure=whole / 3600)
    with storage.writing(options.out / "image.npz") as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def train(report: Report, options: Options, variants: dict[str, Variant]) -> None:
    """Train all jobs in turns until the time is over, so that all have seen as many epochs."""
    first = next(iter(variants.values())).runs[0]
    every = first["record"]["every_epochs"]
    chunk = max(1, every // 5)
    saved, longest = time.monotonic(), 0.0
    for done in range(chunk, first["stop"]["max_epochs"] + 1, chunk):
        begun_round = time.monotonic()
        for variant in variants.values():
            begun = time.monotonic()
            variant.stepper.advance(chunk * variant.stepper.steps_per_epoch)
            variant.losses.append(variant.stepper.losses())
            if done % every == 0:
                variant.observed.append(variant.stepper.observables())
            variant.seconds += time.monotonic() - begun
        now = time.monotonic()
        longest = max(longest, now - begun_round)
        if now - saved > SAVE_SECONDS:
            save(report, options, variants, chunk)
            saved = time.monotonic()
        if options.time_left() < LAST_SECONDS + longest:
            break
    save(report, options, variants, chunk)


def run(report: Report, options: Options) -> None:
    """Time both forms of the step, then train in the better one."""
    devices.prepare(options.device)
    jobs = slices(options.smoke)
    sizes = next(iter(jobs.values())).runs[0]
    with problems.image_data(Path("data"), sizes["train_size"], sizes["test_size"]) as source:
        report.set(images=source)
        split = choose(report, options, jobs)
        report.set(products="split" if split else "float32")
        variants = {name: make(slice_, options.device, split) for name, slice_ in jobs.items()}
    train(report, options, variants)
    bad = [name for name, variant in variants.items() if not np.isfinite(variant.losses[-1]).all()]
    report.check("losses are finite", not bad, ", ".join(bad) or "in every run of every job")
    epochs = report.content["jobs"][0]["epochs"]
    report.set(
        summary=f"{epochs} epochs of {', '.join(variants)} with {report.content['products']} products, on {source};"
        f" the whole figure would take {report.content['hours_of_the_whole_figure']:.3g} h"
    )
