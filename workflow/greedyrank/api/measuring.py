"""What is known of the runs of an experiment beside their records: data, baselines, and what is measured."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import xarray as xr

from greedyrank import plugins, provenance
from greedyrank.api import labels
from greedyrank.api.experiment import Experiment
from greedyrank.api.watching import progress_bar
from greedyrank.config import defaults
from greedyrank.config.messages import nearest
from greedyrank.config.settings.problems import Completion, OwnSensing, Target
from greedyrank.config.sweeps import Run
from greedyrank.data import instances, sensing_files, target_files
from greedyrank.errors import UserError
from greedyrank.spectra import extraction
from greedyrank.training.protocols import Arrays

Measure = str | Callable[[xr.Dataset], xr.Dataset]


def check_names(measures: Sequence[Measure]) -> None:
    """Check that every measure exists.

    Raises
    ------
    UserError
        Naming the first that does not.
    """
    known = plugins.names("measures")
    for name in measures:
        if callable(name) or (isinstance(name, str) and (name in known or ":" in name)):
            continue
        raise UserError(f"measure has {name!r}; {nearest(str(name), known)}, or a function of your own")


class Measuring:
    """The data and the measures of an experiment.

    Parameters
    ----------
    made : Experiment
        The runs.
    measures : list
        Names of measures, or functions.
    data_dir : Path
        Folder of images and ratings.
    """

    def __init__(self, made: Experiment, measures: list[Measure], data_dir: Path):
        self._made, self._measures, self._data_dir = made, measures, data_dir
        self._arrays: dict[str, Arrays] = {}
        self.problem = plugins.plugin("problems", made.whole.problem)
        self._generate = instances.generator(made.whole.problem, data_dir)
        if isinstance(made.problem, Target) and made.problem.arrays is not None:
            target = target_files.of_arrays(made.problem.arrays, made.problem.shape, "target")
            self._generate = functools.partial(self.problem.given, found=target)
        if isinstance(made.problem, OwnSensing) and made.problem.arrays is not None:
            measured = sensing_files.of_arrays(made.problem.arrays, made.problem.shape, "OwnSensing")
            self._generate = functools.partial(self.problem.given, found=measured)

    def data_of(self, run: Mapping[str, Any]) -> Arrays:
        """Return the data of a run; instances that several runs share are generated once."""
        needed = {name: run[name] for name in self._made.problem.data_settings}
        key = provenance.canonical(needed)
        if key not in self._arrays:
            self._arrays[key] = self._generate(needed)
        return self._arrays[key]

    def check_data(self) -> None:
        """Check that there are the data of every run, before anything trains.

        Raises
        ------
        UserError
            If a target of one's own is not what the settings say.
        """
        for run in self._made.whole.runs:
            found = self.data_of(run)
            if isinstance(self._made.problem, Completion) and run["target_file"] is not None:
                self.problem.check_seen(run, found, "target")

    @cached_property
    def _baselines(self) -> dict[str, Arrays]:
        """The baseline of each view of an instance; see `greedyrank.stages.baseline`."""
        whole, options = self._made.whole, dict(self._made.baseline)
        views = {self._view(run): dict(self._viewed(run)) for run in whole.runs}
        compute = plugins.plugin("baselines", options.pop("kind")).compute
        arrays = compute(whole.problem, whole.factorization, list(views.values()), self.data_of, **options)
        return {
            view: {f"baseline_{name}": array[index] for name, array in arrays.items()}
            for index, view in enumerate(views)
        }

    def _viewed(self, run: Run) -> dict[str, Any]:
        return {name: run[name] for name in defaults.view_settings(self._made.whole.problem)}

    def _view(self, run: Run) -> str:
        return provenance.canonical(self._viewed(run))

    def try_out(self, train_group: Callable[..., tuple[xr.Dataset, bool]]) -> None:
        """Measure the first steps of one run, so that what cannot be measured is named before the training.

        A problem on minibatches has no first steps that are short.

        Raises
        ------
        UserError
            If a measure does not apply, or if whole matrices are recorded of several shapes.
        """
        run = self._made.whole.runs[0]
        if not self.problem.Problem.full_batch:
            return
        steps = run["growth"]["offsets"][-1] if run["growth"] else 1
        short = Run({**run, "stop": {**run["stop"], "loss": 0.0, "max_steps": steps}, "finish": None})
        runs, finished = train_group(self._made.whole.containing([short]), bar=progress_bar(0, shown=False))
        if not finished:
            raise KeyboardInterrupt
        shapes = {str(other["shape"]) for other in self._made.whole.runs}
        if "end_to_end" in runs and len(shapes) > 1:
            raise UserError(f"shape is {' and '.join(sorted(shapes))}; allowed: one, where whole matrices are recorded")
        self.measured([runs], [0])

    def measured(self, groups: list[xr.Dataset], which: list[int]) -> xr.Dataset:
        """Return what was recorded, what is known of the problem, and the measures.

        Parameters
        ----------
        groups : list of Dataset
            The records of groups of runs.
        which : list of int
            The runs in them, in their order.

        Raises
        ------
        UserError
            If a measure does not apply.
        """
        settings = [self._made.whole.runs[index] for index in which]
        runs = extraction.combine(groups, settings)
        if "end_to_end" in runs:
            runs = extraction.of_runs(runs, [self.problem.context(run, self.data_of(run)) for run in settings])
        if self._made.baseline:
            runs = extraction.of_runs(runs, [self._baselines[self._view(run)] for run in settings])
        found = labels.without_settings(runs)
        notes: dict[str, str] = {}
        for name in self._measures:
            new = applied(name, runs)
            found = labels.added(found, new)
            notes |= dict.fromkeys(map(str, new.data_vars), _about(name))
        return labels.described(found, notes)


def _module(name: str) -> ModuleType:
    return (plugins.own if ":" in name else plugins.plugin)("measures", name)


def _about(name: Measure) -> str:
    """Return what a measure says of itself, in a line."""
    text = (name if callable(name) else _module(name)).__doc__ or ""
    return text.strip().split("\n")[0]


def applied(name: Measure, runs: xr.Dataset) -> xr.Dataset:
    """Return what a measure finds; a single variable is called as the measure that was asked for.

    Raises
    ------
    UserError
        If it does not apply to the runs, or returns something else.
    """
    asked = name if isinstance(name, str) else name.__name__
    try:
        found = (name if callable(name) else _module(name).measure)(runs)
    except (AttributeError, KeyError, ValueError, IndexError) as error:
        there = ", ".join(sorted(map(str, runs.data_vars)))
        raise UserError(f"measure {asked} does not apply: {error}; these runs have {there}") from error
    if not isinstance(found, xr.Dataset):
        raise UserError(f"measure {asked} returns {type(found).__name__}; allowed: an xarray.Dataset")
    variables = list(found.data_vars)
    only = len(variables) == 1 and name in plugins.names("measures")
    return found.rename({variables[0]: asked}) if only else found
