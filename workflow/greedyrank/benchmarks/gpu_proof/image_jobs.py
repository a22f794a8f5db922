"""The jobs of the image figure that the proof takes its steps of."""

from __future__ import annotations

from pathlib import Path

import yaml

from greedyrank.config.sweep_loader import load_sweep
from greedyrank.config.sweeps import Slice, choices, narrow

SWEEPS = Path("workflow/papers/razin_2021/sweeps.yaml")
SWEEP, DATASET = "image_rank", "mnist"
LABEL = 6  # the default one of the published code


def slices(smoke: bool) -> dict[str, Slice]:
    """Return the jobs of one data set at the scale of the paper, named after their images."""
    block = yaml.safe_load(SWEEPS.read_text(encoding="utf-8"))[SWEEP]
    sweep = load_sweep(block, "smoke" if smoke else "paper")
    return {
        choice["images"]: narrow(sweep.whole, choice)
        for choice in choices(sweep.whole, sweep.job_per)
        if choice["dataset"] == DATASET
    }
