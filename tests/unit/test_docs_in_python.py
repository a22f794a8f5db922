"""What the README and the notebooks print runs as printed, and so do the examples of docstrings."""

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import greedyrank as gr
import notebooks

REPOSITORY = Path(__file__).parents[2]


def test_the_snippet_of_the_readme_runs_as_printed(tmp_path):
    section = (
        (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("## In a notebook")[2].partition("\n## ")[0]
    )
    (snippet,) = re.findall("```python\n(.*?)```", section, re.DOTALL)
    environment = {"PATH": "", "MPLBACKEND": "Agg", "PYTHONPATH": str(REPOSITORY / "workflow"), "HOME": str(tmp_path)}
    code = snippet + "\nassert runs.attrs['result'] == 'finished' and runs.sizes['seed'] == 3\n"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8"
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("path", sorted(notebooks.FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_is_printed_with(path, monkeypatch):
    """Text is compared; pictures differ with the versions of matplotlib and of fonts."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "workflow"))
    printed, found = nbformat.read(path, as_version=4), notebooks.run(path)
    for before, after in zip(printed.cells, found.cells, strict=True):
        if before.cell_type == "code" and "versions" not in before.source:
            assert shown(before) == shown(after), before.source
    assert [cell.source for cell in printed.cells] == [cell.source for cell in found.cells]


def shown(cell):
    """Return the text that a cell shows, numbers to three digits: the last ones differ from processor to processor."""
    text = "\n".join(output.get("text") or output["data"].get("text/plain", "") for output in cell.outputs)
    assert "Warning" not in text
    return re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.2g}", text)


DOCUMENTED = ["greedyrank", *sorted({getattr(gr, name).__module__ for name in ("train", "sweep", "check")})]


@pytest.mark.parametrize("module", DOCUMENTED)
def test_examples_of_docstrings(module):
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted and not found.failed
