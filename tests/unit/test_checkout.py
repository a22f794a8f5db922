"""Tests copy the repository, also where it was unpacked from an archive and there is no git."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import checkout


def test_the_files_are_those_of_git():
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    if shutil.which("git") is None or not (checkout.REPOSITORY / ".git").exists():
        pytest.skip("needs git, and a clone")
    listed = subprocess.run(words, cwd=checkout.REPOSITORY, capture_output=True, encoding="utf-8", check=True).stdout
    tracked = {Path(name) for name in listed.split("\0") if name and (checkout.REPOSITORY / name).exists()}
    assert tracked == set(checkout.repository_files())


@pytest.mark.parametrize(
    "name", [".venv", ".venv-3.13", "results", "data", ".snakemake", "build", "workflow/__pycache__", "a.egg-info"]
)
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_made_is_left_out(tmp_path, monkeypatch, name, kind):
    monkeypatch.setattr(checkout, "REPOSITORY", tmp_path)
    shutil.copy(Path(__file__).parents[2] / ".gitignore", tmp_path)
    (tmp_path / "workflow/results").mkdir(parents=True)
    (tmp_path / "workflow/results/file.py").touch()
    (tmp_path / "profiles").symlink_to("workflow")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/file").touch()
    made = tmp_path / name
    if kind == "folder":
        (tmp_path / "elsewhere").rename(made)
    else:
        made.symlink_to(tmp_path / "elsewhere")
    found = {str(path) for path in checkout.repository_files()} - {"elsewhere/file"}
    assert found == {".gitignore", "profiles", "workflow/results/file.py"}
