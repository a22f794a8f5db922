"""The config file: its grammar, its scales, and one clear message for everything wrong in it.

``load`` turns the mapping read from ``config.yaml`` into validated, normalised sweeps and figures.
All errors are collected, each naming the key, its value and what is allowed.
"""

from __future__ import annotations

import ast
import difflib
import itertools
import logging
import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from greedyrank import settings, step_limits, sweeps
from greedyrank.plain import ConfigError, check_plain

logger = logging.getLogger(__name__)

HERE = Path(__file__).parent
# More is a slip of the pen, or too much to plan; and the files of more jobs do not fit a command (docs/scale.md).
MOST_RUNS, MOST_JOBS = 1_000_000, 20_000
LONGEST_NAME = 200  # a file's name has at most 255 bytes, endings and a temporary prefix included


def name_of_files(text: str) -> str:
    """Return the name of a sweep or figure, if it can name files and Snakemake's rules."""
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", text) or len(text) > LONGEST_NAME:
        raise ValueError(f"{text!r} is no name; allowed: up to {LONGEST_NAME} letters, digits and _, a letter first")
    return text


def folder(text: str) -> str:
    """Return the name of a folder, if it can stand in a path of Snakemake's and in a command."""
    long = len(text) > 1000 or any(len(part.encode(errors="replace")) > LONGEST_NAME for part in text.split("/"))
    if not text.isprintable() or set(text) & set("{}") or text[:1] in ("-", "~") or long:
        raise ValueError(
            f"{text!r} is no name of a folder; allowed: printable characters but braces, neither - nor ~ in front,"
            f" up to {LONGEST_NAME} bytes between slashes, and 1000 in all"
        )
    return text


class Strict(BaseModel):
    """A block whose unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", strict=True)


def counted(entry: Any) -> Any:
    """Return the list [0, ..., n - 1] that ``{count: n}`` stands for, anything else as it is."""
    if not isinstance(entry, dict) or "count" not in entry:
        return entry
    count = entry["count"]
    if len(entry) > 1 or type(count) is not int or count < 1:
        raise ValueError(f"{entry} is no count; write {{count: n}}, n a whole number above 0, for 0, 1, ... n - 1")
    if count > MOST_RUNS:
        raise ValueError(f"{entry} are more than the {MOST_RUNS} runs that a sweep may have")
    return list(range(count))


Name = Annotated[str, AfterValidator(name_of_files)]
Folder = Annotated[str, AfterValidator(folder)]


class Sweep(Strict):
    """All runs of one experiment, before a scale is chosen."""

    source: str = Field(description="paper and figure the settings are from")
    problem: str = Field(description="a module of greedyrank/problems")
    factorization: str = Field(description="a module of greedyrank/factorizations")
    optimizer: str = Field(description="a module of greedyrank/optimizers")
    device: Literal["auto", "cpu"] = Field(default="auto", description="cpu: never on a GPU")
    baseline: dict[str, Any] = Field(
        default={}, description="`kind`, a module of greedyrank/baselines, and its settings; one for each problem"
    )
    beyond_step_limit: bool = Field(
        default=False,
        description="do not warn of steps beyond what the theorems of Chou et al. 2020 allow: they are meant",
    )
    fixed: dict[str, Any] = Field(default={}, description="settings of every run")
    cases: list[dict[str, Annotated[Any, BeforeValidator(counted)]]] = Field(
        default=[], description="settings that vary together; lists are crossed; {count: n} is the list 0 ... n - 1"
    )
    axes: dict[str, Annotated[list, BeforeValidator(counted)]] = Field(
        default={}, description="settings that are crossed with all cases; {count: n} is the list 0 ... n - 1"
    )
    batch: list[str] = Field(
        default=[],
        description="settings that split the runs into training jobs; in a job, runs that cannot share arrays are"
        " batches of their own, trained one after the other",
    )
    one_job: bool = Field(
        default=False, description="train all batches in one job, one after the other: starting a job takes seconds"
    )
    scales: dict[Literal["smoke", "laptop", "paper"], dict[str, Any]] = Field(
        default={}, description="overrides of fixed, cases, axes or batch, key by key"
    )


class Figure(Strict):
    """One figure: the sweeps it shows, what is measured on them, and how it is drawn."""

    title: str = Field(description="one line, for tables")
    paper: str = Field(description="paper and figure")
    minutes: float = Field(gt=0, description="measured minutes on 2 cores at laptop scale, its sweeps included")
    sweeps: list[str] = Field(min_length=1, description="names of sweeps")
    measures: list[str] = Field(min_length=1, description="modules of greedyrank/measures")
    draw: dict[str, Any] = Field(default={}, description="keyword arguments of the drawing function")


class Config(Strict):
    """The whole file."""

    scale: Literal["smoke", "laptop", "paper"] = Field(
        default="laptop", description="laptop writes to results/, the others to results/<scale>/"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where jobs run")
    data_dir: Folder = Field(default="data", min_length=1, description="folder of images and ratings")
    results_dir: Folder = Field(default="results", min_length=1, description="folder of everything that is built")
    sweeps: dict[Name, Sweep] = Field(min_length=1)
    figures: dict[Name, Figure] = Field(min_length=1)


class Expectation(Strict):
    """What a statistic must satisfy: exactly one of near, below, above, between."""

    near: float | None = None
    relative: float | None = Field(default=None, gt=0, description="tolerance of near, as a fraction of it")
    absolute: float | None = Field(default=None, gt=0, description="tolerance of near, in its own unit")
    below: float | None = None
    above: float | None = None
    between: list[float] | None = Field(default=None, min_length=2, max_length=2)

    @model_validator(mode="after")
    def _one_kind(self):
        kinds = [k for k in ("near", "below", "above", "between") if getattr(self, k) is not None]
        if len(kinds) != 1:
            raise ValueError("give exactly one of near, below, above, between")
        tolerances = (self.relative is not None) + (self.absolute is not None)
        if tolerances != (self.near is not None):
            raise ValueError("near needs exactly one of relative and absolute; the others take neither")
        return self


class Claim(Strict):
    """One published statement and how it is checked; see workflow/claims."""

    id: str
    statement: str
    source: str
    basis: Literal["published", "theorem", "ours"]
    sweep: str | None = Field(default=None, description="default: the first sweep of the figure")
    runs: dict[str, Any] = Field(default={}, description="settings of the runs meant; a list is any of its values")
    statistic: str = Field(description="a function of greedyrank/claims/<figure>.py")
    at: dict[str, Any] = Field(default={}, description="keyword arguments of the statistic")
    published: float | list[float] | None = None
    expect: Expectation
    reason: str = Field(description="why this tolerance")
    seeds: Literal["every", "median", "mean"] = "every"
    control: dict[str, Any] = Field(
        min_length=1, description="what differs in the runs on which the claim must miss; also sweep, statistic, at"
    )
    scale: Literal["paper"] | None = Field(
        default=None, description="the scale that has its runs; at the others it is not checkable, and this on record"
    )
    known: Literal["differs"] | None = Field(default=None, description="the verdict on record, where not reproduced")
    because: str | None = Field(default=None, description="why it is known to differ")

    @model_validator(mode="after")
    def _cause(self):
        if (self.known is None) != (self.because is None):
            raise ValueError("`known` and `because` go together")
        return self

    @model_validator(mode="after")
    def _control(self):
        for name, kind in (("sweep", str), ("statistic", str), ("at", dict)):
            if name in self.control and not isinstance(self.control[name], kind):
                needed = "keyword arguments" if kind is dict else "a name"
                raise ValueError(f"control.{name} is {self.control[name]!r}; allowed: {needed}")
        return self


def nearest(name: str, allowed) -> str:
    """Return a hint with the nearest allowed name, or all of them."""
    allowed = sorted(map(str, allowed))
    close = difflib.get_close_matches(str(name), allowed, n=1)
    return f"did you mean `{close[0]}`?" if close else f"allowed: {', '.join(allowed)}"


def explain(error: ValidationError, place: str, model: type[BaseModel]) -> list[str]:
    """Translate pydantic's errors into one line each: place, key, value, what is allowed."""
    lines = []
    for item in error.errors():
        path = [str(part) or "''" for part in item["loc"] if part != "[key]"]
        where = ".".join([place, *path] if place else path)
        if item["type"] == "extra_forbidden":
            lines.append(f"{where}: unknown key; {nearest(path[-1], _fields_at(model, path[:-1]))}")
        elif item["type"] == "missing":
            lines.append(f"{where}: missing key")
        elif item["type"] == "value_error":
            lines.append(f"{where}: {item['ctx']['error']}")
        else:
            hint = ""
            if isinstance(item["input"], str) and "number" in item["msg"]:
                hint = " (YAML reads 1e-4 as text: write 1.0e-4)"
            lines.append(f"{where} is {item['input']!r}: {item['msg']}{hint}")
    return lines


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the keys allowed at a path of a model; unions and dictionaries are looked through."""
    for part in path:
        if model is None or not hasattr(model, "model_fields"):
            return []
        field = model.model_fields.get(part)
        candidates = [field.annotation] if field else [model]
        found = None
        while candidates:
            candidate = candidates.pop()
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                found = candidate
                break
            candidates += list(getattr(candidate, "__args__", ()))
        model = found
    return list(model.model_fields) if model else []


def _merge(base: dict, override: dict) -> dict:
    merged = dict(base)
    for key, value in override.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


@cache
def tenants(kind: str) -> tuple[str, ...]:
    """Return the names of the modules in a room of the library, such as ``measures``."""
    return tuple(sorted(p.stem for p in (HERE / kind).glob("*.py") if p.stem != "__init__"))


@cache
def _functions(path: Path) -> dict[str, ast.FunctionDef]:
    """Return the functions of a module, those it imports from its own room included."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ImportFrom) and node.module.startswith(f"{HERE.name}.{path.parent.name}."):
            theirs = _functions(path.with_name(f"{node.module.split('.')[-1]}.py"))
            found |= {alias.asname or alias.name: theirs[alias.name] for alias in node.names if alias.name in theirs}
    return found


def _check_keywords(place: str, given: dict, module: Path, function: str) -> list[str]:
    """Check keyword arguments against a function's keyword-only ones, without importing it."""
    functions = _functions(module)
    if function not in functions:
        return [f"{place}: no function `{function}` in {module.name}; {nearest(function, functions)}"]
    allowed = [argument.arg for argument in functions[function].args.kwonlyargs]
    return [f"{place}.{key}: unknown key; {nearest(key, allowed)}" for key in given if key not in allowed]


@cache
def _adapter(model: type[BaseModel], name: str) -> tuple[TypeAdapter, type[BaseModel] | None]:
    """Return what validates one setting by itself, and the block it is, where it is one."""
    field = model.model_fields[name]
    parts = getattr(field.annotation, "__args__", (field.annotation,))
    inner = next((part for part in parts if hasattr(part, "model_fields")), None)
    return TypeAdapter(Annotated[field.annotation, field]), inner


def _twice(values: list) -> str | None:
    """Return a value that a list has more than once, as text."""
    seen: set[str] = set()
    for value in map(repr, values):
        if value in seen:
            return value
        seen.add(value)
    return None


class _SweepLoader:
    """Resolve one sweep at one scale, collecting what is wrong."""

    def __init__(self, name: str, sweep: Sweep, scale: str):
        self.place = f"sweeps.{name}"
        self.errors: list[str] = []
        block = sweep.model_dump(exclude={"scales"})
        override = sweep.scales.get(scale, {})
        overridable = ("fixed", "cases", "axes", "batch")
        for key in override:
            if key not in overridable:
                place = f"{self.place}.scales.{scale}.{key}"
                self.errors.append(f"{place}: unknown key; {nearest(key, overridable)}")
        if self.errors:
            return
        try:
            self.block = Sweep.model_validate(_merge(block, override)).model_dump(exclude={"scales"})
        except ValidationError as error:
            self.errors += explain(error, f"{self.place}.scales.{scale}", Sweep)

    def load(self) -> dict | None:
        """Return the sweep with every default filled in, or None where something is wrong."""
        if not self.errors:
            self._tenants()
        if not self.errors:
            self._baseline()
            self._normalise()
        if not self.errors:
            self._count()
        if not self.errors:
            self._check_together()
            self._split()
        if not self.errors and not self.block["beyond_step_limit"]:
            self._warn_of_steps()
        return None if self.errors else self.block

    def _tenants(self) -> None:
        self.models = {"training": settings.Training}
        for kind, known in (
            ("problem", settings.PROBLEMS),
            ("factorization", settings.FACTORIZATIONS),
            ("optimizer", settings.OPTIMIZERS),
        ):
            tenant = self.block[kind]
            if tenant not in known:
                self.errors.append(f"{self.place}.{kind} is {tenant!r}; {nearest(tenant, known)}")
            else:
                self.models[kind] = known[tenant]
        self.owners = {name: kind for kind, model in self.models.items() for name in model.model_fields}

    def _baseline(self) -> None:
        if not (given := dict(self.block["baseline"])):
            return
        kind, place = given.pop("kind", None), f"{self.place}.baseline"
        if not isinstance(kind, str) or kind not in settings.BASELINES:
            self.errors.append(f"{place}.kind is {kind!r}; {nearest(kind, settings.BASELINES)}")
            return
        try:
            self.block["baseline"] = {"kind": kind, **settings.BASELINES[kind].model_validate(given).model_dump()}
        except ValidationError as error:
            self.errors += explain(error, place, settings.BASELINES[kind])

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
            self.errors.append(f"{self.place}: `{name}` stands in a case and in an axis; keep one of them")
        varied = {*block["axes"], *(name for case in block["cases"] for name in case)}
        for name in block["batch"]:
            if name not in varied:
                self.errors.append(
                    f"{self.place}.batch: `{name}` is neither an axis nor a case; {nearest(name, varied)}"
                )

    def _blocks(self) -> list[dict[str, list]]:
        """Return the values of every setting, case by case; the runs of a case are their product."""
        fixed = {name: [value] for name, value in self.block["fixed"].items()}
        return [{**fixed, **self.block["axes"], **case} for case in self.block["cases"] or [{}]]

    def _count(self) -> None:
        """Refuse more runs or jobs than can be planned, and runs that stand twice."""
        blocks = self._blocks()
        runs = sum(math.prod(map(len, block.values())) for block in blocks)
        jobs = sum(math.prod(len(block[name]) for name in self.block["batch"] if name in block) for block in blocks)
        if runs > MOST_RUNS:
            self.errors.append(f"{self.place}: its cases and axes make {runs} runs; allowed: up to {MOST_RUNS}")
        if jobs > MOST_JOBS:
            self.errors.append(f"{self.place}.batch makes {jobs} jobs; allowed: up to {MOST_JOBS}")
        distinct = [{name: set(map(repr, values)) for name, values in block.items()} for block in blocks]
        for (i, one), (j, other) in itertools.combinations(enumerate(distinct), 2):
            if one.keys() == other.keys() and all(one[name] & other[name] for name in one):
                self.errors.append(f"{self.place}.cases.{j} has a run that cases.{i} has too; give each run once")

    def _combinations(self) -> Iterator[tuple[dict[str, list[dict]], int]]:
        """Yield for each case the settings of every tenant, combined, and how many runs each combination stands for.

        Seeds go with everything: the first of each stands for all, so that the time does not grow with them.
        """
        for block in self._blocks():
            chosen = {name: values[:1] if name in settings.SEEDS else values for name, values in block.items()}
            parts = {
                kind: list(sweeps.product({name: chosen[name] for name in model.model_fields if name in chosen}))
                for kind, model in self.models.items()
            }
            yield parts, math.prod(len(block[name]) for name in settings.SEEDS if name in block)

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
                for problem, factorization in itertools.product(checked["problem"], checked["factorization"]):
                    for training in checked["training"]:
                        settings.across(problem, factorization, training)
                    if self.block["baseline"]:
                        settings.check_baseline(self.block["baseline"]["kind"], problem, factorization)
            except ValueError as error:
                self.errors.append(f"{self.place}: {error}")
                return

    def _split(self) -> None:
        """Find which settings keep runs of one job in batches of their own."""
        batch, same = self.block["batch"], {name for model in self.models.values() for name in model.same_in_batch}
        apart = {name for name, values in self.block["axes"].items() if len(values) > 1} & same - set(batch)
        by_case = {name for case in self.block["cases"] for name in case} & same - set(batch) - apart
        found: dict[tuple[str, str], set[str]] = {}
        for block in self._blocks() if by_case else ():
            for job in sweeps.product({name: block[name] for name in batch if name in block}):
                for name in by_case & block.keys():
                    found.setdefault((repr(job), name), set()).update(map(repr, block[name]))
        apart |= {name for (_, name), values in found.items() if len(values) > 1}
        if self.block["one_job"]:
            apart |= set(batch)
            self.block["batch"] = []
        self.block["apart"] = sorted(apart)

    def _warn_of_steps(self) -> None:
        """Warn once of the steps that no theorem covers, where there is one; they are no error."""
        if [self.block[kind] for kind in sweeps.TENANTS] != ["completion", "deep_matrix", "gd"]:
            return
        total, beyond = 0, []
        for parts, count in self._combinations():
            for chosen in itertools.product(*parts.values()):
                run = {name: value for part in chosen for name, value in part.items()}
                total += count
                if (limit := step_limits.of_run(run)) is not None and run["learning_rate"] >= limit:
                    beyond.append((run["learning_rate"] / limit, limit, count, run))
        if beyond:
            _, limit, _, run = max(beyond, key=lambda found: found[0])
            logger.warning(
                "%s: learning_rate is %.3g, and below %.3g descent provably converges at depth %d (Chou et al. 2020);"
                " %d of %d runs are beyond their limit. If that is meant, set `beyond_step_limit: true`",
                self.place,
                run["learning_rate"],
                limit,
                run["depth"],
                sum(count for _, _, count, _ in beyond),
                total,
            )


def _check_figure(name: str, figure: Figure, known_sweeps: dict) -> list[str]:
    place = f"figures.{name}"
    errors = [
        f"{place}.sweeps: no sweep `{sweep}`; {nearest(sweep, known_sweeps)}"
        for sweep in figure.sweeps
        if sweep not in known_sweeps
    ]
    for measure in figure.measures:
        if measure not in tenants("measures"):
            errors.append(f"{place}.measures: no measure `{measure}`; {nearest(measure, tenants('measures'))}")
    module = HERE / "figures" / f"{name}.py"
    if not module.exists():
        return [*errors, f"{place}: no drawing function; write {module}"]
    return errors + _check_keywords(f"{place}.draw", figure.draw, module, "draw")


def load_sweep(block: dict) -> dict:
    """Validate one sweep block that stands in no config file, and fill in all its defaults.

    Raises
    ------
    ConfigError
        Naming every wrong key, its value and what is allowed.
    """
    loader = _SweepLoader("alone", Sweep.model_validate(block), "laptop")
    resolved = loader.load()
    if loader.errors:
        raise ConfigError(loader.errors)
    return resolved


def load(raw: dict) -> tuple[Config, dict[str, dict]]:
    """Validate a config and resolve its sweeps at its scale.

    Parameters
    ----------
    raw : dict
        The mapping read from the config file, command-line overrides included.

    Returns
    -------
    config : Config
        The validated file.
    resolved : dict
        For each sweep its block with all defaults filled in; `sweeps.expand` gives its runs.

    Raises
    ------
    ConfigError
        Naming every wrong key, its value and what is allowed.
    """
    try:
        errors = check_plain(raw, "")
    except RecursionError:
        raise ConfigError(["the config is nested too deep"]) from None
    if errors:
        raise ConfigError(errors)
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(explain(error, "", Config)) from None
    errors: list[str] = []
    resolved = {}
    for name, sweep in config.sweeps.items():
        loader = _SweepLoader(name, sweep, config.scale)
        resolved[name] = loader.load()
        errors += loader.errors
    for name, figure in config.figures.items():
        errors += _check_figure(name, figure, config.sweeps)
    if errors:
        raise ConfigError(errors)
    return config, resolved


def resolve_control(asked: dict, changed: dict) -> dict:
    """Return what a control asks for: as the claim, but for what it changes, kept as ``variant``."""
    whole = {key: changed.get(key, asked[key]) for key in ("sweep", "statistic", "at")}
    runs = {key: value for key, value in changed.items() if key not in whole}
    return {**whole, "runs": {**asked["runs"], **runs}, "variant": changed}


def load_claims(figure: str, config: Config, resolved: dict, blocks: object) -> list[dict]:
    """Validate the claims of one figure.

    Raises
    ------
    ConfigError
        For an unknown key, statistic, sweep or setting, or a figure without claims.
    """
    place = f"claims/{figure}.yaml"
    if not isinstance(blocks, list) or not blocks:
        raise ConfigError([f"{place}: a figure needs at least one claim"])
    if wrong := check_plain(blocks, place):
        raise ConfigError(wrong)
    errors: list[str] = []
    claims: list[dict] = []
    module = HERE / "claims" / f"{figure}.py"
    for number, block in enumerate(blocks):
        try:
            claim = Claim.model_validate(block)
        except ValidationError as error:
            errors += explain(error, f"{place}[{number}]", Claim)
            continue
        here = f"{place}:{claim.id}"
        asked = {
            "sweep": claim.sweep or config.figures[figure].sweeps[0],
            "statistic": claim.statistic,
            "at": claim.at,
            "runs": claim.runs,
        }
        control = resolve_control(asked, claim.control)
        for part in (asked, control):
            if (name := part["sweep"]) not in config.figures[figure].sweeps:
                errors.append(
                    f"{here}: no sweep `{name}` in this figure; {nearest(name, config.figures[figure].sweeps)}"
                )
                continue
            known = {*resolved[name]["fixed"], *resolved[name]["axes"]}.union(*resolved[name]["cases"])
            for key in part["runs"]:
                if key not in known:
                    errors.append(f"{here}: no setting `{key}` in sweep {name}; {nearest(key, known)}")
            errors += _check_keywords(f"{here}.at", part["at"], module, part["statistic"])
        loaded = {**claim.model_dump(exclude_none=True, exclude={"scale"}), **asked, "control": control}
        if claim.scale not in (None, config.scale):
            loaded["known"] = "not checkable at this scale"
        claims.append(loaded)
    if len({claim["id"] for claim in claims}) < len(claims):
        errors.append(f"{place}: two claims have the same id")
    if errors:
        raise ConfigError(errors)
    return claims
