"""The table of how far each claim holds."""

from __future__ import annotations

from greedyrank.claims.horizon import SETTINGS
from greedyrank.report import markdown
from greedyrank.report.record import holding, number


def same_verdict(rows: list[dict], verdict: str) -> tuple[list[float], list[float]]:
    """Return the values around a claim's own at which its verdict is the same, and all at which it is another."""
    same: list[list[float]] = [[]]
    for row in rows:
        if row["verdict"] == verdict:
            same[-1].append(row["value"])
        else:
            same.append([])
    own = {row["value"] for row in rows if row["own"]}
    around = max(same, key=lambda values: len(own.intersection(values)))
    return around, [row["value"] for row in rows if row["verdict"] != verdict]


def _values(values: list[float]) -> str:
    return ", ".join(map(number, values))


def _setting(claim: dict, names: tuple[str, ...]) -> str:
    """Write where a verdict flips along settings of one kind."""
    cells = []
    for name in (name for name in names if name in claim["settings"]):
        same, other = same_verdict(claim["settings"][name], claim["verdict"])
        if not same:  # the claim is about several values together
            continue
        held = _values(same) if len(same) < 2 else number([same[0], same[-1]])
        cells.append(f"`{name}` {held}".rstrip() + (f"; not at {_values(other)}" if other else ""))
    return "; ".join(cells)


def _tolerance(claim: dict) -> str:
    """Write the tolerance of a claim, and the range in which its verdict is the same."""
    found = claim["tolerance"]
    if found is None:
        return ""
    low, high = number(found["low"]), number(found["high"])
    return f"{number(found['own'])}: " + (f"{low or 'any'} to {high or 'any'}" if low or high else "any")


def document(seeds: int, claims: list[dict]) -> str:
    """Return the table as a Markdown document.

    Parameters
    ----------
    seeds : int
        How many seeds every sweep drew.
    claims : list of dict
        ``figure``, and what `greedyrank.claims.horizon.of_claim` returns.
    """
    lines = [
        "# How far each claim holds",
        "",
        f"Written by `make horizon`: the figures that take at most a minute, with {seeds} seeds in every sweep that"
        " draws any.",
        "",
        "- *holds for*: on how many of how many values of its statistic the claim holds, with a 95 % interval.",
        "- *tolerance*: the claim's own, and from where to where the verdict is the same. For `below` and `above` it is"
        " the threshold, for `between` half the width.",
        "- *init*, *step*: the init scales and the step sizes at which the verdict is the same, around those that the"
        " claim is about, and those at which it is not. Empty where the sweep has one value only, or the claim compares"
        " several.",
    ]
    for figure in dict.fromkeys(claim["figure"] for claim in claims):
        cells = []
        for claim in (claim for claim in claims if claim["figure"] == figure):
            record = "" if claim["verdict"] == claim["on_record"] else f" (on record: {claim['on_record']})"
            settings = [_setting(claim, names) for names in SETTINGS.values()]
            cells.append([f"`{claim['id']}`", claim["verdict"] + record, holding(claim), _tolerance(claim), *settings])
        columns = ["claim", "verdict", "holds for", "tolerance", "init", "step"]
        lines += ["", f"## {figure}", "", markdown.table(columns, cells).rstrip()]
    return "\n".join(lines) + "\n"
