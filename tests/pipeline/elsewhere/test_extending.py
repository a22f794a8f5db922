"""The worked examples of docs/extending.md, followed literally in a copy; builds are dry runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tomllib
from pathlib import Path

import pytest

from checkout import REPOSITORY, Checkout, copy_repository, keep_figures

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.DOTALL | re.MULTILINE)


def steps() -> list[tuple[str, str, str]]:
    """Return all blocks of the page: the paragraph before each, on one line, its language, and its text."""
    page = (REPOSITORY / "docs/extending.md").read_text(encoding="utf-8")
    before, found = 0, []
    for match in BLOCK.finditer(page):
        paragraph = page[before : match.start()].strip().split("\n\n")[-1]
        found.append((" ".join(paragraph.split()), match[1], match[2]))
        before = match.end()
    return found


def insert(path: Path, before: str, text: str) -> None:
    """Insert text before the last line that begins so; a class with the blank lines that belong after it."""
    if text.startswith("class "):
        text = text.rstrip() + "\n\n\n"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    place = max(number for number, line in enumerate(lines) if line.startswith(before))
    path.write_text("".join([*lines[:place], text, *lines[place:]]), encoding="utf-8")


class Reader:
    """Somebody who does in a checkout what the page says, and collects the files that it edits.

    Parameters
    ----------
    checkout : Checkout
        A copy of the repository.
    """

    def __init__(self, checkout: Checkout):
        self.checkout = checkout
        self.edited: set[str] = set()
        self._to_replace: tuple[str, str] = ("", "")
        self._settings = ""

    def follow(self, paragraph: str, language: str, text: str) -> None:
        """Do what one block and the paragraph before it say; what installs a package is only read."""
        if language == "sh":
            for line in text.splitlines():
                self.run(shlex.split(line, comments=True))
        elif language == "toml":
            (group,) = tomllib.loads(text)["project"]["entry-points"]
            assert group in paragraph
        elif match := re.fullmatch("New `(.*)`:", paragraph):
            path = self._file(match[1])
            assert not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif match := re.search("in `([^`]*)`, replace$", paragraph):
            self._to_replace = (match[1], text)
        elif paragraph == "by":
            name, old = self._to_replace
            self.checkout.edit(self._file(name), old, text)
        elif match := re.fullmatch(r"In `(.*)`, before `(\w+)`, add", paragraph):
            self._settings = match[1]
            insert(self._file(match[1]), match[2], text)
        elif re.fullmatch(r"and in `\w+` the line", paragraph):
            insert(self._file(self._settings), "}", text)
        elif match := re.search("[Aa]dd to `([^`]*)`", paragraph):
            if replaced := re.search("Replace `(.*?)` by `(.*?)` in `(.*?)`", paragraph):
                self.checkout.edit(self._file(replaced[3]), replaced[1], replaced[2])
            path = self._file(match[1])
            path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
        else:
            pytest.fail(f"no test knows what this asks for: {paragraph}")

    def run(self, words: list[str]) -> None:
        """Run a command of the page; of a build only the dry run."""
        words = shlex.split(
            " ".join(words).replace("make schema", "python -m greedyrank.config.schema workflow/schemas")
        )
        if words[0] == "cat":
            return
        if words[0] == "snakemake":
            words.append("--dry-run")
        result = self.checkout.run(*words, env={"PYTHONPATH": os.fspath(self.checkout.folder / "workflow")})
        output = result.stdout + result.stderr
        assert result.returncode == 0, f"{shlex.join(words)}\n{output}"
        assert "cannot be built" not in output, output

    def _file(self, name: str) -> Path:
        if not name.startswith("../"):
            self.edited.add(name)
        return self.checkout.folder / name


def test_the_examples_can_be_followed_literally(tmp_path):
    outside = Path(__file__).parent / "outside_paper"
    shutil.copytree(outside, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    checkout = copy_repository(tmp_path / "greedyrank")
    keep_figures(checkout, ("det_sign",))
    reader = Reader(checkout)
    for step in steps():
        reader.follow(*step)
    code = [name for name in reader.edited if name.endswith(".py")]
    assert len(code) >= 9
    reader.run(["ruff", "check", *code])
    reader.run(["ruff", "format", "--check", *code])
