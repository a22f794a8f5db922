"""The page of all figures, and judged claims as text."""

import html
import json
import re

import pytest

from greedyrank import storage
from greedyrank.claims import judging
from greedyrank.report import page, record

# -- the page ---------------------------------------------------------------------------------------


def judged(figure="one", **changes):
    return {
        "figure": figure,
        "id": "grows",
        "statement": "a < b & c",
        "source": "Paper <2020>",
        "basis": "published",
        "published": 70.7,
        "expect": {"near": 70.7, "relative": 0.1},
        "reason": "reading <error>",
        "seeds": "every",
        "at": {},
        "measured": 71.23456,
        "range": [70.0, 72.5],
        "runs": 3,
        "verdict": judging.REPRODUCED,
        "on_record": judging.REPRODUCED,
        "note": "",
        "control": {
            "variant": {"det": "<negative>"},
            "measured": 12.0,
            "range": [12.0, 12.0],
            "runs": 3,
            "holds": False,
        },
        **changes,
    }


@pytest.fixture
def results(tmp_path):
    """A results folder with two judged figures, of which one is drawn; gives write() and the folder."""
    folder, caption = tmp_path / "results", tmp_path / "caption.rst"
    caption.write_text("Caption with <tags> & more.")
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "one.png").write_bytes(b"")
    block = {
        "title": "First <b>figure</b>",
        "paper": "Paper & Co",
        "caption": str(caption),
        "sweeps": {"main": {"fixed": {"label": "</pre><script>"}}},
    }
    shown = {
        "scale": "laptop",
        "figures": {"one": block, "two": {**block, "title": "Second", "caption": str(tmp_path / "missing.rst")}},
    }

    def write(*claims):
        for figure in shown["figures"]:
            of_figure = [claim for claim in claims if claim["figure"] == figure]
            if of_figure:
                judging.save(folder / "claims" / f"{figure}.json", "laptop", of_figure)
        page.write(folder, shown)
        return (folder / "index.html").read_text()

    return write, folder


def test_page_and_claims_are_written(results):
    write, folder = results
    differs = judged("two", id="other", verdict=judging.DIFFERS, note="the control holds as well", published=None)
    text = write(judged(), differs)
    saved = json.loads((folder / "claims.json").read_text())
    assert saved == {"scale": "laptop", "claims": [judged(), differs]}
    assert "1 of 2 claims reproduced" in text and "1 verdicts are not the ones on record" in text
    assert "<img src='figures/one.png'" in text and "<img src='figures/two.png'" not in text
    assert text.count("not built") == 1
    for shown in ("70.7 within 10%", "71.23 (70 to 72.5)", "the control holds as well", "laptop scale"):
        assert shown in text


def test_damaged_claims_are_not_shown(results):
    write, folder = results
    write(judged())
    claims = folder / "claims" / "one.json"
    claims.write_text(claims.read_text().replace("71.23456", "71.23556"))
    with pytest.raises(storage.CorruptFile, match=r"one\.json is not what was written.*--force .*one\.json"):
        write()


def test_page_escapes_html(results):
    write, _ = results
    text = write(judged(note="<i>note</i>"))
    for raw in (
        "a < b & c",
        "<i>note",
        "Paper <2020>",
        "reading <error>",
        "<negative>",
        "<b>figure</b>",
        "Paper & Co",
        "<tags>",
        "<script>",
    ):
        assert raw not in text
        assert html.escape(raw) in text
    assert text.count("<pre>") == text.count("</pre>") == 2


def test_page_of_what_is_there(results):
    write, folder = results
    assert "0 of 0 claims reproduced" in write()
    assert json.loads((folder / "claims.json").read_text())["claims"] == []


def test_page_of_what_could_not_be_measured(results):
    write, folder = results
    control = {"variant": {"depth": 2}, "measured": None, "range": None, "runs": 0, "holds": None}
    write(judged(measured=None, range=None, runs=0, verdict=judging.NOT_CHECKABLE, control=control))
    assert "not checkable at this scale" in (folder / "index.html").read_text()


def test_run_time_is_that_of_the_jobs_behind_a_figure(results):
    _, folder = results
    for name, seconds in (
        ("train/main/all", 60),
        ("generate/main/all", 30),
        ("extract/main", 20),
        ("plot/one", 7),
        ("train/other/all", 999),
    ):
        path = folder / "benchmarks" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00\n")
    assert page.seconds(folder, ["main"], "one") == 117


# -- the record -------------------------------------------------------------------------------------


def test_unexpected_is_either_way():
    same = judged()
    worse = judged(verdict=judging.DIFFERS)
    better = judged(on_record=judging.DIFFERS)
    known = judged(verdict=judging.DIFFERS, on_record=judging.DIFFERS)
    missing = judged(verdict=judging.NOT_CHECKABLE)
    assert record.unexpected([same, worse, better, known, missing]) == [worse, better, missing]


def test_table():
    worse = judged(
        id="falls",
        verdict=judging.DIFFERS,
        expect={"below": 0.01},
        published=[1.0, 2.0],
        range=[3.0, 3.0],
        measured=3.0,
    )
    lines = record.table([judged(), worse]).splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["figure", "claim", "published", "expected", "measured", "verdict"]
    assert re.split(r"\s{2,}", lines[1]) == [
        "one",
        "grows",
        "70.7",
        "70.7 within 10%",
        "71.23 (70 to 72.5)",
        "reproduced",
    ]
    assert re.split(r"\s{2,}", lines[2]) == [
        "one",
        "falls",
        "1 to 2",
        "below 0.01",
        "3",
        "differs (on record: reproduced)",
    ]
    assert lines[3] == "1 of 2 claims reproduced"
    assert len({line.index(word) for line, word in zip(lines[:3], ("measured", "71.23", "3  "), strict=True)}) == 1


@pytest.mark.parametrize(
    ("expect", "text"),
    [
        ({"near": 5.0, "absolute": 0.1}, "5 within 0.1"),
        ({"near": 70.7, "relative": 0.05}, "70.7 within 5%"),
        ({"below": 1e-5}, "below 1e-05"),
        ({"above": 2.0}, "above 2"),
    ],
)
def test_expectation(expect, text):
    assert record.expectation(expect) == text


def test_the_record_of_a_build(tmp_path):
    results, docs = tmp_path / "results", tmp_path / "docs"
    (results / "figures").mkdir(parents=True)
    for figure in ("one", "two", "unjudged"):
        (results / "figures" / f"{figure}.png").write_bytes(figure.encode())
    differs = judged(
        "two", statement="a | b", verdict=judging.DIFFERS, note="the control holds as well", published=None
    )
    (results / "claims.json").write_text(json.dumps({"scale": "laptop", "claims": [judged(), differs]}))
    record.write(results, docs)
    text = (docs / "published_vs_ours.md").read_text()
    assert "from a build at laptop scale. 1 of 2 claims reproduced." in text
    assert re.findall("^## (.*)$", text, re.MULTILINE) == ["one", "two"]
    ours = "70.7 | 70.7 within 10%: reading <error> | 71.23 (70 to 72.5) | 12"
    assert f"| a < b & c (Paper <2020>) | {ours} | **reproduced** |" in text.splitlines()
    assert r"| a \| b (Paper <2020>) |  | " in text and "**differs**: the control holds as well |" in text
    assert {path.name: path.read_text() for path in (docs / "figures").iterdir()} == {
        "one.png": "one",
        "two.png": "two",
    }
