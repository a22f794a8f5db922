"""From one sweep block to a resolved sweep: defaults filled in, everything checked."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import (
    BaseModel,
    TypeAdapter,
    ValidationError,
)

from greedyrank.config import sweeps
from greedyrank.config.defaults import block_of
from greedyrank.config.grammar import MOST_JOBS, MOST_RUNS, Scale, Sweep
from greedyrank.config.messages import explain, nearest
from greedyrank.config.settings import baselines, registry
from greedyrank.config.settings import training as training_settings
from greedyrank.config.settings.base import SEEDS, Settings, check_pair
from greedyrank.config.yaml_input import ConfigError
from greedyrank.errors import UserError

logger = logging.getLogger(__name__)

OVERRIDABLE = ("fixed", "cases", "axes", "job_per")


def merge(base: dict, override: dict) -> dict:
    """Return a mapping with another one merged into it, key by key."""
    merged = dict(base)
    for key, value in override.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


@cache
def _adapter(model: type[BaseModel], name: str) -> tuple[TypeAdapter, type[BaseModel] | None]:
    """Return what validates one setting by itself, and the block it is, where it is one."""
    field = model.model_fields[name]
    annotation: Any = Annotated[field.annotation, field]
    return TypeAdapter(annotation), block_of(field.annotation)


def _twice(values: list) -> str | None:
    """Return a value that a list has more than once, as text."""
    seen: set[str] = set()
    for value in map(repr, values):
        if value in seen:
            return value
        seen.add(value)
    return None


@dataclass(frozen=True)
class ResolvedSweep:
    """A sweep at one scale, with every default filled in.

    Attributes
    ----------
    name : str
        Of the sweep; that of its files.
    source : str
        Paper and figure the settings are from.
    device : {"auto", "cpu"}
        ``cpu``: never on a GPU.
    baseline : dict
        ``kind`` and settings of what the runs are compared with; empty for none.
    job_per : list of str
        Settings that split the runs into jobs.
    whole : Slice
        All its runs.
    possible : list of dict
        The values of every setting, case by case, at every scale, with a user's overrides and without.
    """

    name: str
    source: str
    device: str
    baseline: dict
    job_per: list[str]
    whole: sweeps.Slice
    possible: list[dict[str, list]]

    def to_json(self) -> dict:
        """Return the sweep as it could stand in a sweeps.yaml, with every default."""
        found = self.whole.to_json()
        plugins = {kind: found.pop(kind) for kind in sweeps.PLUGIN_KINDS}
        found.pop("apart")
        return {
            "source": self.source,
            **plugins,
            "device": self.device,
            "baseline": self.baseline,
            **found,
            "job_per": self.job_per,
        }


class SweepResolver:
    """Resolve one sweep at one scale, collecting what is wrong.

    Parameters
    ----------
    place : str
        What messages begin with.
    sweep : Sweep
        The sweep at its scale.
    """

    def __init__(self, place: str, sweep: Sweep):
        self.place = place
        self.errors: list[str] = []
        self.block = sweep.model_dump(exclude={"scales"})
        self.models: dict[str, type[Settings]] = {}

    def cases(self) -> list[dict[str, list]]:
        """Return the values of every setting, case by case, or none where something is wrong."""
        for check in (self._plugins, self._normalise):
            check()
            if self.errors:
                return []
        return self._blocks()

    def resolve(self, name: str, possible: list[dict[str, list]]) -> ResolvedSweep | None:
        """Return the sweep with every default filled in, or None where something is wrong."""
        checks = (self._plugins, self._baseline, self._normalise, self._count, self._check_together, self._split)
        for check in checks:
            check()
            if self.errors:
                return None
        if not self.block["beyond_step_limit"]:
            self._warn_of_steps()
        block = self.block
        return ResolvedSweep(
            name,
            block["source"],
            block["device"],
            block["baseline"],
            block["job_per"],
            sweeps.Slice(**{key: block[key] for key in sweeps.Slice.__dataclass_fields__}),
            possible,
        )

    def _plugins(self) -> None:
        self.models = {"training": training_settings.Training}
        for kind in registry.KINDS:
            if kind in registry.OWN:
                self.block[kind] = registry.full_name(registry.OWN[kind], self.block[kind])
            try:
                self.models[kind] = registry.settings_class(kind, self.block[kind])
            except UserError as error:
                self.errors.append(f"{self.place}.{error}")
        for kind, model in self.models.items():
            for other in (other for other in self.models if kind in registry.OWN and other != kind):
                if twice := set(model.model_fields) & set(self.models[other].model_fields):
                    self.errors.append(
                        f"{self.place}.{kind} has the setting `{min(twice)}`, which {other} has too; rename it"
                    )
        self.owners = {name: kind for kind, model in self.models.items() for name in model.model_fields}

    def _baseline(self) -> None:
        if not (given := dict(self.block["baseline"])):
            return
        kind, place = given.pop("kind", None), f"{self.place}.baseline"
        if not isinstance(kind, str) or kind not in baselines.BASELINES:
            self.errors.append(f"{place}.kind is {kind!r}; {nearest(kind, baselines.BASELINES)}")
            return
        try:
            self.block["baseline"] = {"kind": kind, **baselines.BASELINES[kind].model_validate(given).model_dump()}
        except ValidationError as error:
            self.errors += explain(error, place, baselines.BASELINES[kind])

    def _normal(self, place: str, name: str, value: object) -> object:
        """Return a value as its setting has it, or complain."""
        if name not in self.owners:
            self.errors.append(f"{place}.{name}: unknown key; {nearest(name, self.owners)}")
            return value
        adapter, inner = _adapter(self.models[self.owners[name]], name)
        try:
            return adapter.dump_python(adapter.validate_python(value, strict=True))
        except ValidationError as error:
            self.errors += explain(error, f"{place}.{name}", inner)
            return value

    def _normalise(self) -> None:
        block = self.block
        varied = {*block["axes"], *(name for case in block["cases"] for name in case)}
        for name in set(block["with_data_seed"]) & {*block["fixed"], *varied}:
            self.errors.append(f"{self.place}: `{name}` is given, and stands in `with_data_seed`; keep one of them")
        if block["with_data_seed"] and "data_seed" not in varied:
            self.errors.append(f"{self.place}.with_data_seed needs `data_seed` in an axis or a case")
        block["fixed"] = {
            **{
                name: field.get_default(call_default_factory=True)
                for model in self.models.values()
                for name, field in model.model_fields.items()
                if not field.is_required()
            },
            **{name: self._normal(f"{self.place}.fixed", name, value) for name, value in block["fixed"].items()},
        }
        cases = {f"cases.{number}": case for number, case in enumerate(block["cases"])}
        for place, entries in {**cases, "axes": block["axes"]}.items():
            for name, entry in entries.items():
                here = f"{self.place}.{place}"
                if not sweeps.values(entry):
                    self.errors.append(f"{here}.{name} is an empty list; give at least one value")
                entries[name] = [self._normal(here, name, value) for value in sweeps.values(entry)]
                if twice := _twice(entries[name]):
                    self.errors.append(f"{here}.{name} has {twice} twice; give each value once")
        for name in {name for case in block["cases"] for name in case} & set(block["axes"]):
            self.errors.append(f"{self.place}: `{name}` is both in a case and in an axis; keep one of them")
        for name in block["job_per"]:
            if name not in varied:
                self.errors.append(
                    f"{self.place}.job_per: `{name}` is neither an axis nor a case; {nearest(name, varied)}"
                )
        if block["with_data_seed"] and not self.errors:
            self._tie_seeds()

    def _tie_seeds(self) -> None:
        """Make a case of each data seed, in which the seeds that go with it have its value."""
        block, of_axes = self.block, self.block["axes"].pop("data_seed", None)
        names = ("data_seed", *block["with_data_seed"])
        block["cases"] = [
            {**case, **{name: [seed] for name in names}}
            for case in block["cases"] or [{}]
            for seed in case.get("data_seed", of_axes or [block["fixed"]["data_seed"]])
        ]

    def _blocks(self) -> list[dict[str, list]]:
        """Return the values of every setting, case by case; the runs of a case are their product."""
        fixed = {name: [value] for name, value in self.block["fixed"].items()}
        return [{**fixed, **self.block["axes"], **case} for case in self.block["cases"] or [{}]]

    def _count(self) -> None:
        """Refuse more runs or jobs than can be planned, and runs that stand twice."""
        blocks = self._blocks()
        runs = sum(math.prod(map(len, block.values())) for block in blocks)
        jobs = sum(math.prod(len(block[name]) for name in self.block["job_per"] if name in block) for block in blocks)
        if runs > MOST_RUNS:
            self.errors.append(f"{self.place}: its cases and axes make {runs} runs; allowed: up to {MOST_RUNS}")
        if jobs > MOST_JOBS:
            self.errors.append(f"{self.place}.job_per makes {jobs} jobs; allowed: up to {MOST_JOBS}")
        distinct = [{name: set(map(repr, values)) for name, values in block.items()} for block in blocks]
        for (i, one), (j, other) in itertools.combinations(enumerate(distinct), 2):
            if one.keys() == other.keys() and all(one[name] & other[name] for name in one):
                self.errors.append(f"{self.place}.cases.{j} has a run that cases.{i} has too; give each run once")

    def _combinations(self) -> Iterator[tuple[dict[str, list[dict]], int]]:
        """Yield for each case the settings of every plug-in, combined, and how many runs each combination stands for.

        Seeds go with everything: the first of each stands for all, so that the time does not grow with them.
        """
        for block in self._blocks():
            chosen = {name: values[:1] if name in SEEDS else values for name, values in block.items()}
            parts = {
                kind: list(sweeps.product({name: chosen[name] for name in model.model_fields if name in chosen}))
                for kind, model in self.models.items()
            }
            yield parts, math.prod(len(block[name]) for name in SEEDS if name in block)

    def _check_together(self) -> None:
        for parts, _ in self._combinations():
            checked = {}
            for kind, model in self.models.items():
                try:
                    checked[kind] = [model.model_validate(part) for part in parts[kind]]
                except ValidationError as error:
                    self.errors += explain(error, self.place, model)
                    return
            try:
                self._check_combination(checked)
            except ValueError as error:
                self.errors.append(f"{self.place}: {error}")
                return

    def _check_combination(self, checked: dict[str, list]) -> None:
        """Check the settings of plug-ins and of the training loop against each other."""
        names = self.block["problem"], self.block["factorization"]
        baseline = None
        if self.block["baseline"]:
            given = dict(self.block["baseline"])
            baseline = baselines.BASELINES[given.pop("kind")].model_validate(given)
        for problem, factorization in itertools.product(checked["problem"], checked["factorization"]):
            check_pair(names[0], problem, names[1], factorization)
            if baseline is not None:
                baseline.check_problem(problem, factorization)
        for problem, training in itertools.product(checked["problem"], checked["training"]):
            problem.check_schedule(names[0], training)

    def _split(self) -> None:
        """Find which settings keep runs of one job in groups of their own."""
        split = self.block["job_per"]
        same = {name for model in self.models.values() for name in model.same_in_group}
        apart = {name for name, values in self.block["axes"].items() if len(values) > 1} & same - set(split)
        by_case = {name for case in self.block["cases"] for name in case} & same - set(split) - apart
        found: dict[tuple[str, str], set[str]] = {}
        for block in self._blocks() if by_case else ():
            for job in sweeps.product({name: block[name] for name in split if name in block}):
                for name in by_case & block.keys():
                    found.setdefault((repr(job), name), set()).update(map(repr, block[name]))
        apart |= {name for (_, name), values in found.items() if len(values) > 1}
        if self.block["one_job"]:
            apart |= set(split)
            self.block["job_per"] = []
        self.block["apart"] = sorted(apart)

    def _warn_of_steps(self) -> None:
        """Warn once of steps beyond what a convergence theorem allows, where there is one; they are no error."""
        total, beyond = 0, list[tuple[float, float, float, int]]()
        for parts, count in self._combinations():
            settings: dict[str, list[Any]] = {
                kind: [self.models[kind].model_validate(part) for part in parts[kind]] for kind in self.models
            }
            for problem, factorization, optimizer in itertools.product(
                *(settings[kind] for kind in sweeps.PLUGIN_KINDS)
            ):
                limit = factorization.step_limit(problem, optimizer)
                count_here = count * len(settings["training"])
                total += count_here
                if limit is not None and optimizer.learning_rate >= limit:
                    beyond.append((optimizer.learning_rate / limit, limit, optimizer.learning_rate, count_here))
        if beyond:
            _, limit, rate, _ = max(beyond)
            logger.warning(
                "%s: learning_rate is %.3g, but gradient descent provably converges only below %.3g; %d of %d runs are"
                " beyond their limit. If this is intended, set `beyond_step_limit: true`",
                self.place,
                rate,
                limit,
                sum(count for *_, count in beyond),
                total,
            )


def seeds_of(entries: Mapping[str, Any]) -> str | None:
    """Return the seed that `with_seeds` counts, of those that are named: that of the data, else that of the init."""
    return next((name for name in SEEDS if name in entries), None)


def with_seeds(sweep: Sweep, count: int) -> Sweep:
    """Return a sweep that draws so many seeds.

    The seed that counts is that of the data where the sweep varies it, else that of the init; other seeds keep their
    values. It keeps its own values, the first ``count`` of them, and goes on with the smallest numbers that are not
    among them. Values that are no whole numbers are kept, to be refused later.
    """
    varied = seeds_of({**sweep.axes, **{name: None for case in sweep.cases for name in case}})

    def counted(entries: dict[str, Any]) -> dict[str, Any]:
        if varied not in entries:
            return entries
        given = sweeps.values(entries[varied])
        own = [value for value in given if isinstance(value, int)]
        others = [value for value in given if not isinstance(value, int)]
        new = (number for number in itertools.count() if number not in own)
        return {**entries, varied: [*own[:count], *itertools.islice(new, max(0, count - len(own))), *others]}

    return sweep.model_copy(update={"axes": counted(sweep.axes), "cases": [counted(case) for case in sweep.cases]})


def sweep_at(
    place: str,
    block: dict,
    scale: Scale,
    override: dict | None = None,
    seeds: int | None = None,
    settings: dict[str, Any] | None = None,
) -> Sweep:
    """Return a sweep at a scale.

    Parameters
    ----------
    place : str
        What messages begin with.
    block : dict
        The sweep as it stands in its paper's sweeps.yaml.
    scale : {"smoke", "laptop", "paper"}
        Of the entries below ``scales`` those of this scale are merged into the sweep.
    override : dict, optional
        A user's overrides, merged last.
    seeds : int, optional
        Seeds to draw, in place of the sweep's own number of them.
    settings : dict, optional
        What every run has, whatever the sweep says.

    Raises
    ------
    ConfigError
        Naming every wrong key, its value and what is allowed.
    """
    merged: dict = {}
    for part in (block, override or {}):
        _check_scales(place, part)
        scales = part.get("scales", {})
        scaled = scales.get(scale, {}) if isinstance(scales, dict) else {}
        merged = _overridden(place, merged, {**part, "scales": scales})
        merged = _overridden(f"{place}.scales.{scale}", merged, scaled)
    sweep = Sweep.model_validate(merged)
    sweep = sweep.model_copy(update={"fixed": {**sweep.fixed, **(settings or {})}})
    return sweep if seeds is None else with_seeds(sweep, seeds)


def _check_scales(place: str, part: dict) -> None:
    """Refuse what no scale can override."""
    scales = part.get("scales", {})
    for name, scaled in scales.items() if isinstance(scales, dict) else ():
        if isinstance(scaled, dict) and (wrong := [key for key in scaled if key not in OVERRIDABLE]):
            raise ConfigError(
                [f"{place}.scales.{name}.{key}: unknown key; {nearest(key, OVERRIDABLE)}" for key in wrong]
            )


def _overridden(place: str, block: dict, override: dict) -> dict:
    """Return a block of a sweep with an override merged into it, in which lists take the place of counts."""
    try:
        return Sweep.model_validate(merge(block, override)).model_dump(exclude={"scales"})
    except ValidationError as error:
        raise ConfigError(explain(error, place, Sweep)) from None


def _possible(block: dict, *changes: Any) -> list[dict[str, list]]:
    """Return the values of every setting, case by case; a scale at which something is wrong has none."""
    found = []
    for scale in get_args(Scale):
        for changed in ((), changes) if any(changes) else ((),):
            with contextlib.suppress(ConfigError, ValidationError):
                found += SweepResolver("", sweep_at("", block, scale, *changed)).cases()
    return found


def at_paper_scale(block: dict) -> dict:
    """Return ``fixed``, ``cases`` and ``axes`` of a sweep at the paper scale, with every default.

    Nothing where something is wrong at that scale.

    Parameters
    ----------
    block : dict
        The sweep as it stands in its paper's sweeps.yaml.
    """
    with contextlib.suppress(ConfigError, ValidationError):
        resolver = SweepResolver("", sweep_at("", block, "paper"))
        if resolver.cases():
            return {key: resolver.block[key] for key in ("fixed", "cases", "axes")}
    return {}


def load_sweep(
    block: dict,
    scale: Scale = "laptop",
    place: str = "sweep",
    override: dict | None = None,
    name: str = "sweep",
    seeds: int | None = None,
    settings: dict[str, Any] | None = None,
) -> ResolvedSweep:
    """Validate one sweep and fill in all its defaults; parameters as in `sweep_at`.

    Raises
    ------
    ConfigError
        Naming every wrong key, its value and what is allowed.
    """
    resolver = SweepResolver(place, sweep_at(place, block, scale, override, seeds, settings))
    resolved = resolver.resolve(name, _possible(block, override, seeds, settings))
    if resolved is None:
        raise ConfigError(resolver.errors)
    return resolved
