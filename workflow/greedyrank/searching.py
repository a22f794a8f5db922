"""Files that are found by what they hold: under any name, in any subfolder, packed or not, in archives too.

Only the standard library is used.
"""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

HEAD = 512  # bytes that tell what a file may be
DEEPEST = 3  # a packed file in an archive in an archive

# What a damaged, foreign or unreadable file raises; RuntimeError: an archive with a password.
FAILURES = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, tarfile.TarError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


# What is packed in a file: its name, its size where it is known, and what opens it.
Member = tuple[str, int | None, Callable[[], Any]]


@dataclass(frozen=True)
class Wanted:
    """A file that is looked for.

    Attributes
    ----------
    name : str
        What it is called where it was published; any other name does as well.
    could_be : callable
        Tells from a file's size in bytes, None where it is packed, and from what it begins with, whether it is worth
        reading. Nothing else is read to its end.
    why_not : callable
        Gives the reason why a content is not the one that is looked for: None if it is, "" for no reason to mention.
    """

    name: str
    could_be: Callable[[int | None, bytes], bool]
    why_not: Callable[[bytes], str | None]


@dataclass
class Findings:
    """What a search found.

    Attributes
    ----------
    contents : dict
        The content of each file that was found, by the name that is looked for.
    places : dict
        The file that each was found in, which may be an archive.
    passed_over : list of str
        What looked like one of the files, or could not be read, and why it was not taken.
    """

    contents: dict[str, bytes] = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)


def _files(folder: Path, seen: set[tuple[int, int]], passed_over: list[str]) -> Iterator[Path]:
    """Yield every file below a folder, those of each folder once, also where links lead back up."""

    def note(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            passed_over.append(f"{error.filename}: {error.strerror}")

    for here, folders, names in os.walk(folder, onerror=note, followlinks=True):
        state = os.stat(here)
        identity = (state.st_dev, state.st_ino)
        if identity in seen:
            folders.clear()
            continue
        seen.add(identity)
        folders.sort()
        yield from (Path(here, name) for name in sorted(names))


def _in_gzip(stream: IO[bytes]) -> Iterator[Member]:
    yield "", None, partial(gzip.open, stream)


def _in_zip(stream: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            yield f":{info.filename}", info.file_size, partial(archive.open, info)


def _in_tar(stream: IO[bytes]) -> Iterator[Member]:
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in filter(tarfile.TarInfo.isfile, archive):
            yield f":{member.name}", member.size, partial(archive.extractfile, member)


def _packing(head: bytes) -> Callable[[IO[bytes]], Iterator[Member]] | None:
    """Return what yields the members of a file that begins so, or None where it is not packed."""
    if head.startswith(b"\x1f\x8b"):
        return _in_gzip
    if head.startswith(b"PK\x03\x04"):
        return _in_zip
    return _in_tar if head[257:262] == b"ustar" else None


class _Search:
    def __init__(self, wanted: list[Wanted], largest: int):
        self.missing = {each.name: each for each in wanted}
        self.largest = largest
        self.findings = Findings()
        self.path = Path()

    def look_at(self, path: Path) -> None:
        try:
            state = path.stat()
            if stat.S_ISREG(state.st_mode):  # opening a pipe would wait for ever
                self.path = path
                with path.open("rb") as stream:
                    self._look_into(stream, str(path), state.st_size, depth=0)
        except FileNotFoundError:
            pass  # a link to nowhere
        except FAILURES as error:
            self._pass_over(str(path), error)

    def _look_into(self, stream: IO[bytes], place: str, size: int | None, depth: int) -> None:
        head = stream.read(HEAD)
        members = _packing(head) if depth < DEEPEST else None
        if members is None:
            self._consider(stream, head, place, size)
            return
        stream.seek(0)
        for name, inner_size, opened in members(stream):
            try:
                with opened() as inner:
                    self._look_into(inner, place + name, inner_size, depth + 1)
            except FAILURES as error:  # the other members may be good
                self._pass_over(place + name, error)

    def _consider(self, stream: IO[bytes], head: bytes, place: str, size: int | None) -> None:
        called = Path(place.rpartition(":")[2]).name.lower().removesuffix(".gz")
        reasons = []
        content = None
        for each in list(self.missing.values()):
            if not each.could_be(size, head):
                if called == each.name.lower():
                    reasons.append("it is of another kind or size")
                continue
            if content is None:
                content = head + stream.read(self.largest + 1 - len(head))
            reason = each.why_not(content)
            if reason is None:
                del self.missing[each.name]
                self.findings.contents[each.name], self.findings.places[each.name] = content, self.path
                return
            reasons.append(reason)
        if told := next(filter(None, reasons), None):
            self._pass_over(place, told)

    def _pass_over(self, place: str, reason: object) -> None:
        self.findings.passed_over.append(f"{place}: {reason or type(reason).__name__}")


def find(folders: Iterable[Path], wanted: list[Wanted], largest: int) -> Findings:
    """Look for files below some folders, one after the other, until all are found.

    A file that is damaged, cannot be read, or only looks like one of them is passed over.

    Parameters
    ----------
    folders : iterable of Path
        Where to look; what does not exist is empty.
    wanted : list of Wanted
        What to look for.
    largest : int
        Bytes of the largest of them: unpacking stops at one byte more.
    """
    search = _Search(wanted, largest)
    seen: set[tuple[int, int]] = set()
    for folder in folders:
        for path in _files(folder, seen, search.findings.passed_over):
            if not search.missing:
                return search.findings
            search.look_at(path)
    return search.findings
