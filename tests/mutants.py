"""Configs and papers with something wrong in them: those of this repository, cut to a few figures and mutated."""

from __future__ import annotations

import copy
import datetime
import shutil
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import strategies as st

from greedyrank.config import papers, yaml_input
from greedyrank.config.papers import CLAIMS, FIGURE, SWEEPS

ROOT = Path(__file__).parents[1]
CONFIG = yaml_input.read_yaml(ROOT / "config.yaml")
FOLDERS = {path.parent.name: path.parent for path in sorted((ROOT / "workflow/papers").glob(f"*/{SWEEPS}"))}
PAPERS = {name: yaml_input.read_yaml(folder / SWEEPS) for name, folder in FOLDERS.items()}
FIGURES = {
    path.parent.name: (path.parents[1].name, yaml_input.read_yaml(path))
    for folder in FOLDERS.values()
    for path in sorted(folder.glob(f"*/{FIGURE}"))
}
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

NUMBERS = [0, 1, -1, 2.5, -0.0, 1.0e-300, 1.0e308, 10**15, 2**63, -(10**30), 1 << 10000]
NO_NUMBERS = [float("nan"), float("inf"), float("-inf")]
TEXTS = [
    "", "1e-4", "auto", "laptop", "gd", "seed", "$(touch touched)", "`touch touched`", "; touch touched",
    "' \" \\ & | >", "../../touched", "/dev/null", "~", "-rf", "{sweep}", "{{x}}", "a b", "a\nb", "a\0b", "\x1b[31m",
    "x" * 300,
    "y" * 100_000, "Größe ☃ \U0001f600", "</script><script>", "%s", "__class__", "<<", "null",
]  # fmt: skip
OTHERS = [
    None, True, [], {}, [[]], [None], {"a": 1}, {1: 2}, {None: 3}, {"count": 10**9}, {"count": 0}, {"count": "3"},
    {"count": 3}, [1, "a", 2.5], [[0, 1, 1.0]], [0, 0], datetime.date(2020, 1, 1), b"bytes", {"a", "b"},
]  # fmt: skip
VALUES = [*NUMBERS, *NO_NUMBERS, *TEXTS, *OTHERS, [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]


class Mutant(NamedTuple):
    """A paper and a config, one of which was changed.

    Attributes
    ----------
    paper : str
        Name of the paper.
    figures : list of str
        Those of its figures that are left.
    files : dict
        ``sweeps`` and ``figures``: what stands in its files.
    config : dict
        What the user sets.
    changed : {"files", "config"}
        Which of the two has mutations.
    paths : list of tuple
        The places in it that were changed, as keys and indices; a renamed key has both names there.
    """

    paper: str
    figures: list[str]
    files: dict[str, Any]
    config: dict[str, Any]
    changed: str
    paths: list[tuple]


def allow_copies(patch: pytest.MonkeyPatch) -> None:
    """Let copies of papers have the names of the papers, which are packages while the tests run."""
    patch.setattr(papers, "_named", lambda folder: [])


def copy_code(paper: str, folder: Path) -> None:
    """Copy the folder of a paper without its sweeps and the settings of its figures."""
    shutil.copytree(FOLDERS[paper], folder, ignore=shutil.ignore_patterns(SWEEPS, FIGURE, "__pycache__"))


def write(mutant: Mutant, folder: Path) -> dict:
    """Write the files of a paper into such a copy; return the config, with this paper alone."""
    for path in folder.glob(f"*/{FIGURE}"):
        path.unlink()
    _dump(mutant.files.get("sweeps"), folder / SWEEPS)
    figures = mutant.files.get("figures")
    for name in mutant.figures:
        if isinstance(figures, dict) and name in figures:
            _dump(figures[name], folder / name / FIGURE)
    own = (
        {}
        if mutant.changed == "config" and any(path[0] == "papers" for path in mutant.paths)
        else {"papers": [str(folder)]}
    )
    return {**mutant.config, **own}


def _dump(content: object, path: Path) -> None:
    path.write_text(yaml.dump(content, Dumper=DUMPER, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _walk(random: Random, config: dict) -> tuple:
    """Choose a place, a block or what is in it: more often in a sweep or a figure than a setting of the build."""
    path = (random.choice([key for key in [*config, *["sweeps"] * 8, *["figures"] * 4] if key in config]),)
    while True:
        value = _at(config, path)
        keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        if not keys or random.random() < (0.2 if len(path) > 1 else 0.02):
            return path
        path = (*path, random.choice(keys))


def _at(config: object, path: tuple) -> object:
    for key in path:
        config = config[key]
    return config


def _misspelt(random: Random, name: str) -> str:
    where = random.randrange(len(name) + 1)
    return random.choice(
        [name[:where] + name[where + 1 :], f"{name[:where]}x{name[where:]}", name.upper(), f"{name} ", f"{name}s"]
    )


def _nearby(value: object) -> list:
    """Return values like one: of another size or type, more or less of it."""
    if isinstance(value, (int, float)) and abs(value) < 1e300:  # not what an earlier mutation made infinite, or NaN
        return [-value, value + 1, value * 1000, value / 1000, float(value), int(value), str(value), [value], not value]
    if isinstance(value, list):
        return [value[:-1], value + value, value[::-1], [value], [*value, None], dict(enumerate(value)), str(value)]
    if isinstance(value, dict):
        return [list(value), [value], {**value, "more": 1}, dict(list(value.items())[1:]), str(value)]
    return [[value], {str(value): value}, f"{value}s", str(value).upper()]


def _mutate(random: Random, config: dict) -> tuple:
    """Change one thing, and return its place."""
    path = _walk(random, config)
    parent, key = _at(config, path[:-1]), path[-1]
    kind = random.choice(["value", "value", "nearby", "nearby", "elsewhere", "delete", "rename", "double"])
    if kind == "value":
        parent[key] = random.choice(VALUES)
    elif kind == "nearby":
        parent[key] = random.choice(_nearby(parent[key]))
    elif kind == "elsewhere":
        parent[key] = copy.deepcopy(_at(config, _walk(random, config)))
    elif kind == "delete":
        del parent[key]
    elif isinstance(parent, list):
        parent.insert(key, parent[key])
    else:
        name = random.choice([_misspelt(random, str(key)), random.choice(["seed", "depth", "job_per", *TEXTS])])
        path = (*path, name)
        if kind == "double":
            parent[name] = parent[key]
        else:
            items = [(name if old == key else old, value) for old, value in parent.items()]
            parent.clear()
            parent.update(items)
    return path


def unchanged(figure: str, changed: str) -> Mutant:
    """Return a figure and its sweeps as they are, in the files alone or as overrides too."""
    paper, block = FIGURES[figure]
    return _cut(paper, {figure: block}, changed, "smoke")


def _cut(paper: str, figures: dict[str, dict], changed: str, scale: str) -> Mutant:
    sweeps = {name: PAPERS[paper][name] for figure in figures.values() for name in figure["sweeps"]}
    files = {"sweeps": sweeps, "figures": figures}
    # An override may be a whole block.
    overrides = files if changed == "config" else {"sweeps": {}, "figures": {}}
    return Mutant(paper, list(figures), files, {**CONFIG, "scale": scale, **overrides}, changed, [])


@st.composite
def mutants(draw, most: int) -> Mutant:
    """Draw one or two figures of a paper and their sweeps, at some scale, with one or more mutations.

    What is changed comes from a generator of Python's, whose seed alone is drawn: Hypothesis prefers the first of
    what it chooses from, and here all keys are to be met.
    """
    random = draw(st.randoms(use_true_random=True))
    paper = random.choice([FIGURES[name][0] for name in FIGURES])
    known = [name for name, (owner, _) in FIGURES.items() if owner == paper]
    names = random.sample(known, min(len(known), random.choice([1, 1, 2])))
    changed, scale = random.choice(["files", "config"]), random.choice(["smoke", "laptop", "paper"])
    whole = _cut(paper, {name: FIGURES[name][1] for name in names}, changed, scale)
    content, paths = _mutated(random, whole.files if changed == "files" else whole.config, most)
    return whole._replace(**{changed: content, "paths": paths})


def _mutated(random: Random, content: dict, most: int) -> tuple[dict, list[tuple]]:
    paths = []
    for _ in range(random.randint(1, most)):
        if not content:
            break
        content = copy.deepcopy(content)
        paths.append(_mutate(random, content))
    return content, paths


@st.composite
def mutant_claims(draw) -> tuple[str, object]:
    """Draw a figure, and its claims with one to three mutations."""
    random = draw(st.randoms(use_true_random=True))
    figure = random.choice(sorted(FIGURES))
    claims = yaml_input.read_yaml(FOLDERS[FIGURES[figure][0]] / figure / CLAIMS)
    return figure, _mutated(random, {"claims": claims}, 3)[0].get("claims")
