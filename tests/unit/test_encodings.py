"""Text is UTF-8, whatever the locale: wherever text is read or written, its encoding is named."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from greedyrank.config import yaml_input
from small_paper import SmallPaper

REPOSITORY = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("scripts", "tests", "workflow") for path in (REPOSITORY / folder).rglob("*.py"))
WITHOUT_TEXT = ("Image", "gr", "gzip", "os", "storage", "tarfile", "urllib", "zipfile")  # whose `open` gives no text
POSITIONS = {"read_text": 0, "write_text": 1, "FileHandler": 2}  # of the encoding, among the arguments


def _mode(call: ast.Call, position: int) -> str:
    found = [word.value for word in call.keywords if word.arg == "mode"] + call.args[position : position + 1]
    return found[0].value if found and isinstance(found[0], ast.Constant) else "r"


def _without_encoding(source: str) -> Iterator[int]:
    """Yield the lines of calls that read or write text in the locale's encoding."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        words = {word.arg for word in call.keywords}
        match call.func:
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                pass
            case ast.Attribute(attr=name) | ast.Name(id=name):
                owner = ""
            case _:
                continue
        is_method = isinstance(call.func, ast.Attribute)
        if name == "open" and owner not in WITHOUT_TEXT:
            is_text = "b" not in _mode(call, 0 if is_method else 1)
        else:
            is_text = len(call.args) <= POSITIONS.get(name, -1)
        if "encoding" not in words and (is_text or words & {"text", "universal_newlines"}):
            yield call.lineno


def test_every_text_names_its_encoding():
    found = {path: list(_without_encoding(path.read_text(encoding="utf-8"))) for path in SOURCES}
    assert [f"{path.relative_to(REPOSITORY)}:{line}" for path, lines in found.items() for line in lines] == []
    assert len(found) > 200


@pytest.mark.parametrize(
    ("source", "is_named"),
    [
        ("path.read_text()", False),
        ("(folder / 'a').read_text(errors='replace')", False),
        ("path.read_text('utf-8')", True),
        ("path.write_text(text)", False),
        ("path.write_text(text, encoding='utf-8')", True),
        ("open(path)", False),
        ("open(path, 'rb')", True),
        ("path.open('w')", False),
        ("path.open(mode='ab')", True),
        ("logging.FileHandler(path, mode='w')", False),
        ("subprocess.run(words, text=True)", False),
        ("subprocess.Popen(words, universal_newlines=True)", False),
        ("subprocess.run(words, encoding='utf-8')", True),
        ("tarfile.open(path)", True),
    ],
)
def test_what_a_missing_encoding_is(source, is_named):
    assert list(_without_encoding(source)) == ([] if is_named else [1])


@pytest.fixture(scope="session")
def latin(tmp_path_factory) -> dict[str, str]:
    """Return the environment of a locale of ISO-8859-1, which is made here."""
    if not shutil.which("localedef"):
        pytest.skip("no localedef")
    folder = tmp_path_factory.mktemp("locales")
    made = subprocess.run(
        ["localedef", "-i", "en_US", "-f", "ISO-8859-1", folder / "en_US.ISO-8859-1"], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no sources of locales")
    return {"LOCPATH": str(folder), "LC_ALL": "en_US.ISO-8859-1"}


def _run(script: str, *words: str | bytes, environment: dict[str, str]) -> subprocess.CompletedProcess:
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONUTF8", "PYTHONIOENCODING")}
    words = (sys.executable, "-c", script, *words)
    return subprocess.run(words, env={**inherited, **environment}, capture_output=True, check=False)


LOAD_AND_SHOW = """
import json, sys
from pathlib import Path
from greedyrank import provenance
from greedyrank.config.yaml_input import read_mapping
from greedyrank.plan.graph import Plan
from greedyrank.report import page

plan = Plan(read_mapping(Path(sys.argv[1])))
plan.write_config()
page.write(Path(plan.results), json.loads(plan.slices.page()))
"""


@pytest.mark.parametrize("kind", ["ISO-8859-1", "C", "POSIX"])
def test_accents_survive_other_locales(tmp_path, sweep_block, request, kind):
    paper = SmallPaper(tmp_path / "a_paper", sweep_block("deep_matrix", "gd", axes={"seed": [0, 1]}))
    figure = paper.add_figure("small_figure", title="Schätzung σ₁", paper="Poincaré 1895")
    (figure / "caption.rst").write_text("Où l'on voit σ₁ décroître.\n", encoding="utf-8")
    results = tmp_path / "résultats"
    config = tmp_path / "réglages.yaml"
    paper.raw()
    config.write_text(f"papers: ['{paper.folder}']\nresults_dir: '{results}'\n", encoding="utf-8")
    environment = request.getfixturevalue("latin") if kind == "ISO-8859-1" else {"LC_ALL": kind}
    done = _run(LOAD_AND_SHOW, os.fsencode(config), environment=environment)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    # A folder has the name that the locale gives it.
    (made,) = [path for path in tmp_path.iterdir() if path.name not in ("a_paper", config.name)]
    shown = (made / "index.html").read_text(encoding="utf-8")
    assert "Schätzung σ₁" in shown
    assert "Poincaré 1895" in shown
    assert "Où l'on voit σ₁ décroître." in shown
    assert yaml_input.read_mapping(made / "config.yaml")["figures"]["small_figure"]["title"] == "Schätzung σ₁"


def test_a_folder_that_the_locale_cannot_name_is_an_error(latin):
    done = _run("from greedyrank.config.loading import load; load({'results_dir': '\\u03c3'})", environment=latin)
    assert "results_dir: 'σ' cannot be a file's name in this locale (latin-1)".encode("unicode_escape") in done.stderr


def test_paths_mean_the_same_to_jobs(latin):
    """They run in UTF-8: a folder that an ISO-8859-1 locale reads as two signs is one sign to them."""
    script = "import sys; from greedyrank.clean_room import as_in_jobs; print(ascii(as_in_jobs(sys.argv[1])))"
    for locale, said in ((latin, rb"'/\xe9\udcff'"), ({"LC_ALL": "C.UTF-8"}, rb"'/\xe9\udcff'")):
        assert _run(script, "/é".encode() + b"\xff", environment=locale).stdout.strip() == said


PRINT = """
import sys
from greedyrank import command_line

sys.argv[1:] = []
command_line.run(lambda options: print("\\u00e9 \\u03c3\\u2081"), command_line.parser(""))
"""


def test_what_a_terminal_cannot_show_is_escaped(latin):
    done = _run(PRINT, environment=latin)
    assert (done.returncode, done.stdout) == (0, b"\xe9 \\u03c3\\u2081\n")
    assert _run(PRINT, environment={"LC_ALL": "C.UTF-8"}).stdout.decode() == "é σ₁\n"
