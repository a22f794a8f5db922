"""What of a sweep is less at its scale than in full, in a reader's words."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

# What a reader calls several values of a setting, and one of them.
NAMES = {
    "data_seed": ("targets", "target"),
    "seed": ("seeds", "seed"),
    "factor_std": ("inits", "init"),
    "product_std": ("inits", "init"),
    "core_std": ("inits", "init"),
    "observations": ("numbers of observations", "observations"),
    "measurements": ("numbers of measurements", "measurements"),
    "depth": ("depths", "depth"),
    "tensor_rank": ("tensor ranks", "tensor rank"),
    "label": ("labels", "label"),
    "learning_rate": ("step sizes", "step size"),
    "train_size": ("numbers of training images", "training images"),
    "test_size": ("numbers of test images", "test images"),
    "batch_size": ("sizes of batches", "images a batch"),
    "stop.max_steps": ("caps on steps", "cap on steps"),
    "stop.max_epochs": ("numbers of epochs", "epochs"),
    "stop.loss": ("losses to stop at", "loss to stop at"),
    "observed_fraction": ("observed fractions", "observed fraction"),
    "shape": ("shapes", "shape"),
}


def _written(values: list) -> str:
    """Return values as text: all of up to two, else the first and the last."""
    shown = values if len(values) < 3 else [values[0], values[-1]]
    texts = (
        f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else value
        for value in shown
    )
    return (" to " if len(values) > 2 else ", ").join(texts)


def words(sweep: xr.Dataset) -> list[str]:
    """Return what is less in a sweep than in full, one short text for each setting."""
    found = []
    for name, (ours, full) in json.loads(sweep.attrs.get("reduced", "{}")).items():
        if name == "runs":
            found.append(f"{ours[0]:,} of {full[0]:,} runs")
            continue
        several, one = NAMES.get(name, (name.replace("_", " "),) * 2)
        if all(value in full for value in ours):
            found.append(f"{len(ours)} of {len(full)} {several}")
        else:
            found.append(f"{one} {_written(ours)}, in full {_written(full)}")
    return found


def in_full(sweep: xr.Dataset, name: str) -> np.ndarray:
    """Return the values in full of a setting that has fewer in a sweep; none where it has all."""
    _, full = json.loads(sweep.attrs.get("reduced", "{}")).get(name, ([], []))
    return np.array(full, dtype=float)
