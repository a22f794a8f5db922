"""Completion with a deficit: for some steps another task is trained, before and after them the final one.

Kleinman, Achille & Soatto 2024 (matrixcompletion/main). A run that is recorded is compared with the target of the final
task throughout; its loss is that of the task which the next step trains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from greedyrank.config.settings.problems import DRAWN
from greedyrank.config.sweeps import Run, Slice
from greedyrank.data import target_files, targets
from greedyrank.kernels.placing import Place
from greedyrank.problems import completion
from greedyrank.problems.completion import check_seen, context
from greedyrank.training.protocols import Arrays

__all__ = ["Problem", "check_seen", "context", "generate", "given"]

# What a deficit task does not have: its own target is Gaussian, of `deficit_rank`.
OTHER_KINDS = tuple(name for name in DRAWN if name != "target_symmetric")


def generate(settings: Mapping[str, Any], data_dir: str | Path | None = None) -> Arrays:
    """Draw the data of one data seed, as `completion.generate` does, and those of a deficit task of its own target.

    Returns
    -------
    dict
        As `completion.generate`. With ``deficit_rank`` also ``deficit_values``: those of the deficit task at the same
        entries.
    """
    return _with_deficit(settings, completion.generate(settings, data_dir))


def given(settings: Mapping[str, Any], found: target_files.Given) -> Arrays:
    """Return the data of a final target of one's own, as `generate` does of a drawn one; see `completion.given`."""
    return _with_deficit(settings, completion.given(settings, found))


def _with_deficit(settings: Mapping[str, Any], data: Arrays) -> Arrays:
    if settings["deficit_rank"] is None:
        return data
    own = {**settings, **dict.fromkeys(OTHER_KINDS), "target_rank": settings["deficit_rank"]}
    rng = np.random.default_rng([settings["data_seed"], 6])
    target = targets.draw(own, rng)
    if settings["noise_std"]:
        target = target + targets.noise(settings["shape"], own, rng)
    return {**data, "deficit_values": target.ravel()[data["entries"]]}


class Problem(completion.Problem):
    """Two completions, of which each step trains one; see `tasks`. It is no loss by itself."""

    def __init__(self, runs: Sequence[Run], data: Sequence[Arrays], place: Place):
        raise NotImplementedError("the tasks of switched_completion are trained by `greedyrank.training.variants`")

    @staticmethod
    def tasks(slice_: Slice, data: Sequence[Arrays]) -> list[tuple[Slice, list[Arrays]]]:
        """Return the final and the deficit task of a group, each as a group of completion and its data.

        Both have the target of the final task, with which runs are compared.
        """
        deficits = [
            Run({**run, "observations": run["deficit_observations"] or run["observations"]}) for run in slice_.runs
        ]
        deficit_data = [{**arrays, "values": arrays.get("deficit_values", arrays["values"])} for arrays in data]
        plain = replace(slice_, problem="completion")
        return [(plain, list(data)), (plain.containing(deficits), deficit_data)]
