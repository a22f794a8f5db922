"""Judged claims as text: the table on a terminal, and the tracked record of a build."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from greedyrank.claims import judged_files
from greedyrank.claims.judging import DIFFERS, NO_DATA, NOT_CHECKABLE, REPRODUCED
from greedyrank.config.grammar import BASES
from greedyrank.report import markdown

WORDS = {REPRODUCED: "reproduced", DIFFERS: "differ", NOT_CHECKABLE: "not checkable", NO_DATA: "without data"}
REDUCTIONS = {"every": "every run", "median": "median", "mean": "mean"}


def number(value: object) -> str:
    """Write a number, or a list of numbers, with four digits."""
    if isinstance(value, list):
        return " to ".join(map(number, value)) if len(value) == 2 else ", ".join(map(number, value))
    return "" if value is None else f"{value:.4g}"


def expectation(claim: dict) -> str:
    """Write in words what a claim expects of which runs."""
    return f"{REDUCTIONS[claim['seeds']]}: {_expected(claim['expect'])}"


def _expected(expect: dict) -> str:
    if "near" in expect:
        within = number(expect["absolute"]) if "absolute" in expect else f"{expect['relative']:.0%}"
        return f"{number(expect['near'])} within {within}"
    (kind, value), *_ = expect.items()
    return f"{'from' if kind == 'between' else kind} {number(value)}"


def measured(part: dict) -> str:
    """Write what was measured of a claim or a control: one number, or the middle and the range over runs."""
    if not part["range"]:
        return ""
    middle = number(part["measured"]) or "no number"
    low, high = part["range"]
    return middle if low == high else f"{middle} ({number([low, high])})"


def holding(part: dict) -> str:
    """Write for how many runs of a claim or a control the statement holds, and the interval of the share."""
    if not part["runs"]:
        return ""
    of = "runs" if part["values"] == part["runs"] else f"values from {part['runs']} runs"
    low, high = part["interval"]
    return f"{part['holding']} of {part['values']} {of} ({low:.0%} to {high:.0%})"


def margin(part: dict) -> str:
    """Write the margin of a claim or a control."""
    return "" if part["margin"] is None else f"{part['margin']:+.2g}"


def evidence(part: dict) -> list[str]:
    """Write what a verdict rests on, of a claim or of a control: what was measured, in how many runs, how far off."""
    found = [measured(part), holding(part), margin(part) and f"margin {margin(part)}"]
    return [text for text in found if text]


def counts(claims: list[dict]) -> dict[str, Counter]:
    """Count the verdicts of each basis that claims have."""
    found = {basis: Counter(claim["verdict"] for claim in claims if claim["basis"] == basis) for basis in BASES}
    return {basis: verdicts for basis, verdicts in found.items() if verdicts}


def by_basis(claims: list[dict]) -> list[str]:
    """Write the counts of verdicts, one line for each basis of claims; a sum over them would say little."""
    return [
        f"{basis}: " + ", ".join(f"{found[verdict]} {word}" for verdict, word in WORDS.items() if found[verdict])
        for basis, found in counts(claims).items()
    ]


def unexpected(claims: list[dict]) -> list[dict]:
    """Return the claims whose verdict is not the one on record."""
    return [claim for claim in claims if claim["verdict"] != claim["on_record"]]


def table(claims: list[dict]) -> str:
    """Return the claims as aligned plain text, one line per claim, and their counts by basis."""
    head = ("figure", "claim", "basis", "published", "expected", "measured", "holds for", "margin")
    rows = [(*head, "control holds for", "verdict")]
    for claim in claims:
        surprising = claim["on_record"] != claim["verdict"]
        rows.append(
            (
                claim["figure"],
                claim["id"],
                claim["basis"],
                number(claim["published"]),
                expectation(claim),
                measured(claim),
                holding(claim),
                margin(claim),
                holding(claim["control"]),
                claim["verdict"] + (f" (on record: {claim['on_record']})" if surprising else ""),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *by_basis(claims)])


def _counts(claims: list[dict], papers: dict[str, str]) -> str:
    """Return how many claims of each paper have each verdict, by the basis of the claims."""
    found = Counter((papers[claim["figure"]], claim["basis"], claim["verdict"]) for claim in claims)
    groups = sorted({(paper, basis) for paper, basis, _ in found}, key=lambda group: (group[0], BASES.index(group[1])))
    cells = [[paper, basis, *(str(found[paper, basis, verdict] or "") for verdict in WORDS)] for paper, basis in groups]
    return markdown.table(["paper", "basis", *(f"{word}:" for word in WORDS.values())], cells)


def _claims(claims: list[dict], *more: str) -> str:
    """Return claims as a table, with these of their items before the statement."""
    cells = [
        [
            *(claim[name] for name in more),
            claim["statement"],
            claim["basis"],
            number(claim["published"]),
            measured(claim),
            holding(claim),
            claim["verdict"] + (f": {claim['note']}" if claim["note"] else ""),
        ]
        for claim in claims
    ]
    return markdown.table([*more, "statement", "basis", "published", "ours", "holds for", "verdict"], cells)


def document(scale: str, claims: list[dict], papers: dict[str, str]) -> str:
    """Return the claims as a Markdown document: counts, then everything that differs, then a table for each figure.

    Parameters
    ----------
    scale : str
        The scale of the build.
    claims : list of dict
        The judged claims.
    papers : dict of str to str
        The paper of each figure.
    """
    parts = [
        "# Published values beside ours",
        f"Written by `make record` from a build at {scale} scale. *Ours*: the middle over runs, and their range in"
        " brackets. *Holds for*: for how many runs the statement holds, and the 95% interval of this share. What each"
        " verdict rests on, its control, its margin and the reason for its tolerance stand in `results/index.html`."
        " [Claims](claims.md) says how claims are judged.",
        _counts(claims, papers).rstrip(),
    ]
    differing = [claim for claim in claims if claim["verdict"] == DIFFERS]
    parts += ["## What differs", _claims(differing, "figure").rstrip() if differing else "Nothing."]
    for figure in sorted({claim["figure"] for claim in claims}, key=lambda figure: (papers[figure], figure)):
        own = [claim for claim in claims if claim["figure"] == figure]
        parts += [f"## {figure}", _claims(own).rstrip()]
    return "\n\n".join(parts) + "\n"


def write(results: Path, docs: Path, papers: dict[str, str]) -> None:
    """Write the record of a build: published values beside ours, and the pictures that README and docs show.

    Parameters
    ----------
    results : Path
        The results folder of one scale, with its claims.json.
    docs : Path
        The folder of the record.
    papers : dict of str to str
        The paper of each figure.
    """
    built = judged_files.read(results / "claims.json")
    pictures = docs / "figures"
    pictures.mkdir(parents=True, exist_ok=True)
    text = document(built["scale"], built["claims"], papers)
    (docs / "published_vs_ours.md").write_text(text, encoding="utf-8")
    for figure in sorted({claim["figure"] for claim in built["claims"]}):
        shutil.copy(results / "figures" / f"{figure}.png", pictures)
