"""Captions are reStructuredText."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from greedyrank.report import captions


@pytest.fixture
def caption(tmp_path):
    """Write a caption; returns it as HTML, and what is wrong with it."""

    def write(text):
        path = tmp_path / "caption.rst"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return captions.as_html(path)

    return write


def test_markup_and_mathematics(caption):
    text, problem = caption("**(a)** the norm, :math:`\\sigma^2 < 1`, *grows*: 1 < 2 & 3.")
    assert problem == ""
    assert "<strong>(a)</strong>" in text and "<em>grows</em>" in text and "1 &lt; 2 &amp; 3." in text
    assert "σ" in text


@pytest.mark.parametrize(
    "text, line, reason",
    [
        ("Fine.\n\nAn |entry| of W.", 3, "Undefined substitution"),
        ("A **bold word.", 1, "Inline strong start-string without end-string."),
        ("Fine.\n\n.. raw:: html\n\n   <script>alert(1)</script>\n", 3, "disabled"),
        ("Fine.\n\n.. include:: /etc/passwd\n", 3, "disabled"),
    ],
)
def test_what_is_not_valid_is_shown_as_it_stands(caption, tmp_path, text, line, reason):
    shown, problem = caption(text)
    assert problem.startswith(f"{tmp_path}/caption.rst:{line}: the caption is not valid reStructuredText: ")
    assert reason in problem and "\n" not in problem
    assert shown == f"<p>{html.escape(text)}</p>"


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_what_cannot_be_read_is_said(caption, tmp_path, content):
    shown, problem = caption(content) if content else captions.as_html(tmp_path / "caption.rst")
    assert shown == ""
    assert problem.startswith(f"{tmp_path}/caption.rst: the caption cannot be read: ") and "\n" not in problem


def test_first_sentence(caption):
    text, _ = caption("The norm of *W*, at\ndepth 2. (a) More.")
    assert captions.first_sentence(text) == "The norm of W, at depth 2."
    assert captions.first_sentence("") == ""


def test_the_captions_here_are_valid():
    files = sorted(Path(__file__).parents[2].glob("workflow/papers/*/*/caption.rst"))
    assert len(files) > 30
    assert [problem for path in files if (problem := captions.as_html(path)[1])] == []
