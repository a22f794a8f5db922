"""From a sweep to runs: fixed settings, cases that vary together, axes that are crossed.

In ``cases`` and ``axes`` a list stands for several values; in ``fixed`` every value is literal. Only the standard
library is used: planning and training expand the same slice in the same way.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

PLUGIN_KINDS = ("problem", "factorization", "optimizer")


@dataclass(frozen=True)
class Run(Mapping[str, Any]):
    """One training trajectory: the values of all its settings, by their names."""

    settings: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)


@dataclass(frozen=True)
class Slice:
    """The part of a sweep that a job gets.

    Attributes
    ----------
    problem, factorization, optimizer : str
        Names of plug-ins.
    fixed : dict
        Settings of all runs.
    cases : list of dict
        Settings that vary together, lists of values.
    axes : dict
        Settings that are crossed with all cases, lists of values.
    apart : list of str
        Settings whose values train in groups of their own.
    """

    problem: str
    factorization: str
    optimizer: str
    fixed: dict[str, Any]
    cases: list[dict[str, Any]]
    axes: dict[str, Any]
    apart: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return what `Slice(**found)` is made of, ready for JSON."""
        return asdict(self)

    @cached_property
    def runs(self) -> list[Run]:
        """The runs of the slice, in a fixed order."""
        return [
            Run({**self.fixed, **case, **point})
            for block in self.cases or [{}]
            for case in product(block)
            for point in product(self.axes)
        ]

    def groups(self) -> list[list[int]]:
        """Return which runs train together, as indices into `runs`."""
        found: dict[str, list[int]] = {}
        for index, run in enumerate(self.runs):
            found.setdefault(repr([run[name] for name in self.apart]), []).append(index)
        return list(found.values())

    def containing(self, runs: list[Run]) -> Slice:
        """Return the slice of some of the runs, which train in one group."""
        cases = [{name: [value] for name, value in run.items()} for run in runs]
        return Slice(self.problem, self.factorization, self.optimizer, {}, cases, {}, [])


def values(entry: object) -> list:
    """Return the values that an entry of ``cases`` or ``axes`` stands for."""
    return entry if isinstance(entry, list) else [entry]


def product(entries: dict) -> Iterator[dict]:
    """Yield every choice of one value for each entry."""
    for combination in itertools.product(*map(values, entries.values())):
        yield dict(zip(entries, combination, strict=True))


def choices(sweep: Slice, names: list[str]) -> list[dict]:
    """Return the distinct combinations of values that the runs have of some settings."""
    found: dict[str, dict] = {}
    for block in sweep.cases or [{}]:
        entries = {
            name: block[name] if name in block else sweep.axes.get(name, [sweep.fixed.get(name)]) for name in names
        }
        for choice in product(entries):
            found.setdefault(repr(choice), choice)
    return list(found.values())


def narrow(sweep: Slice, choice: dict) -> Slice:
    """Return the part of a sweep whose runs have the values of ``choice``."""

    def keep(entries: dict) -> dict | None:
        kept = {}
        for name, entry in entries.items():
            kept[name] = values(entry)
            if name in choice:
                if choice[name] not in kept[name]:
                    return None
                kept[name] = [choice[name]]
        return kept

    cases = [kept for block in sweep.cases if (kept := keep(block)) is not None]
    # A choice may name a setting that only some cases have: the others take it from `fixed`.
    cases = [
        kept
        for kept in cases
        if all(name in kept or name in sweep.axes or sweep.fixed.get(name) == v for name, v in choice.items())
    ]
    axes = keep(sweep.axes)
    assert axes is not None, "a choice of values that the axes have"
    return Slice(sweep.problem, sweep.factorization, sweep.optimizer, sweep.fixed, cases, axes, sweep.apart)


def label(settings: dict) -> str:
    """Return a file name for a choice of settings, such as ``depth-3_dtype-float32``."""
    return (
        "_".join(f"{name}-{re.sub('[^A-Za-z0-9.+-]+', '-', str(value))}" for name, value in settings.items()) or "all"
    )
