"""The settings of optimisers."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from greedyrank.config.settings.base import OptimizerSettings


class GD(OptimizerSettings):
    """Plain gradient descent."""


class GroupRMSprop(OptimizerSettings):
    """GD whose step is divided by a running norm of the whole gradient, one scalar a run."""

    learning_rate: float = Field(gt=0, description="numerator of the effective step")
    decay: float = Field(default=0.99, ge=0, lt=1, description="decay of the running squared norm")
    eps: float = Field(default=1.0e-6, gt=0, description="added after the square root")


class Adam(OptimizerSettings):
    """Adam (Kingma & Ba), as in torch."""

    same_in_group: ClassVar[tuple[str, ...]] = ("beta1", "beta2", "eps")

    learning_rate: float = Field(gt=0, description="step size")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="decay of the mean gradient")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="decay of the mean squared gradient")
    eps: float = Field(default=1.0e-8, gt=0, description="added after the square root")


class KerasAdam(Adam):
    """Adam as in Keras: eps is added before the bias correction."""

    eps: float = Field(default=1.0e-7, gt=0, description="added after the square root, before the bias correction")


OPTIMIZERS: dict[str, type[OptimizerSettings]] = {
    "gd": GD,
    "group_rmsprop": GroupRMSprop,
    "adam": Adam,
    "keras_adam": KerasAdam,
}
