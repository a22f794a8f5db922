"""The settings of baselines."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from greedyrank.config.settings.base import BaselineSettings, FactorizationSettings, ProblemSettings
from greedyrank.config.settings.factorizations import PSD, Tubal
from greedyrank.config.settings.problems import (
    Completion,
    HuberCompletion,
    ImageClassification,
    OwnSensing,
    Sensing,
    SwitchedCompletion,
    Target,
)


class MinimumNuclearNorm(BaselineSettings):
    """The feasible matrix of minimum nuclear norm, of each problem of a sweep."""

    problem_functions: ClassVar[tuple[str, ...]] = ("measurements",)

    tolerance: float = Field(
        default=1.0e-3, gt=0, description="how far each measurement may be from its value (Arora et al.: 1e-3)"
    )
    gap: float = Field(default=1.0e-4, gt=0, lt=1, description="relative duality gap to reach")

    def check_problem(self, problem: ProblemSettings, factorization: FactorizationSettings) -> None:
        """Check that there are matrices to choose from, and that noise does not make measurements contradict."""
        if not isinstance(problem, (Target, OwnSensing)) or len(problem.shape) != 2:
            raise ValueError("a baseline of minimum nuclear norm needs a matrix")
        if isinstance(problem, (HuberCompletion, SwitchedCompletion)):
            raise ValueError("a baseline of minimum nuclear norm goes with plain completion or sensing")
        entries = math.prod(problem.shape)
        if isinstance(problem, Sensing) and problem.noise_std and problem.measurements > entries:
            raise ValueError(
                f"measurements is {problem.measurements} of {entries} entries, with noise: no matrix fits them all,"
                " so there is no baseline of minimum nuclear norm"
            )
        if isinstance(factorization, PSD) and isinstance(problem, Completion) and problem.observed is not None:
            raise ValueError(
                "entries by hand need not fit any psd matrix: no baseline of minimum nuclear norm over psd"
            )


class LeastSquares(BaselineSettings):
    """The linear function of the pixels with the least squared error, of each problem of a sweep."""

    problem_functions: ClassVar[tuple[str, ...]] = ("positives", "class_groups")

    def check_problem(self, problem: ProblemSettings, factorization: FactorizationSettings) -> None:
        """Check that there are images."""
        if not isinstance(problem, ImageClassification):
            raise ValueError("a baseline of least squares needs image_classification")


class TubalLeastNorm(BaselineSettings):
    """The symmetric tubal tensor of least norm that fits the measurements, of each problem of a sweep."""

    problem_functions: ClassVar[tuple[str, ...]] = ("measurements",)

    def check_problem(self, problem: ProblemSettings, factorization: FactorizationSettings) -> None:
        """Check that there are measurements of such tensors."""
        if not isinstance(problem, (Sensing, OwnSensing)) or not isinstance(factorization, Tubal):
            raise ValueError("a baseline of least norm over tubal tensors needs sensing and the factorization tubal")


BASELINES: dict[str, type[BaselineSettings]] = {
    "least_squares": LeastSquares,
    "minimum_nuclear_norm": MinimumNuclearNorm,
    "tubal_least_norm": TubalLeastNorm,
}
