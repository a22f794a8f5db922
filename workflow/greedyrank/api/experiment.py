"""From settings made in Python to the runs of a sweep, by the grammar of sweeps.yaml."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from greedyrank import plugins
from greedyrank.config import sweeps
from greedyrank.config.settings import registry
from greedyrank.config.settings.base import (
    BaselineSettings,
    FactorizationSettings,
    OptimizerSettings,
    ProblemSettings,
    Settings,
    plain,
)
from greedyrank.config.settings.baselines import BASELINES
from greedyrank.config.settings.training import Finish, Growth, Record, Stop
from greedyrank.config.sweep_loader import load_sweep
from greedyrank.errors import UserError

# What `seeds` sets, where nothing else does: the draws of a problem and those of the initial factors.
SEEDS = ("data_seed", "seed")
KINDS: dict[str, tuple[type[Settings], Mapping[str, type[Settings]]]] = {
    **registry.KINDS,
    "baseline": (BaselineSettings, BASELINES),
    "stop": (Stop, {"stop": Stop}),
    "record": (Record, {"record": Record}),
    "growth": (Growth, {"growth": Growth}),
    "finish": (Finish, {"finish": Finish}),
}


@dataclass(frozen=True)
class Experiment:
    """All runs of one experiment.

    Attributes
    ----------
    whole : Slice
        The runs, with every setting: for each case and then each seed all points of the axes.
    cases : list of dict
        Settings that vary together; empty for none.
    seeds : list of int
        Empty for none.
    baseline : dict
        ``kind`` and settings of what the runs are compared with; empty for none.
    problem : settings
        As they were given.
    """

    whole: sweeps.Slice
    cases: list[dict[str, Any]]
    seeds: list[int]
    baseline: dict[str, Any]
    problem: ProblemSettings

    @cached_property
    def dims(self) -> dict[str, list]:
        """The values that tell runs apart, by the dimension that they become, in the order of the runs."""
        cases = {"case": list(range(len(self.cases)))} if self.cases else {}
        seeds = {"seed": self.seeds} if self.seeds else {}
        return {**cases, **seeds, **{name: sweeps.values(entry) for name, entry in self.whole.axes.items()}}

    @property
    def case_settings(self) -> dict[str, list]:
        """The settings that differ from case to case, with their value in each."""
        stride = len(self.whole.runs) // max(len(self.cases), 1)
        first = self.whole.runs[::stride]
        return {name: [run[name] for run in first] for name in dict.fromkeys(n for case in self.cases for n in case)}

    @property
    def steps(self) -> int:
        """How many steps the groups take at most, one after the other; 0 where that is known in epochs alone."""
        first = (self.whole.runs[indices[0]] for indices in self.whole.groups())
        return sum(run["stop"]["max_steps"] or 0 for run in first)

    def group(self, indices: list[int]) -> sweeps.Slice:
        """Return the slice of the runs of one group."""
        return self.whole.containing([self.whole.runs[index] for index in indices])


def checked(name: str, value: object) -> None:
    """Check that an argument holds settings of its kind.

    Raises
    ------
    UserError
        Naming the argument, its value, and what is allowed.
    """
    base, known = KINDS[name]
    if isinstance(value, base):
        return
    allowed = ", ".join(f"{model.__name__}(...)" for model in known.values())
    own = f", or settings of your own, a subclass of {base.__name__}" if name in registry.OWN else ""
    shown = f"the class {value.__name__}" if isinstance(value, type) else repr(value)
    raise UserError(f"{name} is {shown}; allowed: {allowed}{own}")


def name_of(kind: str, settings: Settings) -> str:
    """Return the name of the plug-in that settings are of; one of one's own can be found by it from then on.

    Raises
    ------
    UserError
        If a class of one's own does not hold what trains.
    """
    made, (_, known) = type(settings), KINDS[kind]
    if made in known.values():
        return next(name for name, model in known.items() if made is model)
    # Made anew each time: in a notebook the class that a name stands for changes.
    reference = f"{made.__module__}:{made.__qualname__}"
    plugins.make_module(registry.OWN[kind], reference, made)
    return reference


def _seed_names(parts: Collection[Settings], varied: Collection[str]) -> list[str]:
    """Return the settings that `seeds` sets: those that neither settings made in Python nor axes and cases set."""
    taken = {name for part in parts for name in part.model_fields_set}.union(varied)
    has = {name for part in parts for name in type(part).model_fields}
    names = [name for name in SEEDS if name in has - taken]
    if not names or "seed" in varied:
        given = ", ".join(f"`{name}`" for name in SEEDS if name in taken)
        raise UserError(f"seeds are given twice: as `seeds`, and by {given or 'no setting that draws'}; keep one")
    return names


def _seeds(seeds: Iterable[int]) -> list[int]:
    found = plain(list(seeds)) if isinstance(seeds, Iterable) and not isinstance(seeds, (str, Mapping)) else None
    if found is None or not all(type(seed) is int and seed >= 0 for seed in found):
        raise UserError(f"seeds is {seeds!r}; allowed: whole numbers from 0 on, such as range(3)")
    if twice := sorted({seed for seed in found if found.count(seed) > 1}):
        raise UserError(f"seeds has {twice[0]} twice; give each seed once")
    return found


def _check_mapping(name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise UserError(f"{name} is {value!r}; allowed: values by the names of settings, such as {{'depth': [2, 3]}}")


def experiment(
    problem: ProblemSettings,
    factorization: FactorizationSettings,
    optimizer: OptimizerSettings,
    *,
    seeds: Iterable[int] = (),
    axes: Mapping[str, Sequence] | None = None,
    cases: Sequence[Mapping[str, Any]] = (),
    baseline: BaselineSettings | None = None,
    **training: Any,
) -> Experiment:
    """Return the runs of an experiment, all of whose settings are checked; parameters as of `greedyrank.train`.

    Raises
    ------
    UserError
        One line for each wrong argument, with its value and what is allowed.
    """
    parts: dict[str, Settings] = {"problem": problem, "factorization": factorization, "optimizer": optimizer}
    for name, value in {**parts, "baseline": baseline, **training}.items():
        if name in KINDS and not (value is None and name in ("baseline", "growth", "finish")):
            checked(name, value)
    axes = {} if axes is None else axes
    _check_mapping("axes", axes)
    for number, case in enumerate(cases):
        _check_mapping(f"cases.{number}", case)
    found = [plain(choice) for case in cases for choice in sweeps.product(dict(case))]
    every = _seeds(seeds)
    drawn = _seed_names(parts.values(), {*axes, *(name for case in found for name in case)}) if every else []
    block = {
        "source": "Python",
        **{kind: name_of(kind, part) for kind, part in parts.items()},
        "baseline": {} if baseline is None else {"kind": name_of("baseline", baseline), **plain(baseline)},
        "fixed": {name: value for part in (*parts.values(), training) for name, value in plain(part).items()},
        # In a list of its own: a value may be a list itself.
        "cases": [
            {name: [value] for name, value in {**case, **dict.fromkeys(drawn, seed)}.items()}
            for case in found or [{}]
            for seed in every or [0]
        ],
        "axes": {name: sweeps.values(plain(values)) for name, values in axes.items()},
    }
    resolved = load_sweep(block, place="train")
    return Experiment(resolved.whole, found, every, resolved.baseline, problem)
