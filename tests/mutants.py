"""Configs with something wrong in them: the config of this repository, cut to a few figures and mutated."""

from __future__ import annotations

import copy
import datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

import yaml
from hypothesis import strategies as st

from greedyrank.config import yaml_input

ROOT = Path(__file__).parents[1]
CONFIG = yaml_input.read_yaml(ROOT / "config.yaml")

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
    """A config, and the places where it was changed, as keys and indices; a renamed key has both names there."""

    config: dict
    paths: list[tuple]


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
        name = random.choice([_misspelt(random, str(key)), random.choice(["seed", "depth", "batch", *TEXTS])])
        path = (*path, name)
        if kind == "double":
            parent[name] = parent[key]
        else:
            items = [(name if old == key else old, value) for old, value in parent.items()]
            parent.clear()
            parent.update(items)
    return path


@st.composite
def mutants(draw, most: int) -> Mutant:
    """Draw a config of one or two figures and their sweeps, at some scale, with one or more mutations.

    What is changed comes from a generator of Python's, whose seed alone is drawn: Hypothesis prefers the first of
    what it chooses from, and here all keys are to be met.
    """
    random = draw(st.randoms(use_true_random=True))
    names = random.sample(sorted(CONFIG["figures"]), random.choice([1, 1, 2]))
    figures = {name: CONFIG["figures"][name] for name in names}
    sweeps = {name: CONFIG["sweeps"][name] for figure in figures.values() for name in figure["sweeps"]}
    config = {**CONFIG, "scale": random.choice(["smoke", "laptop", "paper"]), "sweeps": sweeps, "figures": figures}
    return _mutant(random, config, most)


def _mutant(random: Random, config: dict, most: int) -> Mutant:
    paths = []
    for _ in range(random.randint(1, most)):
        if not config:
            break
        config = copy.deepcopy(config)
        paths.append(_mutate(random, config))
    return Mutant(config, paths)


@st.composite
def mutant_claims(draw) -> tuple[str, object]:
    """Draw a figure, and its claims with one to three mutations."""
    random = draw(st.randoms(use_true_random=True))
    figure = random.choice(sorted(CONFIG["figures"]))
    claims = yaml.load((ROOT / f"workflow/claims/{figure}.yaml").read_text(), yaml_input.LOADER)
    return figure, _mutant(random, {"claims": claims}, 3).config.get("claims")
