"""Files of judged claims, ``claims/<figure>.json`` and ``claims.json``, in the format that docs/claims.md describes."""

from __future__ import annotations

import json
from pathlib import Path

from greedyrank import storage
from greedyrank.errors import UserError

FORMAT_VERSION = 2  # see `greedyrank.code_digest`


class OtherFormat(UserError):
    """A file that another version of greedyrank wrote."""


def to_json(scale: str, judged: list[dict]) -> str:
    """Return judged claims as the text of a file."""
    return json.dumps({"format": FORMAT_VERSION, "scale": scale, "claims": judged}, indent=2, allow_nan=False) + "\n"


def read(path: Path) -> dict:
    """Return what is in a file: ``scale``, and ``claims``.

    Raises
    ------
    UserError
        If there is no such file, naming the command that makes it.
    CorruptFile
        If it is damaged.
    OtherFormat
        If another version wrote it.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing; make it with: {storage.build_command('claims')}")
    content = storage.read_json(path)
    if content.get("format") != FORMAT_VERSION:
        raise OtherFormat(
            f"{path} has format {content.get('format', 1)}, this version reads {FORMAT_VERSION};"
            f" judge again with: {storage.build_command('claims')}"
        )
    return content


def save(path: Path, scale: str, judged: list[dict]) -> None:
    """Write the judged claims of a figure, with their checksum."""
    with storage.writing_checked(path) as temporary:
        temporary.write_text(to_json(scale, judged), encoding="utf-8")


def load(path: Path) -> list[dict]:
    """Read the judged claims of a figure, after checking them.

    Raises
    ------
    CorruptFile
        If the file is not what was written.
    OtherFormat
        If another version wrote it.
    """
    return read(storage.check(path))["claims"]
