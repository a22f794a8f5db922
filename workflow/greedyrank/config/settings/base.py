"""What all settings have in common."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from greedyrank.config.messages import explain
from greedyrank.config.yaml_input import ConfigError, check_plain

if TYPE_CHECKING:
    from greedyrank.config.settings.training import Training
    from greedyrank.config.sweeps import Run


def plain(value: Any) -> Any:
    """Return a value of Python as YAML has it: lists for tuples, ranges and arrays, mappings for settings."""
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(part) for part in value]
    # Planning reads this module too, and never imports numpy.
    return value.tolist() if type(value).__module__ == "numpy" else value


class Settings(BaseModel):
    """Strict settings: unknown keys are errors.

    Attributes
    ----------
    same_in_group : tuple of str
        The settings on which the shape of the arrays depends: runs that differ in them cannot train in one group.
    usual : mapping
        What Python need not say of settings that a sweeps.yaml has to state.

    Raises
    ------
    ConfigError
        If they are made in Python; one line for each wrong setting, with its value and what is allowed.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    same_in_group: ClassVar[tuple[str, ...]] = ()
    usual: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, **settings: Any):
        name = type(self).__name__
        given = {**self.usual, **plain(settings)}
        if errors := check_plain(given, name):
            raise ConfigError(errors)
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise ConfigError(explain(error, name, type(self))) from None

    # What validates a mapping does not go through `__init__`, and reports as pydantic does: the config's messages begin
    # with a place in a file. pydantic's RootModel declares its own `__init__` in the same way.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [(name, value) for name, value in super().__repr_args__() if name in self.model_fields_set]

    def given(self) -> dict[str, Any]:
        """Return the settings that were given, not left at their default."""
        return self.model_dump(exclude_unset=True)

    def replace(self, **changes: Any) -> Self:
        """Return the same settings with some of them changed, checked again."""
        return type(self)(**{**self.given(), **changes})


class ProblemSettings(Settings):
    """The settings of a problem, and what the grammar asks about it.

    Attributes
    ----------
    data_settings : tuple of str
        The settings on which its data depend.
    files : tuple of str
        Below the data folder; read when data are generated, and provided by the user: figures are skipped while they
        are missing.
    only_with : str
        The one factorization that represents what it looks for; empty where there are several.
    minibatches : bool
        Whether a step sees some of the data only, so that schedules count in epochs.
    records_matrices : bool
        Whether the end-to-end object can be recorded.
    has_growth : bool
        Whether growth rates can be recorded.
    """

    data_settings: ClassVar[tuple[str, ...]] = ()
    files: ClassVar[tuple[str, ...]] = ()
    only_with: ClassVar[str] = ""
    minibatches: ClassVar[bool] = False
    records_matrices: ClassVar[bool] = True
    has_growth: ClassVar[bool] = True

    def tensor_shape(self) -> list[int]:
        """Return the shape of the matrix or tensor that is looked for; empty where it is none."""
        return []

    def check_schedule(self, name: str, training: Training) -> None:
        """Check that the training loop can feed and record the problem, which is called ``name``.

        Raises
        ------
        ValueError
            Naming the setting that does not go with it.
        """
        in_epochs = (training.batch_size, training.stop.max_epochs, training.record.every_epochs)
        if self.minibatches and None in in_epochs:
            raise ValueError(f"{name} needs `batch_size`, and `max_epochs` and `every_epochs` in place of steps")
        if not self.minibatches and any(in_epochs):
            raise ValueError(f"{name} counts in steps: no `batch_size`, `max_epochs` or `every_epochs`")
        if training.growth is not None and not self.has_growth:
            raise ValueError(f"no growth rates are recorded of {name}: no `growth`")
        if training.record.end_to_end and not self.records_matrices:
            raise ValueError(f"no whole matrices are recorded of {name}: no `end_to_end`")

    @classmethod
    def job_bytes(cls, runs: list[Run]) -> int:
        """Return about how many bytes the arrays of a job take, or 0 where they always fit."""
        return 0

    @classmethod
    def memory_advice(cls, runs: list[Run]) -> str:
        """Return how a job can be made smaller."""
        return "split it by naming more settings in `job_per`"


class FactorizationSettings(Settings):
    """The settings of a factorization, and what the grammar asks about it.

    Attributes
    ----------
    only_with : str
        The one problem that it fits; empty where there are several.
    """

    only_with: ClassVar[str] = ""

    def check_problem(self, problem: ProblemSettings) -> None:
        """Check that the factorization can represent what a problem looks for.

        Raises
        ------
        ValueError
            Naming the setting that does not go with it.
        """

    def step_limit(self, problem: ProblemSettings, optimizer: OptimizerSettings) -> float | None:
        """Return the step size below which training provably converges, or None where no theorem says so."""
        return None


class OptimizerSettings(Settings):
    """The settings of an optimiser."""

    learning_rate: float = Field(gt=0, description="step size")


class BaselineSettings(Settings):
    """The settings of a baseline; ``problem_functions`` are what it calls of the module of a problem."""

    problem_functions: ClassVar[tuple[str, ...]] = ()

    def check_problem(self, problem: ProblemSettings, factorization: FactorizationSettings) -> None:
        """Check that a problem has this baseline.

        Raises
        ------
        ValueError
            Saying why it has none.
        """


def check_pair(
    problem_name: str, problem: ProblemSettings, factorization_name: str, factorization: FactorizationSettings
) -> None:
    """Check that a factorization goes with a problem.

    Raises
    ------
    ValueError
        Naming both.
    """
    if factorization.only_with not in ("", problem_name):
        raise ValueError(f"{factorization_name} goes with {factorization.only_with}, and only with it")
    if problem.only_with not in ("", factorization_name):
        raise ValueError(f"{problem.only_with} goes with {problem_name}, and only with it")
    factorization.check_problem(problem)


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


def check_tubal(name: str, shape: list[int]) -> None:
    """Check that a tensor can be symmetric under the t-product.

    Raises
    ------
    ValueError
        If it is not of order 3 with square slices; ``name`` is what asks for it.
    """
    if len(shape) != 3 or shape[0] != shape[1]:
        raise ValueError(f"shape is {shape}; {name} takes n x n slices, then the length of the tubes: [n, n, tubes]")
