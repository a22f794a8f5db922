"""Judged claims as text: the table on a terminal, and the tracked record of a build."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from greedyrank.claims import judged_files
from greedyrank.claims.judging import DIFFERS, NO_DATA, NOT_CHECKABLE, REPRODUCED
from greedyrank.config.grammar import BASES

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


def by_basis(claims: list[dict]) -> list[str]:
    """Count the verdicts, one line for each basis of claims; a sum over them would say little."""
    counts = {basis: Counter(claim["verdict"] for claim in claims if claim["basis"] == basis) for basis in BASES}
    return [
        f"{basis}: " + ", ".join(f"{found[verdict]} {word}" for verdict, word in WORDS.items() if found[verdict])
        for basis, found in counts.items()
        if found
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


def markdown(scale: str, claims: list[dict]) -> str:
    """Return the claims as a Markdown document: published beside ours, and each verdict's ground."""
    lines = [
        "# Published values beside ours",
        "",
        f"Written by `make record` from a build at {scale} scale.",
        "",
        *(f"- {line}" for line in by_basis(claims)),
        "",
        "Ours and the control: the middle over runs, and their range in brackets; for how many runs the statement"
        " holds, and the 95% interval of this share; and the margin, the distance from the nearest threshold in"
        " units of the tolerance, positive where the statement holds. [Claims](claims.md) says how claims are judged.",
    ]
    for figure in dict.fromkeys(claim["figure"] for claim in claims):
        lines += [
            "",
            f"## {figure}",
            "",
            "| claim | basis | published | expected | ours | control | verdict |",
            "|---|---|---|---|---|---|---|",
        ]
        for claim in (claim for claim in claims if claim["figure"] == figure):
            cells = (
                f"{claim['statement']} ({claim['source']})",
                claim["basis"],
                number(claim["published"]),
                f"{expectation(claim)}. {claim['reason']}",
                "<br>".join(evidence(claim)),
                "<br>".join(evidence(claim["control"])),
                f"**{claim['verdict']}**" + (f": {claim['note']}" if claim["note"] else ""),
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|").strip() for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def write(results: Path, docs: Path) -> None:
    """Write the record of a build: published values beside ours, and the pictures that README and docs show.

    Parameters
    ----------
    results : Path
        The results folder of one scale, with its claims.json.
    docs : Path
        The folder of the record.
    """
    built = judged_files.read(results / "claims.json")
    pictures = docs / "figures"
    pictures.mkdir(parents=True, exist_ok=True)
    (docs / "published_vs_ours.md").write_text(markdown(built["scale"], built["claims"]), encoding="utf-8")
    for figure in sorted({claim["figure"] for claim in built["claims"]}):
        shutil.copy(results / "figures" / f"{figure}.png", pictures)
