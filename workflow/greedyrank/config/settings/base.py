"""What all settings have in common."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Strict settings: unknown keys are errors.

    ``same_in_group`` names the settings on which the shape of the arrays depends, so that runs
    that differ in them cannot train in one group. ``files``, below the data folder, are read when
    data are generated, and are the user's to provide: figures are skipped while they are missing.
    ``data_settings`` are the settings of a problem on which its data depend. ``problem_functions`` are what a
    baseline calls of the module of a problem.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    same_in_group: ClassVar[tuple[str, ...]] = ()
    data_settings: ClassVar[tuple[str, ...]] = ()
    files: ClassVar[tuple[str, ...]] = ()
    problem_functions: ClassVar[tuple[str, ...]] = ()

    def step_limit(self, problem: Settings, optimizer: Settings) -> float | None:
        """Return the step size below which training provably converges, or None where no theorem says so.

        Asked of the settings of a factorization.
        """
        return None

    @classmethod
    def job_bytes(cls, runs: list) -> int:
        """Return about how many bytes the arrays of a job take, where they may not fit; asked of a problem."""
        return 0

    @classmethod
    def memory_advice(cls, runs: list) -> str:
        """Return how a job of a problem can be made smaller."""
        return "split it by naming more settings in `job_per`"


# What goes with every other setting: no check looks at them together with others.
SEEDS = ("data_seed", "sensing_seed", "seed")


def levels(shape: list[int]) -> int:
    """Return how many levels a binary tree over the modes has above its leaves.

    Raises
    ------
    ValueError
        If the number of modes is no power of two.
    """
    order = len(shape)
    if order & (order - 1):
        raise ValueError(f"shape is {shape}, of order {order}; a binary tree needs an order of 2, 4, 8, ...")
    return order.bit_length() - 1


def check_widths(name: str, widths: list[int], shape: list[int]) -> None:
    """Check the widths of the levels of a binary tree, from the leaves up.

    Raises
    ------
    ValueError
        If there are more or fewer than levels, or one exceeds what any tensor of the shape needs.
    """
    if len(widths) != levels(shape):
        raise ValueError(f"{name} is {widths}; allowed: {levels(shape)} widths, one for each level of {shape}")
    most = math.prod(shape)
    if not all(1 <= width <= most for width in widths):
        raise ValueError(f"{name} is {widths}; the shape {shape} allows widths from 1 to its {most} entries")
