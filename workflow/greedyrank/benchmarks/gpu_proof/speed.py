"""The bench on the card, and from how many runs on a step takes longer instead of doing more."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import torch

from greedyrank.benchmarks import steps as timing
from greedyrank.benchmarks.gpu_proof import floors, problems
from greedyrank.benchmarks.gpu_proof.report import Options, Report, read
from greedyrank.config.sweeps import Slice
from greedyrank.training import devices
from greedyrank.training.protocols import Arrays
from greedyrank.training.stepper import TorchStepper

WARM_UP = 8  # steps before any is timed: kernels are loaded, and a step is captured
GAIN = 1.1  # of steps times runs a second, below which more runs are not worth their memory
MOST_RUNS = 512
SMOKE = ("2x2 depth3", "deep_matrix 100x100 depth2 float32")
SHARE_OF_CASES = 0.6  # of the time; the rest is for the number of runs


def one_case(name: str, device: str, peaks: dict[str, float], card: floors.Card | None, at_least: float) -> dict:
    """Return the times of one case of the bench in all its forms, what its step does, and the floor of that."""
    case, published, plain, flops = timing.CASES[name](device)
    captured = isinstance(case.stepper, TorchStepper) and case.stepper._graph is not None
    row: dict[str, Any] = {"case": name, "captured": captured}
    if isinstance(case.stepper, TorchStepper):  # a compiled one calls no kernels of torch
        kernels = floors.kernels_of(case.stepper)
        row |= floors.total(kernels)
        row["floor_s"] = floors.seconds(kernels, card, captured) if card else None
    case.engine(WARM_UP)
    engine = timing.seconds(case.engine, at_least, 5)
    plain_s = timing.seconds(plain, at_least, 3)
    published_s = timing.seconds(published, at_least, 3) if published else None
    return row | {
        "engine_s": engine,
        "plain_s": plain_s,
        "published_s": published_s,
        "ratio": plain_s / engine,
        "ratio_published": published_s / engine if published_s else None,
        "gemm_fraction": flops / engine / peaks[case.runs[0]["dtype"]] if flops else None,
    }


def _step_seconds(slice_: Slice, data: list[Arrays], device: str, at_least: float) -> float:
    stepper = problems.stepper(slice_, data, device)
    stepper.advance(WARM_UP)
    return timing.seconds(stepper.advance, at_least, 3)


def saturation(factorization: str, options: Options, at_least: float) -> dict:
    """Return steps times runs a second over the number of runs, doubled until that gains too little."""
    rates: dict[int, float] = {}
    gained, reason = 0, "the most that is tried"
    runs, most = 1, 2 if options.smoke else MOST_RUNS
    while runs <= most:
        if options.time_left() < 3:
            reason = "no time left"
            break
        slice_ = problems.full(factorization, runs)
        settings = slice_.runs
        data = problems.loader(slice_, Path("data"))(settings[0])
        try:
            rates[runs] = runs / _step_seconds(slice_, [data] * runs, options.device, at_least)
        except torch.OutOfMemoryError:
            reason = "out of memory"
            break
        finally:
            gc.collect()  # a stepper and its captured step refer to each other
            if options.device == "cuda":
                torch.cuda.empty_cache()
        if runs > 1 and rates[runs] < GAIN * rates[runs // 2]:
            reason = f"gains less than {GAIN - 1:.0%}"
            break
        gained, runs = runs, 2 * runs
    return {"factorization": factorization, "runs_times_steps_per_s": rates, "saturates_at": gained, "ended": reason}


def run(report: Report, options: Options) -> None:
    """Time every case, then double the runs of every factorization."""
    device = options.device
    devices.prepare(device)
    at_least = 0.02 if options.smoke else 0.1
    size = 512 if options.smoke else 4096
    shape = [(size, size, size)]
    peaks = {
        name: 2 * size**3 / timing.product_seconds(shape, device, getattr(torch, name), repeats=3)
        for name in ("float32", "float64")
    }
    machine = options.out / "machine.json"
    card = floors.measured(read(machine)) if machine.exists() else None
    report.set(peaks=peaks, cases=[], saturation=[])
    whole = options.time_left()
    for name in SMOKE if options.smoke else timing.CASES:
        if options.time_left() < (1 - SHARE_OF_CASES) * whole:
            report.not_run(name, "no time left")
            continue
        try:
            row = one_case(name, device, peaks, card, at_least)
            report.append("cases", row)
            report.check(name, True, f"{row['engine_s']:.3g} s a step, plain autograd {row['plain_s']:.3g} s")
        except Exception as error:
            report.check(name, False, f"{type(error).__name__}: {str(error)[:300]}")
    with problems.image_data(Path("data")) as source:
        report.set(images=source)
        for factorization in ("cp",) if options.smoke else (*problems.FULL, *problems.FULL_IMAGES):
            if options.time_left() < 3:
                report.not_run(f"runs of {factorization}", "no time left")
                continue
            try:
                report.append("saturation", saturation(factorization, options, at_least / 2))
            except Exception as error:
                report.check(f"runs of {factorization}", False, f"{type(error).__name__}: {str(error)[:300]}")
    ratios = [row["ratio"] for row in report.content["cases"]]
    gains = f"{min(ratios):.3g} to {max(ratios):.3g} times plain autograd" if ratios else "none timed"
    full = ", ".join(f"{row['factorization']} {row['saturates_at']}" for row in report.content["saturation"])
    report.set(summary=f"{len(ratios)} cases, {gains}; runs that saturate a step: {full}")
