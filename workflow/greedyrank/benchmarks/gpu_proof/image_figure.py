"""The image figure at published scale, for as many epochs as fit: all ranks, all labels and the controls."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from greedyrank import storage
from greedyrank.benchmarks.gpu_proof import problems
from greedyrank.benchmarks.gpu_proof.image_jobs import slices
from greedyrank.benchmarks.gpu_proof.report import Options, Report, read
from greedyrank.config.sweeps import Run, Slice
from greedyrank.training import devices
from greedyrank.training.protocols import Stepper

DATASETS = 2  # of the figure
LAST_SECONDS = 8.0  # kept for the last observables and the files
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


def make(slice_: Slice, device: str, split: bool) -> Variant:
    """Return a job at its start, with its products in one of their two forms."""
    runs = slice_.runs
    data = problems.loader(slice_, Path("data"))(runs[0])  # all runs of a job see the same images
    with problems.products(split):
        return Variant(slice_, runs, problems.stepper(slice_, [data] * len(runs), device))


def is_split(options: Options) -> bool:
    """Tell whether split products were found accurate enough, and faster on the largest group."""
    products, steps = options.out / "products.json", options.out / "steps.json"
    if not (products.exists() and steps.exists() and read(products).get("split_step_is_accurate")):
        return False
    rows = [row for row in read(steps).get("steps", []) if row["captured"]]
    return bool(rows) and min(rows, key=lambda row: (-row["columns"], row["step_s"]))["products"] == "split"


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
    """Train all jobs in turns until the time is over, so that all have seen as many epochs, as far as they go."""
    first = next(iter(variants.values())).runs[0]
    every = first["record"]["every_epochs"]
    chunk = max(1, every // 5)
    saved, longest = time.monotonic(), 0.0
    for done in range(chunk, first["stop"]["max_epochs"] + 1, chunk):
        begun_round = time.monotonic()
        for variant in variants.values():
            if done > variant.runs[0]["stop"]["max_epochs"]:
                continue
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
    """Train all jobs in turns, with the products that the parts `products` and `steps` found better."""
    devices.prepare(options.device)
    jobs = slices(options.smoke)
    sizes = next(iter(jobs.values())).runs[0]
    with problems.image_data(Path("data"), sizes["train_size"], sizes["test_size"]) as source:
        report.set(images=source)
        split = is_split(options)
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
