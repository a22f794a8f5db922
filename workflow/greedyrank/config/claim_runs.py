"""The runs that a claim means: every value that it names is one that some run of its sweep has, at some scale."""

from __future__ import annotations

import math
from collections.abc import Mapping

from greedyrank.config.messages import nearest, of_yaml
from greedyrank.config.sweep_loader import ResolvedSweep
from greedyrank.config.sweeps import values

SHOWN = 12  # values in a message


def is_text(value: object) -> bool:
    """Tell whether a value is text in measured sweeps, so that none is the empty text there."""
    return isinstance(value, (bool, str, list))


def as_measured(name: str, found: list, has_text: bool) -> list:
    """Return values of a setting as measured sweeps have them, see `greedyrank.spectra.extraction.settings_of`."""
    separator = "x" if name == "shape" else ", "
    written: list[object] = []
    for value in found:
        if isinstance(value, list) and all(isinstance(part, (int, float)) for part in value):
            written.append(separator.join(f"{part:g}" for part in value))
        elif isinstance(value, (str, int, float)):
            written.append(value)
        elif value is None and has_text:
            written.append("")
    return written


def _is_same(one: object, other: object) -> bool:
    """Tell whether a selection by one value takes runs with the other one."""
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return isinstance(one, bool) == isinstance(other, bool) and math.isclose(one, other, rel_tol=1e-9)
    return one == other


def _has(known: list, wanted: object) -> bool:
    return any(_is_same(value, wanted) for value in known)


def _wrong_value(key: str, value: object, known: list, sweep: str) -> str:
    kind = "a number" if all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in known) else ""
    distinct = list(dict.fromkeys(known))
    if isinstance(value, str) and not kind:
        allowed = nearest(value, distinct)
    else:
        allowed = "allowed: " + ", ".join(map(str, distinct[:SHOWN])) + (", ..." if len(distinct) > SHOWN else "")
    return f"{key} is {value!r}, which no run of sweep {sweep} has; {allowed}{of_yaml(value, kind)}"


def wrong(sweep: ResolvedSweep, wanted: Mapping[str, object]) -> list[str]:
    """Return what is wrong with the settings of the runs that a claim means, one line each.

    Parameters
    ----------
    sweep : ResolvedSweep
        The sweep that the claim is about.
    wanted : mapping
        Settings of runs; a list stands for any of its values.
    """
    names = {name for case in sweep.possible for name in case}
    keys = wanted.keys() & names
    texts = {name for case in sweep.possible for name in keys if any(map(is_text, case.get(name, [])))}
    cases = [
        {name: as_measured(name, case[name], name in texts) for name in case.keys() & keys} for case in sweep.possible
    ]
    errors = [f"no setting `{key}` in sweep {sweep.name}; {nearest(key, names)}" for key in wanted if key not in names]
    for key in keys:
        known = [value for case in cases for value in case.get(key, [])]
        asked = values(wanted[key])
        if not known:
            errors.append(f"runs cannot be selected by `{key}`")
        elif not asked:
            errors.append(f"{key} is an empty list; give at least one value")
        errors += [f"{key} has {value!r} twice" for place, value in enumerate(asked) if _has(asked[:place], value)]
        errors += [_wrong_value(key, value, known, sweep.name) for value in asked if known and not _has(known, value)]
    together = any(
        all(any(_has(case.get(key, []), value) for value in values(wanted[key])) for key in wanted) for case in cases
    )
    if not errors and not together:
        errors.append(f"no run of sweep {sweep.name} has these settings together: {dict(wanted)}")
    return errors
