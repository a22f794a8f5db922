"""Every setting a sweep may have: its type, unit, meaning and source, tenant by tenant.

One class a tenant, found by name in ``PROBLEMS``, ``FACTORIZATIONS`` and ``OPTIMIZERS``. Planning
reads only this module, so it never imports torch. Values are checked strictly: text is no number.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Settings(BaseModel):
    """Strict settings: unknown keys are errors.

    ``same_in_batch`` names the settings on which the shape of the arrays depends, so that runs
    that differ in them cannot train in one batch.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    same_in_batch: ClassVar[tuple[str, ...]] = ()


class Completion(Settings):
    """Recover a matrix or tensor from some of its entries."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("shape",)
    data_settings: ClassVar[tuple[str, ...]] = ("shape", "observed", "target_rank", "target_norm", "data_seed")

    shape: list[int] = Field(min_length=2, description="length of each mode")
    loss: Literal["mean", "half_sum"] = Field(
        description="mean of the squared residuals over the observed entries, or half their sum"
    )
    observed: list[list[float]] | None = Field(
        default=None, description="observed entries by hand: one index a mode, then the value"
    )
    observations: int | None = Field(
        default=None, gt=0, description="number of entries drawn uniformly without replacement"
    )
    target_rank: int | None = Field(default=None, gt=0, description="CP rank of the Gaussian target")
    target_norm: float | None = Field(default=None, gt=0, description="Frobenius norm of the target")
    data_seed: int = Field(default=0, ge=0, description="draws the target and the order of its entries")

    @model_validator(mode="after")
    def _consistent(self):
        drawn = (self.observations, self.target_rank, self.target_norm)
        if (self.observed is None) == (None in drawn):
            raise ValueError("give either `observed`, or `observations`, `target_rank` and `target_norm`")
        if min(self.shape) < 1:
            raise ValueError(f"shape is {self.shape}; every mode needs a length of at least 1")
        entries = math.prod(self.shape)
        if self.observed is not None:
            if self.target_rank or self.target_norm or self.observations:
                raise ValueError("`observed` excludes `observations`, `target_rank` and `target_norm`")
            for row in self.observed:
                index = row[:-1]
                if len(index) != len(self.shape) or any(
                    i != int(i) or not 0 <= i < n for i, n in zip(index, self.shape, strict=False)
                ):
                    raise ValueError(
                        f"observed has the row {row};"
                        f" allowed: {len(self.shape)} indices within {self.shape}, then a value"
                    )
        else:
            if self.observations > entries:
                raise ValueError(
                    f"observations is {self.observations}; a tensor of shape {self.shape} has {entries} entries"
                )
            highest = entries // max(self.shape)
            if self.target_rank > highest:
                raise ValueError(f"target_rank is {self.target_rank}; the shape {self.shape} allows at most {highest}")
        return self


class ImageClassification(Settings):
    """Tell one class of 1-bit images from the rest, as completion of a tensor of order 784."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("dataset", "images", "train_size", "test_size", "data_seed")
    data_settings: ClassVar[tuple[str, ...]] = ("dataset", "images", "data_seed")

    dataset: Literal["mnist", "fashion_mnist"] = Field(description="which images")
    images: Literal["original", "random"] = Field(
        default="original", description="the images, or independent uniform bits in their place"
    )
    labels: Literal["original", "random"] = Field(
        default="original", description="the labels, or the same labels permuted within each set"
    )
    label: int = Field(ge=0, le=9, description="the positive class of one-against-all")
    train_size: int = Field(default=60000, gt=0, le=60000, description="first so many training images")
    test_size: int = Field(default=10000, gt=0, le=10000, description="first so many test images")
    data_seed: int = Field(default=0, ge=0, description="draws random images and permuted labels")


class DeepMatrix(Settings):
    """Product of ``depth`` square matrices, W = W_N ... W_1."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("depth",)

    depth: int = Field(gt=0, description="number of factors N")
    identity_scale: float | None = Field(
        default=None, gt=0, description="W(0) = identity_scale I, each factor identity_scale^(1/N) I (Arora et al.)"
    )
    product_std: float | None = Field(
        default=None, gt=0, description="standard deviation of the entries of W(0) (Razin & Cohen)"
    )
    balanced: bool = Field(default=False, description="draw W(0), then split its SVD evenly over the factors")
    det: Literal["any", "positive", "negative"] = Field(default="any", description="sign of det W(0), by redrawing")
    seed: int = Field(default=0, ge=0, description="draws the initial factors")

    @model_validator(mode="after")
    def _one_init(self):
        if (self.identity_scale is None) == (self.product_std is None):
            raise ValueError("give exactly one of `identity_scale` and `product_std`")
        return self


class CP(Settings):
    """Sum of ``components`` outer products of vectors."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("components",)

    components: int = Field(gt=0, description="number of components R")
    factor_std: float = Field(gt=0, description="standard deviation of the entries of the initial factors")
    seed: int = Field(default=0, ge=0, description="draws the initial factors")


class BinaryCP(Settings):
    """CP of order 784 with modes of length 2: each prediction a sum of products of 784 factors."""

    tensor_rank: int = Field(gt=0, description="number of components")
    init_mean: float = Field(default=1.0, description="mean of the initial factors")
    init_std: float = Field(default=1.0e-3, ge=0, description="standard deviation of the initial factors")
    seed: int = Field(default=0, ge=0, description="draws the initial factors")


class GD(Settings):
    """Plain gradient descent."""

    learning_rate: float = Field(gt=0, description="step size")


class GroupRMSprop(Settings):
    """GD whose step is divided by a running norm of the whole gradient, one scalar a run."""

    learning_rate: float = Field(gt=0, description="numerator of the effective step")
    decay: float = Field(default=0.99, ge=0, lt=1, description="decay of the running squared norm")
    eps: float = Field(default=1.0e-6, gt=0, description="added after the square root")


class Adam(Settings):
    """Adam (Kingma & Ba), as in torch."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("beta1", "beta2", "eps")

    learning_rate: float = Field(gt=0, description="step size")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="decay of the mean gradient")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="decay of the mean squared gradient")
    eps: float = Field(default=1.0e-8, gt=0, description="added after the square root")


class Stop(Settings):
    """When a run ends: the loss below a level at more than ``checks`` checks in a row, or a cap."""

    loss: float = Field(default=0.0, ge=0, description="level of the loss")
    checks: int = Field(default=0, ge=0, description="the loss must be lower at more checks in a row than this")
    every: int = Field(default=1, gt=0, description="steps from one check to the next")
    max_steps: int | None = Field(default=None, gt=0, description="cap on the steps")
    max_epochs: int | None = Field(default=None, gt=0, description="cap on the epochs, where there are minibatches")

    @model_validator(mode="after")
    def _one_cap(self):
        if (self.max_steps is None) == (self.max_epochs is None):
            raise ValueError("give exactly one of `max_steps` and `max_epochs`")
        return self


class Record(Settings):
    """When a run is recorded; its first and last states always are."""

    every: int | None = Field(default=None, gt=0, description="steps from one record to the next")
    every_epochs: int | None = Field(default=None, gt=0, description="the same in epochs")
    loss_per_decade: int | None = Field(
        default=None,
        gt=0,
        description="of these, keep those whose loss falls below one more of so many levels a decade",
    )

    @model_validator(mode="after")
    def _one_spacing(self):
        if (self.every is None) == (self.every_epochs is None):
            raise ValueError("give exactly one of `every` and `every_epochs`")
        return self


class Growth(Settings):
    """Short stencils of consecutive steps, from which growth rates are taken."""

    every: int = Field(gt=0, description="steps from one stencil to the next")
    offsets: list[int] = Field(min_length=2, description="steps of a stencil, counted from its first")

    @model_validator(mode="after")
    def _ordered(self):
        if self.offsets[0] != 0 or self.offsets != sorted(set(self.offsets)) or self.offsets[-1] >= self.every:
            raise ValueError(f"offsets is {self.offsets}; allowed: 0, then rising, all below every = {self.every}")
        return self


class Finish(Settings):
    """What follows the stopping rule: some more steps with smaller learning rates."""

    steps: int = Field(gt=0, description="how many")
    factor: float = Field(gt=0, lt=1, description="factor of the learning rate")


class Training(Settings):
    """The loop around the steps."""

    same_in_batch: ClassVar[tuple[str, ...]] = (
        "dtype",
        "batch_size",
        "order_seed",
        "stop",
        "finish",
        "record",
        "growth",
    )

    dtype: Literal["float32", "float64"] = Field(default="float32", description="precision of the whole step")
    batch_size: int | None = Field(default=None, gt=0, description="images a step; the whole set where absent")
    order_seed: int = Field(default=0, ge=0, description="draws the order of the images in each epoch")
    stop: Stop
    finish: Finish | None = None
    record: Record
    growth: Growth | None = None


PROBLEMS = {"completion": Completion, "image_classification": ImageClassification}
FACTORIZATIONS = {"deep_matrix": DeepMatrix, "cp": CP, "binary_cp": BinaryCP}
OPTIMIZERS = {"gd": GD, "group_rmsprop": GroupRMSprop, "adam": Adam}


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
    if isinstance(problem, ImageClassification):
        if training.batch_size is None or training.stop.max_epochs is None or training.record.every_epochs is None:
            raise ValueError(
                "image_classification needs `batch_size`, and `max_epochs` and `every_epochs` in place of steps"
            )
        if training.growth is not None:
            raise ValueError("image_classification is recorded at the ends of epochs: no `growth`")
        if training.batch_size > problem.train_size:
            raise ValueError(f"batch_size is {training.batch_size}; train_size allows at most {problem.train_size}")
    elif training.batch_size or training.stop.max_epochs or training.record.every_epochs:
        raise ValueError("full-batch descent counts in steps: no `batch_size`, `max_epochs` or `every_epochs`")
    if isinstance(factorization, DeepMatrix) and (len(problem.shape) != 2 or problem.shape[0] != problem.shape[1]):
        raise ValueError(f"shape is {problem.shape}; deep_matrix takes square matrices")
    if isinstance(factorization, CP):
        most = math.prod(problem.shape)
        if factorization.components > most:
            raise ValueError(f"components is {factorization.components}; the shape {problem.shape} has {most} entries")
