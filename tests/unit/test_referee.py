"""The page for a referee: what fits the time, what was reduced, and what was published beside what was measured."""

from __future__ import annotations

import re

import pytest

from greedyrank.report import referee


def claim(**changes) -> dict:
    """Return a judged claim as claims.json has it."""
    part = {"measured": 71.5, "range": [70.0, 73.0], "runs": 3, "values": 3, "holding": 3, "interval": [0.4, 1.0]}
    return {
        "figure": "one", "id": "grows", "statement": "It grows & <grows>", "source": "P 2020", "basis": "published",
        "published": 70.0, "expect": {"near": 70.0, "relative": 0.1}, "seeds": "every", "reason": "r", "note": "",
        "verdict": "reproduced", "on_record": "reproduced", **part, "margin": 0.5, "control": {**part, "margin": -1.0},
        **changes,
    }  # fmt: skip


def found(**changes) -> list[referee.Found]:
    return [referee.Found("one", "Growth", "P 2020, Fig. 1", ["s: seed 0; published 50 values"], [claim(**changes)])]


@pytest.mark.parametrize(
    ("cores", "budget", "chosen"),
    [(2, 10, ["b", "a"]), (4, 10, ["b", "a", "c"]), (1, 3, ["b"]), (2, 0.5, [])],
)
def test_the_shortest_figures_that_fit(cores, budget, chosen):
    assert referee.affordable({"a": 2, "b": 1, "c": 8}, cores, budget) == chosen


def test_what_was_reduced():
    differences = {"stop.max_steps": [[10], [99]], "seed": [[0], list(range(50))], "core_shape": [[], ["5x5"]]}
    assert referee.reduced("s", differences) == [
        "s: stop.max_steps 10; published 99",
        "s: seed 0; published 50 values",
        "s: core_shape none; published 5x5",
    ]
    assert referee.reduced("s", {}) == []


def test_the_page_and_the_terminal_say_the_same(tmp_path):
    path = tmp_path / "page.html"
    referee.write(path, "P: a title", "laptop", found(), ["two (8 minutes)"], "../figures")
    page = path.read_text(encoding="utf-8")
    text = referee.text("P: a title", found(), ["two (8 minutes)"])
    assert "It grows &amp; &lt;grows&gt;" in page
    assert '<img src="../figures/one.png"' in page
    for part in ("70 within 10%", "71.5 (70 to 73)", "s: seed 0; published 50 values", "two (8 minutes)", "reproduced"):
        assert part in page and part in text
    assert not re.search(r"https?://", page)


def test_a_verdict_that_is_not_on_record_is_named():
    assert "0 of 1 verdicts are those on record. one/grows: differs." in referee.summary(found(verdict="differs"))
