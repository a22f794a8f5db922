"""One page for a referee: of one paper, what was published beside what was measured just now, and what was reduced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jinja2

from greedyrank import storage
from greedyrank.report import record

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title><style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2em auto; padding: 0 1em; color: #222; }
img { width: 100%; border: 1px solid #ddd; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td, th { border-bottom: 1px solid #ddd; padding: 4px 8px; text-align: left; vertical-align: top; }
</style></head><body>
<h1>{{ title }}</h1>
<p>{{ summary }} Each claim was judged on runs that were trained just now, at {{ scale }} scale.</p>
<ul>{% for line in counts %}<li>{{ line }}</li>{% endfor %}</ul>
{% if not_run %}<p>Not run within the time given: {{ not_run | join(", ") }}.</p>{% endif %}
{% for figure in figures %}
<h2 id="{{ figure.name }}">{{ figure.title }}</h2>
<p>{{ figure.paper }}</p>
<img src="{{ figure.picture }}" alt="{{ figure.title }}">
<table><tr>{% for name in columns %}<th>{{ name }}</th>{% endfor %}</tr>
{% for row in figure.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>
<p>{% if figure.reduced %}Reduced, compared with what was published:{% else %}Nothing was reduced.{% endif %}</p>
<ul>{% for line in figure.reduced %}<li>{{ line }}</li>{% endfor %}</ul>
{% endfor %}</body></html>
"""
COLUMNS = ("statement", "source", "published", "expected", "measured", "holds for", "verdict")


@dataclass(frozen=True)
class Found:
    """What became of a figure.

    Attributes
    ----------
    name, title, paper : str
        The figure.
    reduced : list of str
        What was reduced, one line each.
    claims : list of dict
        Its judged claims.
    """

    name: str
    title: str
    paper: str
    reduced: list[str]
    claims: list[dict]


def _written(values: list) -> str:
    """Write the values of a setting: up to four of them, or how many there are."""
    if len(values) > 4:
        return f"{len(values)} values"
    return ", ".join(map(str, values)) or "none"


def reduced(sweep: str, differences: dict[str, list]) -> list[str]:
    """Return in which settings a sweep differs from the published ones, one line each.

    Parameters
    ----------
    sweep : str
        Its name.
    differences : dict
        For each setting its values, and the published ones.
    """
    return [
        f"{sweep}: {name} {_written(ours)}; published {_written(theirs)}"
        for name, (ours, theirs) in differences.items()
    ]


def affordable(minutes: dict[str, float], cores: int, budget: float) -> list[str]:
    """Return the figures that are built in a time, the shortest first.

    Parameters
    ----------
    minutes : dict
        How long each takes on two cores.
    cores : int
        How many there are.
    budget : float
        Minutes.
    """
    chosen, total = [], 0.0
    for name in sorted(minutes, key=lambda name: minutes[name]):
        total += minutes[name] * 2 / cores
        if total <= budget:
            chosen.append(name)
    return chosen


def judged(found: list[Found]) -> list[dict]:
    """Return all claims that were judged."""
    return [claim for figure in found for claim in figure.claims]


def summary(found: list[Found]) -> str:
    """Return one sentence: how many verdicts are those on record."""
    claims = judged(found)
    surprising = record.unexpected(claims)
    names = "".join(f" {claim['figure']}/{claim['id']}: {claim['verdict']}." for claim in surprising)
    return f"{len(claims) - len(surprising)} of {len(claims)} verdicts are those on record.{names}"


def text(title: str, found: list[Found], not_run: list[str]) -> str:
    """Return the page as it is printed on a terminal."""
    lines = [title, "", record.table(judged(found)), "", *(line for figure in found for line in figure.reduced)]
    lines += [f"Not run within the time given: {', '.join(not_run)}."] if not_run else []
    return "\n".join([*lines, summary(found)])


def write(path: Path, title: str, scale: str, found: list[Found], not_run: list[str], pictures: str) -> None:
    """Write the page as HTML.

    Parameters
    ----------
    path : Path
        The file.
    title, scale : str
        Of the paper, and of the build.
    found : list of Found
        The figures that were built.
    not_run : list of str
        The others.
    pictures : str
        The folder of the pictures, relative to that of the file.
    """
    figures = [
        {
            "name": figure.name,
            "title": figure.title,
            "paper": figure.paper,
            "picture": f"{pictures}/{figure.name}.png",
            "reduced": figure.reduced,
            "rows": [
                (
                    claim["statement"],
                    f"{claim['source']} ({claim['basis']})",
                    record.number(claim["published"]),
                    record.expectation(claim),
                    record.measured(claim),
                    record.holding(claim),
                    claim["verdict"] + (f": {claim['note']}" if claim["note"] else ""),
                )
                for claim in figure.claims
            ],
        }
        for figure in found
    ]
    page = jinja2.Environment(autoescape=True).from_string(PAGE)
    content = page.render(
        title=title, summary=summary(found), scale=scale, counts=record.by_basis(judged(found)), not_run=not_run,
        figures=figures, columns=COLUMNS,
    )  # fmt: skip
    with storage.writing(path) as temporary:
        temporary.write_text(content, encoding="utf-8")
