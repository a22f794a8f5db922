"""The settings of the training loop: precision, minibatches, when a run is recorded and when it ends."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from greedyrank.config.settings.base import Settings
from greedyrank.config.sweeps import Slice, values

# Settings with which the same training is done in another way; see `greedyrank.training.variants`.
VARIANTS = ("engine", "group_size", "nudge_seed")


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
    end_to_end: bool = Field(default=False, description="keep the whole W too; deep_matrix and psd always do")

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

    same_in_group: ClassVar[tuple[str, ...]] = (
        "dtype",
        "batch_size",
        "order_seed",
        "stop",
        "finish",
        "record",
        "growth",
        "engine",
        "group_size",
        "nudge_seed",
    )

    dtype: Literal["float32", "float64"] = Field(default="float32", description="precision of the whole step")
    batch_size: int | None = Field(default=None, gt=0, description="images a step; the whole set where absent")
    order_seed: int = Field(default=0, ge=0, description="draws the order of the images in each epoch")
    stop: Stop
    finish: Finish | None = None
    record: Record
    growth: Growth | None = None
    engine: Literal["closed_form", "autograd"] = Field(
        default="closed_form",
        description="closed_form: gradients by formulas, in compiled steps where there are any; autograd: by torch's"
        " automatic differentiation of the end-to-end object, many times slower",
    )
    group_size: int | None = Field(default=None, gt=0, description="most runs that advance together; all where absent")
    nudge_seed: int | None = Field(
        default=None,
        ge=0,
        description="draws for each initial number whether it is moved one unit in its last place up or down; none is"
        " moved where absent",
    )


def variants(slice_: Slice) -> dict[str, list]:
    """Return the values of `VARIANTS` in a slice, with or without its defaults, that are not the default."""
    found: dict[str, list] = {}
    for block in (slice_.fixed, slice_.axes, *slice_.cases):
        for name in set(VARIANTS) & block.keys():
            usual = Training.model_fields[name].default
            found.setdefault(name, []).extend(value for value in values(block[name]) if value != usual)
    return {name: changed for name, changed in found.items() if changed}
