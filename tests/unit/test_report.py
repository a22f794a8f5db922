"""The page of all figures, and judged claims as text."""

import html
import json
import os
import re

import pytest

from greedyrank import storage
from greedyrank.claims import judged_files, judging
from greedyrank.report import page, page_content, record

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
        "values": 3,
        "holding": 3,
        "interval": [0.2924, 1.0],
        "margin": 0.7453,
        "holds": True,
        "verdict": judging.REPRODUCED,
        "on_record": judging.REPRODUCED,
        "note": "",
        "control": {
            "variant": {"det": "<negative>"},
            "measured": 12.0,
            "range": [12.0, 12.0],
            "runs": 3,
            "values": 6,
            "holding": 1,
            "interval": [0.0042, 0.6412],
            "margin": -7.3,
            "holds": False,
        },
        **changes,
    }


def shown(text):
    """Return what a reader sees of a page: its text, with single spaces."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.fixture
def results(tmp_path):
    """A results folder with two judged figures, of which one is drawn; gives write() and the folder."""
    folder, caption = tmp_path / "results", tmp_path / "caption.rst"
    caption.write_text("Caption with <tags> & *more*.", encoding="utf-8")
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "one.png").write_bytes(b"")
    block = {
        "title": "First <b>figure</b>",
        "paper": "Paper & Co",
        "folder": "house",
        "caption": str(caption),
        "sweeps": {"main": {"problem": "completion", "fixed": {"label": "</td><script>"}, "cases": [], "axes": {}}},
        "reduced": {"main": {"stop.max_steps": [[10], [1000]], "seed": [[0, 1, 2, 3, 4], []]}},
    }
    content = {
        "scale": "laptop",
        "papers": {"house": str(tmp_path / "README.md"), "empty": str(tmp_path / "README.md")},
        "figures": {"one": block, "two": {**block, "title": "Second", "caption": str(tmp_path / "missing.rst")}},
    }

    def write(*claims):
        for figure in content["figures"]:
            of_figure = [claim for claim in claims if claim["figure"] == figure]
            if of_figure:
                judged_files.save(folder / "claims" / f"{figure}.json", "laptop", of_figure)
        page.write(folder, content)
        return (folder / "index.html").read_text(encoding="utf-8")

    return write, folder


def test_page_and_claims_are_written(results):
    write, folder = results
    differs = judged("two", id="other", verdict=judging.DIFFERS, note="the control holds as well", published=None)
    text = write(judged(), differs)
    saved = json.loads((folder / "claims.json").read_text(encoding="utf-8"))
    assert saved == {"format": judged_files.FORMAT_VERSION, "scale": "laptop", "claims": [judged(), differs]}
    assert '<img src="figures/one.png"' in text and '<img src="figures/two.png"' not in text
    words = shown(text)
    for expected in (
        "laptop scale",
        "Published 1 ✓ reproduced 1 ✗ differ",
        "1 verdicts are not the ones on record",
        "Expected every run: 70.7 within 10%",
        "Ours 71.23 (70 to 72.5)",
        "Holds 3 of 3 runs (29% to 100%)",
        "Margin +0.75",
        "Control: det = <negative> 12; holds in 1 of 6 values from 3 runs (0% to 64%); margin -7.3",
        "the control holds as well",
        "Settings: 2 are others at the paper scale",
        "main stop.max_steps [10] [1000]",
        "main seed 0 to 4 none",
        "not built: snakemake --cores 1 two",
    ):
        assert expected in words
    assert words.count("not built:") == 1


def test_everything_has_a_permalink(results):
    write, _ = results
    text = write(judged())
    for place in ("paper/house", "figure/one", "figure/two", "claim/one/grows"):
        assert text.count(f'id="{place}"') == 1
        assert f'href="#{place}"' in text


def test_what_runs_and_what_failed_is_shown(results, tmp_path):
    write, folder = results
    (tmp_path / "a.log").write_text("starts\nerror: <no>\n", encoding="utf-8")
    job = {"what": "one: <train>", "since": 0, "logs": [str(tmp_path / "a.log")]}
    state = {"process": os.getpid(), "running": [{**job, "what": "two: train"}], "failed": [job]}
    (folder / "logs").mkdir()
    (folder / "logs" / "build.json").write_text(json.dumps(state), encoding="utf-8")
    text = write(judged())
    assert "A build is running" in shown(text) and "running: two: train, for" in shown(text)
    assert "✗ failed one: <train> starts error: <no>" in shown(text)
    assert "one: <train>" not in text and "error: <no>" not in text
    (folder / "logs" / "build.json").write_text("{", encoding="utf-8")
    assert "build is running" not in write(judged())


def test_interactive_figures_have_their_script_beside_the_page(results):
    write, folder = results
    (folder / "figures" / "one.js").touch()
    text = write(judged())
    assert text.count("data-twin=") == 1 and 'data-twin="one"' in text
    assert (folder / "plotly.min.js").stat().st_size > 1_000_000
    assert "plotly.min.js" in text and 'src="plotly' not in text  # loaded when a figure is opened


def test_the_page_loads_nothing_from_elsewhere(results):
    write, _ = results
    text = write(judged())
    assert not re.search(r'(src|href)="(?!#|figures/|spectra/)|url\(|@import|https?:', text)


def test_alternative_texts_say_the_finding(results):
    write, _ = results
    text = write(judged(), judged(id="other", statement="c grows.", verdict=judging.DIFFERS))
    alt = "First <b>figure</b>. Caption with <tags> & more. Reproduced: a < b & c. Differs: c grows."
    assert f'alt="{html.escape(alt)}"' in text


def test_damaged_claims_are_named_on_a_page_that_has_the_rest(results):
    write, folder = results
    write(judged(), judged("two"))
    claims = folder / "claims" / "one.json"
    claims.write_text(claims.read_text(encoding="utf-8").replace("71.23456", "71.23556"), encoding="utf-8")
    (folder / "index.html").unlink()
    with pytest.raises(storage.CorruptFile, match=r"one\.json is not what was written.*--force .*one\.json"):
        write()
    words = shown((folder / "index.html").read_text(encoding="utf-8"))
    assert "one.json is not what was written" in words
    assert "Ours 71.23 (70 to 72.5)" in words and "71.24" not in words
    assert [claim["figure"] for claim in judged_files.read(folder / "claims.json")["claims"]] == ["two"]


def test_claims_of_another_version_are_not_there(results, caplog):
    """As after an upgrade, where one figure was built anew: the page shows that one."""
    write, folder = results
    write(judged(), judged("two"))
    with storage.writing_checked(folder / "claims" / "one.json") as path:
        path.write_text(json.dumps({"scale": "laptop", "claims": [judged()]}), encoding="utf-8")
    write(judged("two"))
    assert [claim["figure"] for claim in judged_files.read(folder / "claims.json")["claims"]] == ["two"]
    assert "one.json has format 1, this version reads 2" in caplog.text


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
        "</td><script>",
    ):
        assert raw not in text
        assert html.escape(raw) in text
    assert text.count("<script") == text.count("</script>") == 1


def test_page_of_what_is_there(results):
    write, folder = results
    assert "No claim has been judged yet." in write()
    assert json.loads((folder / "claims.json").read_text(encoding="utf-8"))["claims"] == []


def test_page_of_what_could_not_be_measured(results):
    write, folder = results
    nothing = {**dict.fromkeys(judging.MEASURED), "runs": 0, "values": 0, "holding": 0}
    write(judged(**nothing, verdict=judging.NOT_CHECKABLE, control={"variant": {"depth": 2}, **nothing}))
    words = shown((folder / "index.html").read_text(encoding="utf-8"))
    assert "○ not checkable at this scale" in words
    assert "Published 1 ○ not checkable" in words
    assert "Ours not measured" in words and "Holds no runs" in words and "Margin none" in words


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
        path.write_text(f"s\th:m:s\n{seconds}\t0:00\n", encoding="utf-8")
    assert page_content.seconds(folder, ["main"], "one") == 117


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
    lines = record.table([judged(), worse, judged(basis="ours", seeds="median")]).splitlines()
    head = "figure, claim, basis, published, expected, measured, holds for, margin, control holds for, verdict"
    assert re.split(r"\s{2,}", lines[0]) == head.split(", ")
    assert re.split(r"\s{2,}", lines[1]) == [
        "one",
        "grows",
        "published",
        "70.7",
        "every run: 70.7 within 10%",
        "71.23 (70 to 72.5)",
        "3 of 3 runs (29% to 100%)",
        "+0.75",
        "1 of 6 values from 3 runs (0% to 64%)",
        "reproduced",
    ]
    assert re.split(r"\s{2,}", lines[2]) == [
        "one",
        "falls",
        "published",
        "1 to 2",
        "every run: below 0.01",
        "3",
        "3 of 3 runs (29% to 100%)",
        "+0.75",
        "1 of 6 values from 3 runs (0% to 64%)",
        "differs (on record: reproduced)",
    ]
    assert "median: 70.7 within 10%" in lines[3]
    assert lines[4:] == ["published: 1 reproduced, 1 differ", "ours: 1 reproduced"]
    assert len({line.index(word) for line, word in zip(lines[:3], ("measured", "71.23", "3  "), strict=True)}) == 1


@pytest.mark.parametrize(
    ("expect", "text"),
    [
        ({"near": 5.0, "absolute": 0.1}, "mean: 5 within 0.1"),
        ({"near": 70.7, "relative": 0.05}, "mean: 70.7 within 5%"),
        ({"below": 1e-5}, "mean: below 1e-05"),
        ({"above": 2.0}, "mean: above 2"),
        ({"between": [2.0, 3.0]}, "mean: from 2 to 3"),
    ],
)
def test_expectation(expect, text):
    assert record.expectation(judged(expect=expect, seeds="mean")) == text


def test_the_record_of_a_build(tmp_path):
    results, docs = tmp_path / "results", tmp_path / "docs"
    (results / "figures").mkdir(parents=True)
    for figure in ("one", "two", "unjudged"):
        (results / "figures" / f"{figure}.png").write_bytes(figure.encode())
    differs = judged(
        "two", statement="a | b", verdict=judging.DIFFERS, note="the control holds as well", published=None
    )
    (results / "claims.json").write_text(judged_files.to_json("laptop", [judged(), differs]), encoding="utf-8")
    record.write(results, docs, {"one": "a_paper", "two": "another"})
    text = (docs / "published_vs_ours.md").read_text(encoding="utf-8")
    assert "from a build at laptop scale." in text
    counts = ["| a_paper | published | 1 |  |  |  |", "| another | published |  | 1 |  |  |"]
    assert re.findall(r"^\| a\w+ \| published .*$", text, re.MULTILINE) == counts
    assert re.findall("^## (.*)$", text, re.MULTILINE) == ["What differs", "one", "two"]
    ours = "71.23 (70 to 72.5) | 3 of 3 runs (29% to 100%)"
    assert f"| a < b & c | published | 70.7 | {ours} | reproduced |" in text.splitlines()
    differs = rf"a \| b | published |  | {ours} | differs: the control holds as well |"
    lines = [line for line in text.splitlines() if line.endswith(differs)]
    assert lines == [f"| two | {differs}", f"| {differs}"]  # among what differs, and with its figure
    assert {path.name: path.read_text(encoding="utf-8") for path in (docs / "figures").iterdir()} == {
        "one.png": "one",
        "two.png": "two",
    }
