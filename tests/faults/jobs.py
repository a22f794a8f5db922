"""Training jobs that take some seconds, long enough for something to go wrong in the middle: one a kind of stepper."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

from greedyrank.plan.graph import Plan

IMAGES = "results/smoke/data/image_rank/dataset-mnist_images-original.npz"
# Sweep, job, data, what makes the job long enough to be killed in the middle, and its last step.
JOBS = {
    "numba": (
        "det_sign",
        "depth-3_dtype-float64",
        "results/smoke/data/det_sign/all.npz",
        {"stop": {"loss": 0.0, "checks": 0, "every": 2000, "max_steps": 2_000_000, "max_epochs": None}},
        2_000_000,
    ),
    "torch": (
        "component_norms",
        "factor_std-0.1_data_seed-0",
        "results/smoke/data/component_norms/all.npz",
        {"stop": {"loss": 0.0, "checks": 0, "every": 20, "max_steps": 3000, "max_epochs": None}},
        3000,
    ),
    "minibatch Adam on images": (
        "image_rank",
        "dataset-mnist_images-original",
        IMAGES,
        {"stop": {"loss": 0.0, "checks": 0, "every": 1, "max_steps": None, "max_epochs": 100}},
        200,
    ),
}


def slice_of(sweep: str, job: str) -> dict:
    """Return the settings of one training job."""
    return json.loads(Plan({"scale": "smoke"}).train_slice(SimpleNamespace(sweep=sweep, job=job)))


def command(kind: str, out: Path, seconds: float) -> list[str]:
    """Return the command line of a job that keeps checkpoints beside its result, so many seconds apart."""
    sweep, job, data, longer, _ = JOBS[kind]
    settings = slice_of(sweep, job)
    settings["cases"] = [
        {name: values for name, values in case.items() if name != "stop"} for case in settings["cases"]
    ]
    settings["fixed"] |= longer
    return [
        sys.executable, "scripts/train.py", "--name", "killed", "--slice", json.dumps(settings), "--data", data,
        "--checkpoints", str(out.parent / "checkpoints"), "--checkpoint-seconds", str(seconds), "--out", str(out),
    ]  # fmt: skip
