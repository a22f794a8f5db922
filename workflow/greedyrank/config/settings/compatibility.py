"""Which problems, factorizations and schedules go together."""

from __future__ import annotations

import math

from greedyrank.config.settings.base import Settings, check_widths
from greedyrank.config.settings.factorizations import CP, PSD, Autoencoder, BinaryCP, DeepMatrix, Hierarchical, Tucker
from greedyrank.config.settings.problems import PROBLEMS, Autoencoding, ImageClassification, MovieLens, Target
from greedyrank.config.settings.training import Training


def across(problem: Settings, factorization: Settings, training: Training) -> None:
    """Check what no tenant can check alone.

    Raises
    ------
    ValueError
        If the factorization cannot represent the problem's object, or the training loop cannot
        feed it.
    """
    if isinstance(factorization, BinaryCP) != isinstance(problem, ImageClassification):
        raise ValueError("binary_cp goes with image_classification, and only with it")
    if isinstance(factorization, Autoencoder) != isinstance(problem, Autoencoding):
        raise ValueError("autoencoder goes with autoencoding, and only with it")
    if isinstance(problem, Autoencoding) and training.order_seed:
        raise ValueError("autoencoding takes the images in the order of the file: no `order_seed`")
    if isinstance(problem, (ImageClassification, Autoencoding)):
        name = next(name for name, model in PROBLEMS.items() if isinstance(problem, model))
        if training.batch_size is None or training.stop.max_epochs is None or training.record.every_epochs is None:
            raise ValueError(f"{name} needs `batch_size`, and `max_epochs` and `every_epochs` in place of steps")
        if training.growth is not None:
            raise ValueError(f"{name} is recorded at the ends of epochs: no `growth`")
        if training.batch_size > problem.train_size:
            raise ValueError(f"batch_size is {training.batch_size}; train_size allows at most {problem.train_size}")
    elif training.batch_size or training.stop.max_epochs or training.record.every_epochs:
        raise ValueError("full-batch descent counts in steps: no `batch_size`, `max_epochs` or `every_epochs`")
    if isinstance(problem, MovieLens) and training.growth is not None:
        raise ValueError("movielens is recorded as spectra, not as matrices: no `growth`")
    if training.record.end_to_end and isinstance(problem, (MovieLens, ImageClassification, Autoencoding)):
        raise ValueError("`end_to_end` is recorded of completion and sensing alone")
    if isinstance(factorization, DeepMatrix):
        if len(problem.shape) != 2:
            raise ValueError(f"shape is {problem.shape}; deep_matrix takes matrices")
        if isinstance(problem, Target) and problem.loss == "huber":
            raise ValueError("deep_matrix has no huber loss: its growth laws are measured with squares")
        if factorization.det != "any" and problem.shape[0] != problem.shape[1]:
            raise ValueError(f"shape is {problem.shape}; only a square matrix has a determinant: leave out `det`")
    if isinstance(factorization, PSD) and (len(problem.shape) != 2 or problem.shape[0] != problem.shape[1]):
        raise ValueError(f"shape is {problem.shape}; psd takes square matrices")
    if isinstance(factorization, CP):
        most = math.prod(problem.shape)
        if factorization.components > most:
            raise ValueError(f"components is {factorization.components}; the shape {problem.shape} has {most} entries")
    if isinstance(factorization, Tucker) and (core := factorization.core_shape) is not None:
        if len(core) != len(problem.shape) or not all(1 <= r <= n for r, n in zip(core, problem.shape, strict=True)):
            raise ValueError(
                f"core_shape is {core}; allowed: one length a mode, each from 1 to that of {problem.shape}"
            )
        if factorization.depth == 0 and core != problem.shape:
            raise ValueError(f"core_shape is {core}; at depth 0 the core is the tensor, of shape {problem.shape}")
    if isinstance(factorization, Hierarchical):
        check_widths("widths", factorization.widths, problem.shape)
