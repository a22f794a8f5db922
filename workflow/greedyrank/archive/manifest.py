"""What a bundle says of itself, in its first file: ``bundle.json``."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from greedyrank.config.grammar import Name, Scale, Strict
from greedyrank.config.messages import explain
from greedyrank.errors import UserError

FORMAT_VERSION = 1  # see `greedyrank.code_digest`
NAME = "bundle.json"
LARGEST = 64 * 2**20  # bytes of a manifest; that of all figures at laptop scale has half a megabyte
FOLDERS = ("runs", "baselines", "spectra", "claims", "figures")
BESIDE = ("ro-crate-metadata.json", ".zenodo.json", "config.yaml", "LICENSE", "Snakefile")


class NoBundle(UserError):
    """A file or folder that is no bundle, or not a whole one, or one that another version wrote."""


def _inside(path: str) -> str:
    """Return the path of a file of a bundle, if it stays in its folder."""
    parts = path.split("/")
    plain = path.isprintable() and "\\" not in path and not {"", ".", ".."} & set(parts)
    if path not in BESIDE and not (plain and parts[0] in FOLDERS and len(parts) > 1):
        raise ValueError(f"{path!r} is no file of a bundle; allowed: files below {', '.join(FOLDERS)}")
    return str(PurePosixPath(path))


Path_ = Annotated[str, AfterValidator(_inside)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class File(Strict):
    """One file: what its content must be."""

    sha256: Digest
    size: int = Field(ge=0)


class RecordedSweep(Strict):
    """What a sweep was recorded with; see `greedyrank.plan.identity`."""

    settings: Digest
    code: Digest


class RecordedFigure(Strict):
    """One figure: the sweeps that it shows, and those that were left out for want of data, with the reason."""

    title: str
    paper: str
    sweeps: list[Name]
    left_out: dict[Name, str]


class Manifest(Strict):
    """A bundle: which figures it holds, what they were recorded with, and the content of every file."""

    format: int
    greedyrank: str
    scale: Scale
    versions: dict[str, str]
    sweeps: dict[Name, RecordedSweep]
    figures: dict[Name, RecordedFigure]
    files: dict[Path_, File]


def write(manifest: Manifest) -> bytes:
    """Return a manifest as the bytes of its file."""
    return (json.dumps(manifest.model_dump(), indent=1, sort_keys=True) + "\n").encode()


def read(text: bytes, bundle: object) -> Manifest:
    """Return the manifest that a file holds.

    Parameters
    ----------
    text : bytes
        Its content.
    bundle : object
        The bundle, for messages.

    Raises
    ------
    NoBundle
        If it is no manifest of this version; in one line.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise NoBundle(f"{bundle}: {NAME} is not JSON") from None
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT_VERSION:
        raise NoBundle(f"{bundle} has format {found!r}; this version of greedyrank reads {FORMAT_VERSION}")
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first, *others = explain(error, NAME, Manifest)
        more = f" (and {len(others)} more)" if others else ""
        raise NoBundle(f"{bundle}: {first}{more}") from None
