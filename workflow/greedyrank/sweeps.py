"""From a sweep block to runs: fixed settings, cases that vary together, axes that are crossed.

A *slice* is a JSON-ready dictionary with the keys ``problem``, ``factorization``, ``optimizer``,
``fixed``, ``cases``, ``axes`` and ``apart``, the settings whose values train apart. In ``cases`` and
``axes`` a list stands for several values; in ``fixed`` every value is literal. Only the standard
library is used: the planner and the training job expand the same slice in the same way.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

TENANTS = ("problem", "factorization", "optimizer")


def values(entry: object) -> list:
    """Return the values that an entry of ``cases`` or ``axes`` stands for."""
    return entry if isinstance(entry, list) else [entry]


def product(entries: dict) -> Iterator[dict]:
    """Yield every choice of one value for each entry."""
    for combination in itertools.product(*map(values, entries.values())):
        yield dict(zip(entries, combination, strict=True))


def expand(sweep: dict) -> list[dict]:
    """Return the settings of every run of a sweep or slice, in a fixed order."""
    return [
        {**sweep["fixed"], **case, **point}
        for block in sweep["cases"] or [{}]
        for case in product(block)
        for point in product(sweep["axes"])
    ]


def batches(sweep: dict, names: list[str]) -> list[dict]:
    """Return the distinct values of the settings ``names``, one dictionary a batch."""
    found: dict[str, dict] = {}
    for block in sweep["cases"] or [{}]:
        entries = {
            name: block[name] if name in block else sweep["axes"].get(name, [sweep["fixed"].get(name)])
            for name in names
        }
        for batch in product(entries):
            found.setdefault(repr(batch), batch)
    return list(found.values())


def narrow(sweep: dict, batch: dict) -> dict:
    """Return the part of a sweep whose runs have the settings ``batch``."""

    def keep(entries: dict) -> dict | None:
        kept = {}
        for name, entry in entries.items():
            kept[name] = values(entry)
            if name in batch:
                if batch[name] not in kept[name]:
                    return None
                kept[name] = [batch[name]]
        return kept

    cases = [kept for block in sweep["cases"] if (kept := keep(block)) is not None]
    # A batch may name a setting that only some cases have: the others take it from `fixed`.
    cases = [
        kept
        for kept in cases
        if all(name in kept or name in sweep["axes"] or sweep["fixed"].get(name) == v for name, v in batch.items())
    ]
    return {
        **{key: sweep[key] for key in TENANTS},
        "fixed": sweep["fixed"],
        "cases": cases,
        "axes": keep(sweep["axes"]),
        "apart": sweep["apart"],
    }


def label(settings: dict) -> str:
    """Return a file name for a choice of settings, such as ``depth-3_dtype-float32``."""
    return (
        "_".join(f"{name}-{re.sub('[^A-Za-z0-9.+-]+', '-', str(value))}" for name, value in settings.items()) or "all"
    )


def containing(sweep: dict, runs: list[dict]) -> dict:
    """Return the slice whose runs are these, some of those of a sweep or slice."""
    cases = [{name: [value] for name, value in run.items()} for run in runs]
    return {**{key: sweep[key] for key in TENANTS}, "fixed": {}, "cases": cases, "axes": {}, "apart": []}


def together(sweep: dict) -> list[list[int]]:
    """Return which runs of a slice train together: groups of indices into what `expand` returns."""
    groups: dict[str, list[int]] = {}
    for index, run in enumerate(expand(sweep)):
        groups.setdefault(repr([run[name] for name in sweep["apart"]]), []).append(index)
    return list(groups.values())
