"""The problems that the proof trains on: small ones to compare devices, those of the bench to measure speed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from greedyrank.config.sweep_loader import load_sweep
from greedyrank.config.sweeps import Slice
from greedyrank.data import images, instances
from greedyrank.kernels import image_bits
from greedyrank.problems.on_gpu import image_classification
from greedyrank.storage import CorruptFile
from greedyrank.training import job, on_gpu
from greedyrank.training.protocols import Arrays, Stepper

OPTIMIZERS = ("gd", "group_rmsprop", "adam")

# Settings that leave the first saddle within some hundred steps, small enough for one thread of a CPU.
SMALL = {
    "deep_matrix": {"shape": [20, 20], "depth": 3, "product_std": 1e-2, "target_rank": 3, "observations": 200},
    "psd": {"shape": [20, 20], "factor_norm": 0.1, "target_rank": 3, "observations": 200},
    "cp": {"shape": [8, 8, 8], "components": 20, "factor_std": 0.1, "target_rank": 3, "observations": 250},
    "deep_cp": {"shape": [8, 8, 8], "components": 20, "depth": 2, "factor_std": 0.3, "target_rank": 3,
                "observations": 250},
    "tucker": {"shape": [8, 8, 8], "depth": 2, "core_std": 0.1, "target_multilinear_rank": [3, 3, 3],
               "observations": 250},
    "hierarchical": {"shape": [5, 5, 5, 5], "widths": [12, 12], "factor_std": 0.15, "target_widths": [3, 3],
                     "observations": 300},
}  # fmt: skip
TARGET_NORM = {"deep_matrix": 20.0, "psd": 20.0, "cp": 22.0, "deep_cp": 22.0, "tucker": 22.0, "hierarchical": 25.0}
# Learning rates; gradient descent divides by nothing, so its rate depends on the factorization.
RATES = {"group_rmsprop": 1e-2, "adam": 1e-2}
RATES_OF_GD = {"deep_matrix": 0.1, "psd": 1.0, "cp": 1.0, "deep_cp": 0.5, "tucker": 0.5, "hierarchical": 2.0}

IMAGES = {"dataset": "mnist", "train_size": 1000, "test_size": 200, "batch_size": 250}
SMALL_IMAGES = {
    "binary_cp": ("image_classification", {**IMAGES, "tensor_rank": 3, "learning_rate": 5e-4}, {"label": [3, 6]}),
    "autoencoder": (
        "autoencoding",
        {**IMAGES, "train_size": 64, "test_size": 20, "batch_size": 16, "latent_size": 8, "linear_layers": 2,
         "learning_rate": 1e-3},
        {"seed": [0, 1]},
    ),
}  # fmt: skip

# The sizes of the bench and of the figures, for steps a second over the number of runs: settings and the axis of runs.
FULL = {
    "deep_matrix": {"shape": [100, 100], "depth": 3, "product_std": 1e-3, "target_rank": 5, "observations": 2000},
    "psd": {"shape": [100, 100], "factor_norm": 0.5, "target_rank": 5, "observations": 2000},
    "cp": {"shape": [8, 8, 8, 8], "components": 512, "factor_std": 0.01, "target_rank": 5, "observations": 1000},
    "deep_cp": {"shape": [8, 8, 8], "components": 64, "depth": 3, "factor_std": 0.3, "target_rank": 3,
                "observations": 250},
    "tucker": {"shape": [25, 25, 25], "depth": 2, "core_std": 0.004, "target_multilinear_rank": [5, 5, 5],
               "observations": 10938},
    "hierarchical": {"shape": [8, 8, 8, 8], "widths": [512, 512], "factor_std": 0.01, "target_widths": [5, 5],
                     "observations": 2048},
}  # fmt: skip
FULL_IMAGES = {
    "binary_cp": (
        "image_classification",
        {"dataset": "mnist", "tensor_rank": 15, "label": 6, "learning_rate": 5e-4, "batch_size": 5000},
    ),
    "autoencoder": (
        "autoencoding",
        {"dataset": "mnist", "train_size": 4096, "test_size": 512, "batch_size": 32, "latent_size": 128,
         "linear_layers": 4, "learning_rate": 1e-4},
    ),
}  # fmt: skip


def slice_of(problem: str, factorization: str, optimizer: str, fixed: dict, axes: dict) -> Slice:
    """Return the slice of one group, with the defaults of every setting that is not given."""
    block = {
        "source": "the proof of the GPU path",
        "problem": problem,
        "factorization": factorization,
        "optimizer": optimizer,
        "beyond_step_limit": True,
        "fixed": fixed,
        "axes": axes,
    }
    return load_sweep(block).whole


def small(factorization: str, optimizer: str, dtype: str, runs: int = 2) -> Slice:
    """Return a small slice of a factorization, of so many runs; images have as many as their table says."""
    if factorization in SMALL_IMAGES:
        problem, fixed, axes = SMALL_IMAGES[factorization]
        schedule = {"stop": {"max_epochs": 1}, "record": {"every_epochs": 1}}
        return slice_of(problem, factorization, optimizer, {**fixed, **schedule, "dtype": dtype}, axes)
    fixed = {
        **SMALL[factorization],
        "target_norm": TARGET_NORM[factorization],
        "loss": "mean",
        "learning_rate": RATES.get(optimizer, RATES_OF_GD[factorization]),
        "dtype": dtype,
        "stop": {"max_steps": 1},
        "record": {"every": 1},
    }
    return slice_of("completion", factorization, optimizer, fixed, {"seed": list(range(runs))})


def full(factorization: str, runs: int) -> Slice:
    """Return a slice at the size of the figures, of so many runs that differ in their seeds."""
    axes = {"seed": list(range(runs))}
    if factorization in FULL_IMAGES:
        problem, fixed = FULL_IMAGES[factorization]
        schedule = {"stop": {"max_epochs": 10**6}, "record": {"every_epochs": 10**6}}
        return slice_of(problem, factorization, "adam", {**fixed, **schedule, "dtype": "float32"}, axes)
    fixed = {
        **FULL[factorization],
        "target_norm": 100.0,
        "loss": "mean",
        "learning_rate": 1e-3,
        "dtype": "float32",
        "stop": {"max_steps": 10**9},
        "record": {"every": 10**9},
    }
    return slice_of("completion", factorization, "group_rmsprop", fixed, axes)


def pictures(train: int, test: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return made-up images of ten classes in the form of `greedyrank.data.images.load`.

    Each class has a smooth field of chances, and each image draws its pixels from its class's. What a step
    costs does not depend on the bits.
    """
    rng = np.random.default_rng(0)
    coarse = rng.standard_normal((10, 7, 7), dtype=np.float32)
    chances = 1 / (1 + np.exp(1.5 - 2.5 * np.repeat(np.repeat(coarse, 4, axis=1), 4, axis=2)))
    made = {}
    for part, size in (("train", train), ("test", test)):
        labels = (np.arange(size) % 10).astype(np.uint8)
        bits = rng.random((size, 28, 28), dtype=np.float32) < chances[labels]
        made[part] = (bits.astype(np.uint8) * 255, labels)
    return made


@contextlib.contextmanager
def image_data(data_dir: Path, train: int = 60000, test: int = 10000) -> Iterator[str]:
    """Let data be generated from MNIST's files, or from made-up images where they are not here; say which."""
    try:
        images.load(data_dir, "mnist")
    except CorruptFile:
        made = pictures(train, test)
        with mock.patch.object(images, "load", lambda data_dir, dataset: made):
            yield "made-up images of MNIST's sizes"
    else:
        yield "MNIST"


@contextlib.contextmanager
def products(split: bool) -> Iterator[None]:
    """Let steppers of images that are made now take float32 products on matrix units, or not."""
    with (
        mock.patch.object(image_bits, "SPLIT_ON_GPU", split),
        mock.patch.object(image_classification, "SPLIT", split),
    ):
        yield


def stepper(slice_: Slice, data: Sequence[Arrays], device: str) -> Stepper:
    """Return the stepper with which a job trains a group on a device."""
    return job.make_stepper(on_gpu.suited(slice_, device), data, device)


def loader(slice_: Slice, data_dir: Path) -> Callable[[Mapping[str, Any]], dict[str, np.ndarray]]:
    """Return what gives the data of a run of a slice."""
    return instances.generator(slice_.problem, data_dir)
