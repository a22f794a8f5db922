"""One page with all figures, and one file with all claims."""

from __future__ import annotations

import csv
import html
import json
import logging
from pathlib import Path

from greedyrank import storage
from greedyrank.claims import judged_files
from greedyrank.report.record import by_basis, evidence, expectation, number, unexpected

logger = logging.getLogger(__name__)

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2em auto; padding: 0 1em; color: #222; }
img { width: 100%; border: 1px solid #ddd; }
table { border-collapse: collapse; width: 100%; margin: 1em 0; font-size: 14px; }
td, th { border-bottom: 1px solid #ddd; padding: 4px 8px; text-align: left; vertical-align: top; }
.reproduced { color: #00684c; font-weight: 600; }
.differs { color: #b34700; font-weight: 600; }
.not { color: #666; font-weight: 600; }
pre { overflow-x: auto; background: #f6f6f6; padding: 1em; font-size: 12px; }
"""


def collect(results: Path, figures: list[str]) -> list[dict]:
    """Return the judged claims of the figures whose claims have been checked; those of other versions are left out."""
    found = []
    for path in (results / "claims" / f"{figure}.json" for figure in figures):
        try:
            found += judged_files.load(path) if path.exists() else []
        except judged_files.OtherFormat as error:
            logger.warning("%s", error)
    return found


def seconds(results: Path, sweeps: list[str], figure: str) -> float:
    """Return the run time of all jobs behind a figure, as far as they have been measured."""
    folder = results / "benchmarks"
    files = [path for sweep in sweeps for path in folder.glob(f"*/{sweep}/*.tsv")]
    files += [folder / "extract" / f"{sweep}.tsv" for sweep in sweeps]
    files += [folder / rule / f"{figure}.tsv" for rule in ("plot", "check_claims")]
    total = 0.0
    for path in filter(Path.exists, files):
        with path.open(encoding="utf-8") as file:
            total += sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
    return total


def _claims_html(claims: list[dict]) -> str:
    rows = ""
    for claim in claims:
        control = claim["control"]
        variant = ", ".join(f"{key} = {value}" for key, value in control["variant"].items())
        cells = [
            f"<b>{html.escape(claim['id'])}</b><br>{html.escape(claim['statement'])}<br>"
            f"<small>{html.escape(claim['source'])} ({claim['basis']})."
            f" Tolerance: {html.escape(claim['reason'])}</small>",
            number(claim["published"]),
            expectation(claim),
            "<br>".join(evidence(claim)),
            "<br>".join([f"{html.escape(variant)}:", *evidence(control)]),
            f"<span class='{claim['verdict'].split()[0]}'>{claim['verdict']}</span>"
            f"<br><small>{html.escape(claim['note'])}</small>",
        ]
        rows += "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    head = "".join(f"<th>{name}</th>" for name in ("claim", "published", "expected", "ours", "control", "verdict"))
    return f"<table><tr>{head}</tr>{rows}</table>"


def write(results: Path, shown: dict) -> None:
    """Write ``claims.json`` and ``index.html`` from what is in the results.

    Parameters
    ----------
    results : Path
        The results folder of one scale.
    shown : dict
        Scale and figures, from `greedyrank.plan.slices.Slices.page`.
    """
    claims = collect(results, list(shown["figures"]))
    sections = ""
    for figure, block in shown["figures"].items():
        picture = results / "figures" / f"{figure}.png"
        caption = Path(block["caption"])
        minutes = seconds(results, list(block["sweeps"]), figure) / 60
        sections += (
            f"<h2 id='{figure}'>{html.escape(block['title'])}</h2><p>{html.escape(block['paper'])}</p>"
            + (
                f"<a href='figures/{figure}.pdf'><img src='figures/{figure}.png' alt='{figure}'></a>"
                if picture.exists()
                else "<p>not built</p>"
            )
            + f"<p>{html.escape(caption.read_text(encoding='utf-8') if caption.exists() else '')}</p>"
            + f"<p>Data: <a href='figures/{figure}.csv'>{figure}.csv</a>. Jobs: {minutes:.1f} core-minutes.</p>"
            + _claims_html([claim for claim in claims if claim["figure"] == figure])
            + "<details><summary>settings</summary><pre>"
            + html.escape(json.dumps(block["sweeps"], indent=1))
            + "</pre></details>"
        )
    counts = "".join(f"<li>{line}</li>" for line in by_basis(claims))
    body = (
        f"<h1>greedyrank, {shown['scale']} scale</h1><p>Claims by their basis:</p><ul>{counts}</ul>"
        f"<p>{len(unexpected(claims))} verdicts are not the ones on record. Below each value: for how many runs the"
        " statement holds, and the 95% interval of this share; the margin is the distance from the nearest threshold in"
        f" units of the tolerance, positive where the statement holds.</p>{sections}"
    )
    head = f"<meta charset='utf-8'><title>greedyrank</title><style>{STYLE}</style>"
    document = f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>"
    with storage.writing(results / "index.html") as temporary:
        temporary.write_text(document, encoding="utf-8")
    with storage.writing(results / "claims.json") as temporary:
        temporary.write_text(judged_files.to_json(shown["scale"], claims), encoding="utf-8")
