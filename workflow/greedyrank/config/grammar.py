"""The grammar of sweeps, figures, claims and of the config file, as typed blocks."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from greedyrank import clean_room
from greedyrank.config.messages import of_yaml
from greedyrank.config.settings.training import VARIANTS
from greedyrank.config.sweeps import label

# More is a slip of the pen, or too much to plan; and the files of more jobs do not fit a command (docs/scale.md).
MOST_RUNS, MOST_JOBS = 1_000_000, 20_000


LONGEST_NAME = 200  # a file's name has at most 255 bytes, endings and a temporary prefix included


def is_name_of_files(text: str) -> bool:
    """Tell whether a text can name files and Snakemake's rules."""
    return re.fullmatch("[A-Za-z][A-Za-z0-9_]*", text) is not None and len(text) <= LONGEST_NAME


def name_of_files(text: str) -> str:
    """Return the name of a sweep or figure, if it can name files and Snakemake's rules."""
    if not is_name_of_files(text):
        allowed = f"up to {LONGEST_NAME} letters, digits and _, a letter first"
        raise ValueError(f"{text!r} is not a valid name; allowed: {allowed}")
    return text


def expanded(text: str) -> str:
    """Return the path of a folder with ~ and variables of the environment, such as $HOME, written out."""
    known = {**clean_room.OUTSIDE, **os.environ}
    return os.path.expanduser(re.sub("[$]([A-Za-z_][A-Za-z0-9_]*)", lambda found: known.get(found[1], found[0]), text))


def path_name(text: str, what: str) -> str:
    """Return the path of a folder or file, if it can stand in a path of Snakemake's and in a command."""
    long = len(text) > 1000 or any(len(part.encode(errors="replace")) > LONGEST_NAME for part in text.split("/"))
    if not text.isprintable() or set(text) & set("{}") or text[:1] in ("-", "~") or long:
        raise ValueError(
            f"{text!r} is not a valid name of a {what}; allowed: printable characters except braces, not starting with"
            f" - or ~, up to {LONGEST_NAME} bytes between slashes, and 1000 in all"
        )
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        reason = f"cannot be a file's name in this locale ({error.encoding}): set LC_ALL=C.UTF-8"
        raise ValueError(f"{text!r} {reason}") from None
    return text


def folder(text: str) -> str:
    """Return the name of a folder as it is given, if it can stand in a path of Snakemake's and in a command."""
    path = path_name(expanded(text), "folder")
    if unknown := re.search("[$][A-Za-z_][A-Za-z0-9_]*", path):
        raise ValueError(f"{text!r}: the environment has no variable {unknown[0]}")
    return text


def image(text: str) -> str:
    """Return the address of a container's image, if it can stand in the command that Snakemake makes of it."""
    if not re.fullmatch("[A-Za-z0-9/.][A-Za-z0-9_./:@+-]*", text):
        raise ValueError(
            f"{text!r} is not a valid image; allowed: a .sif file, or an address such as docker://..., of letters,"
            " digits and _ . / : @ + -"
        )
    return text


class Strict(BaseModel):
    """A block whose unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", strict=True)


def counted(entry: Any) -> Any:
    """Return the list that ``{count: n}`` or ``{count: n, from: a, to: b}`` stands for, anything else as it is.

    The first is 0, 1, ... n - 1; the second n equally spaced numbers from a to b, to 12 digits.
    """
    if not isinstance(entry, dict) or "count" not in entry:
        return entry
    count, ends = entry["count"], [entry[end] for end in ("from", "to") if type(entry.get(end)) in (int, float)]
    if len(entry) != 1 + len(ends) or len(ends) == 1 or type(count) is not int or count < 1 + bool(ends):
        raise ValueError(
            f"{entry} is not a count; write {{count: n}}, n a whole number above 0, for 0, 1, ... n - 1; or"
            " {count: n, from: a, to: b}, n above 1, for equally spaced numbers"
        )
    if count > MOST_RUNS:
        raise ValueError(f"{entry} are more than the {MOST_RUNS} runs that a sweep may have")
    if not ends:
        return list(range(count))
    first, final = ends
    return [float(f"{first + (final - first) * index / (count - 1):.12g}") for index in range(count)]


Scale = Literal["smoke", "laptop", "paper"]
Name = Annotated[str, AfterValidator(name_of_files)]


Folder = Annotated[str, AfterValidator(folder)]
Image = Annotated[str, AfterValidator(image)]


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
        default=False, description="do not warn of steps that are larger than what convergence theorems allow"
    )
    fixed: dict[str, Any] = Field(default={}, description="settings of every run")
    cases: list[dict[str, Annotated[Any, BeforeValidator(counted)]]] = Field(
        default=[],
        description="settings that vary together; lists are crossed; {count: n} is 0 ... n - 1",
    )
    axes: dict[str, Annotated[list, BeforeValidator(counted)]] = Field(
        default={},
        description="settings that are crossed with all cases; {count: n} is 0 ... n - 1",
    )
    with_data_seed: list[Literal["sensing_seed", "seed"]] = Field(
        default=[],
        description="seeds that have the value of `data_seed`, so that each of its values draws everything anew",
    )
    job_per: list[str] = Field(
        default=[],
        description="settings that split the runs into training jobs, one for each combination of their values; in a"
        " job, runs that cannot share arrays are groups that train one after the other",
    )
    one_job: bool = Field(
        default=False, description="train all groups in one job, one after the other: starting a job takes seconds"
    )
    scales: dict[Scale, dict[str, Any]] = Field(
        default={}, description="overrides of fixed, cases, axes or job_per at a scale, key by key"
    )


def name_of_drawing(value: Any) -> Any:
    """Return what `draw` is, unless it is a mapping: options, which stand elsewhere."""
    if isinstance(value, dict):
        hints = "".join(of_yaml(part, "a number") for part in value.values())
        raise ValueError(f"{value} is no name of a figure; what draw() is given stands in `options`{hints}")
    return value


class Figure(Strict):
    """One figure: the sweeps it shows, what is measured on them, and how it is drawn."""

    title: str = Field(description="one line, for tables")
    paper: str = Field(description="paper and figure")
    minutes: float = Field(gt=0, description="measured minutes on 2 cores at laptop scale, its sweeps included")
    sweeps: list[str] = Field(min_length=1, description="names of sweeps")
    measures: list[str] = Field(min_length=1, description="modules of greedyrank/measures")
    draw: Annotated[str | None, BeforeValidator(name_of_drawing)] = Field(
        default=None, description="the figure of the same paper whose draw.py draws this one too; default: its own"
    )
    options: dict[str, Any] = Field(default={}, description="keyword arguments of the drawing function")


class ReleasedFile(Strict):
    """A file that a paper's authors released: an entry of the paper's data.yaml, under its path in the data folder."""

    url: str = Field(pattern="^https://", description="where it can be downloaded, at one fixed version")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="the SHA-256 of its content")


class Config(Strict):
    """What a user sets: everything else stands in the folders of the papers."""

    scale: Scale = Field(default="laptop", description="laptop writes to results/, the others to results/<scale>/")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where jobs run")
    data_dir: Folder = Field(default="data", min_length=1, description="folder of images and ratings")
    results_dir: Folder = Field(default="results", min_length=1, description="folder of everything that is built")
    container: Image | None = Field(
        default=None, description="image that all jobs run in with `--sdm apptainer`: a .sif file, or docker://..."
    )
    seeds: int | None = Field(
        default=None, gt=0, description="seeds that every sweep draws, in place of its own number of them"
    )
    engine: Literal["closed_form", "autograd"] = Field(
        default="closed_form", description="how every sweep trains; see the setting of that name"
    )
    group_size: int | None = Field(default=None, gt=0, description="for every sweep; see the setting of that name")
    nudge_seed: int | None = Field(default=None, ge=0, description="for every sweep; see the setting of that name")
    papers: list[Folder] = Field(
        default=["workflow/papers"],
        min_length=1,
        description="folders of papers, each with sweeps.yaml and one folder a figure, or folders that hold such ones",
    )
    sweeps: dict[Name, dict[str, Any]] = Field(default={}, description="overrides of sweeps of the papers, key by key")
    figures: dict[Name, dict[str, Any]] = Field(default={}, description="overrides of figures, key by key")

    def _changed(self, *names: str) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in names}
        return {name: value for name, value in given.items() if value != type(self).model_fields[name].default}

    @property
    def of_every_sweep(self) -> dict[str, Any]:
        """The settings that every run gets, by their names."""
        return self._changed(*VARIANTS)

    @property
    def folder(self) -> str:
        """The folder of the results. What changes every sweep has one of its own: none overwrites another's."""
        changed = self._changed("seeds", *VARIANTS)
        name = "_".join([self.scale, *([label(changed)] if changed else [])])
        whole = Path(expanded(self.results_dir))
        return str(whole if name == "laptop" else whole / name)

    @property
    def data(self) -> str:
        """The folder of images and ratings."""
        return str(Path(expanded(self.data_dir)))

    @model_validator(mode="after")
    def _own_folder(self):
        if Path(expanded(self.results_dir)).resolve() in (Path.cwd(), *Path.cwd().parents):
            raise ValueError(f"results_dir is {self.results_dir!r}; allowed: a folder for results alone")
        return self


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
        if self.near == 0 and self.relative is not None:
            raise ValueError("near 0 needs an absolute tolerance: a fraction of 0 is 0")
        if self.between is not None and not self.between[0] < self.between[1]:
            raise ValueError(f"between {self.between}: the first must be smaller than the second")
        return self


Basis = Literal["published", "theorem", "ours"]
BASES = get_args(Basis)


class Claim(Strict):
    """One statement and how it is checked: an entry of a figure's claims.yaml."""

    id: str
    statement: str
    source: str
    basis: Basis
    sweep: str | None = Field(default=None, description="default: the first sweep of the figure")
    runs: dict[str, Any] = Field(default={}, description="settings of the runs meant; a list is any of its values")
    statistic: str = Field(
        description="a function of the figure's statistics.py, of the paper's common.py or of greedyrank/claims/"
        "statistics.py; <figure>.<function>: of another figure of the paper"
    )
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
