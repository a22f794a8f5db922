"""Captions: reStructuredText that becomes HTML, or stays text where it is not valid."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

# What a caption must not do: read files, or bring HTML of its own.
SETTINGS = {
    "raw_enabled": False,
    "file_insertion_enabled": False,
    "_disable_config": True,
    "embed_stylesheet": False,
    "report_level": 2,  # warnings, which mean that something is not shown as it was meant
    "halt_level": 5,  # never
}


def as_html(path: Path) -> tuple[str, str]:
    """Return a caption as HTML, and what is wrong with it.

    Parameters
    ----------
    path : Path
        A file of reStructuredText.

    Returns
    -------
    caption : str
        HTML; where the file is not valid, its text as it stands; where it cannot be read, "".
    problem : str
        One line that names the file, and the line in it; "" where all is well.
    """
    from docutils.core import publish_parts

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        return "", f"{path}: the caption cannot be read: {error}"
    said = io.StringIO()
    parts = publish_parts(text, writer="html5", settings_overrides={**SETTINGS, "warning_stream": said})
    if found := re.search(r":(\d+): \(\w+/\d\) (.*)", said.getvalue()):
        as_it_stands = f"<p>{html.escape(text)}</p>"
        return as_it_stands, f"{path}:{found[1]}: the caption is not valid reStructuredText: {found[2]}"
    return parts["body"], ""


def first_sentence(caption: str) -> str:
    """Return the first sentence of a caption that `as_html` returned, as plain text."""
    text = html.unescape(re.sub(r"<[^>]*>", "", caption)).strip()
    return re.split(r"(?<=[.:])\s", " ".join(text.split()), maxsplit=1)[0]
