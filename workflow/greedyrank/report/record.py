"""Judged claims as text: the table on a terminal, and the tracked record of a build."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from greedyrank.claims.judging import REPRODUCED


def number(value: object) -> str:
    """Write a number, or a list of numbers, with four digits."""
    if isinstance(value, list):
        return " to ".join(map(number, value)) if len(value) == 2 else ", ".join(map(number, value))
    return "" if value is None else f"{value:.4g}"


def expectation(expect: dict) -> str:
    """Write an expectation in words."""
    if "near" in expect:
        within = number(expect["absolute"]) if "absolute" in expect else f"{expect['relative']:.0%}"
        return f"{number(expect['near'])} within {within}"
    (kind, value), *_ = expect.items()
    return f"{'from' if kind == 'between' else kind} {number(value)}"


def measured(claim: dict) -> str:
    """Write what was measured: one number, or the middle and the range over runs."""
    if not claim["range"]:
        return ""
    middle = number(claim["measured"]) or "no number"
    low, high = claim["range"]
    return middle if low == high else f"{middle} ({number([low, high])})"


def unexpected(claims: list[dict]) -> list[dict]:
    """Return the claims whose verdict is not the one on record."""
    return [claim for claim in claims if claim["verdict"] != claim["on_record"]]


def table(claims: list[dict]) -> str:
    """Return the claims as aligned plain text, one line per claim, and a count."""
    rows = [("figure", "claim", "published", "expected", "measured", "verdict")]
    for claim in claims:
        expected = claim["on_record"] != claim["verdict"]
        rows.append(
            (
                claim["figure"],
                claim["id"],
                number(claim["published"]),
                expectation(claim["expect"]),
                measured(claim),
                claim["verdict"] + (f" (on record: {claim['on_record']})" if expected else ""),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    reproduced = sum(claim["verdict"] == REPRODUCED for claim in claims)
    return "\n".join([*lines, f"{reproduced} of {len(claims)} claims reproduced"])


def markdown(scale: str, claims: list[dict]) -> str:
    """Return the claims as a Markdown document: published beside ours, and each verdict's ground."""
    reproduced = sum(claim["verdict"] == REPRODUCED for claim in claims)
    lines = [
        "# Published values beside ours",
        "",
        f"Written by `make record` from a build at {scale} scale. {reproduced} of {len(claims)} claims reproduced."
        " Ours: the middle over runs, and their range in brackets.",
    ]
    for figure in dict.fromkeys(claim["figure"] for claim in claims):
        lines += [
            "",
            f"## {figure}",
            "",
            "| claim | published | expected | ours | control | verdict |",
            "|---|---|---|---|---|---|",
        ]
        for claim in (claim for claim in claims if claim["figure"] == figure):
            cells = (
                f"{claim['statement']} ({claim['source']})",
                number(claim["published"]),
                f"{expectation(claim['expect'])}: {claim['reason']}",
                measured(claim),
                number(claim["control"]["measured"]),
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
    built = json.loads((results / "claims.json").read_text())
    pictures = docs / "figures"
    pictures.mkdir(parents=True, exist_ok=True)
    (docs / "published_vs_ours.md").write_text(markdown(built["scale"], built["claims"]))
    for figure in sorted({claim["figure"] for claim in built["claims"]}):
        shutil.copy(results / "figures" / f"{figure}.png", pictures)
