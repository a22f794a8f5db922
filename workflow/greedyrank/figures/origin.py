"""What a picture was made from, read from the picture itself; matplotlib is not needed for it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from greedyrank.errors import UserError


def _in_png(path: Path) -> str:
    from PIL import Image, PngImagePlugin

    with Image.open(path) as image:
        return image.text.get("Description", "") if isinstance(image, PngImagePlugin.PngImageFile) else ""


def _in_svg(path: Path) -> str:
    found = re.search(r"<dc:description>(.*?)</dc:description>", path.read_text(encoding="utf-8"), re.DOTALL)
    return html.unescape(found[1]) if found else ""


def _in_pdf(path: Path) -> str:
    found = re.search(rb"/Keywords \((.*?)(?<!\\)\)", path.read_bytes(), re.DOTALL)
    return re.sub(rb"\\(.)", rb"\1", found[1]).decode("latin-1") if found else ""


def read(path: Path) -> dict:
    """Return the provenance record inside a picture that `greedyrank.figures.saving.save` wrote.

    Raises
    ------
    UserError
        If the file is no such picture, or a damaged one.
    """
    readers = {".png": _in_png, ".svg": _in_svg, ".pdf": _in_pdf}
    if path.suffix not in readers:
        raise UserError(f"{path} is no picture of the results: they are png, pdf and svg files")
    try:
        return json.loads(readers[path.suffix](path))
    except ValueError:  # no record, no JSON, no text, no picture
        raise UserError(f"{path} has no provenance record: it is damaged, or no picture of the results") from None
