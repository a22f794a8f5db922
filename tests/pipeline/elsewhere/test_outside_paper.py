"""A paper outside the repository, exactly as README shows it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from checkout import REPOSITORY, copy_repository

OUTSIDE = Path(__file__).parent / "outside_paper"
MOST_LINES = 25
IGNORED = {"results", ".snakemake", "data", "__pycache__"}


def files(folder: Path) -> dict[str, str]:
    """Return the text of each file of the outside paper, by its name as README has it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in paths}


def of_readme() -> dict[str, str]:
    """Return the files that README shows: in one block of text, each after a line with its name."""
    (block,) = re.findall(
        r"^```text\n(# my\.yaml\n.*?)^```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.S | re.M
    )
    parts = re.split(r"^# (my\S*)\n", block, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_readme_shows_these_files():
    assert of_readme() == files(OUTSIDE)
    assert sum(len(text.splitlines()) for text in files(OUTSIDE).values()) <= MOST_LINES


def tracked(folder: Path) -> dict[str, str]:
    """Return the checksum of every file of a checkout that is not made by a build."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not IGNORED & set(path.relative_to(folder).parts))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """A checkout with the outside paper beside it, where README puts it."""
    folder = tmp_path_factory.mktemp("outside")
    shutil.copytree(OUTSIDE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return copy_repository(folder / "greedyrank")


def test_the_outside_paper_is_built_and_no_file_of_the_repository_is_touched(beside):
    before = tracked(beside.folder)
    (line,) = re.findall(
        r"^snakemake .*my_paper.*$", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    words = line.split("#")[0].split()
    result = beside.run(*words)
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    results = beside.folder / "results"
    for ending in ("png", "pdf", "svg", "csv", "js"):
        assert (results / f"figures/effective_rank.{ending}").stat().st_size
    (claim,) = json.loads((results / "claims/effective_rank.json").read_text(encoding="utf-8"))["claims"]
    assert claim["verdict"] == "reproduced"
    assert "effective_rank" in (results / "index.html").read_text(encoding="utf-8")
    assert tracked(beside.folder) == before
    assert files(beside.folder.parent / "my_paper") == files(OUTSIDE / "my_paper")
    assert "Nothing to be done" in beside.run(*words).stderr
