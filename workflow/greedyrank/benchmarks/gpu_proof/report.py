"""What one part of the proof found: a JSON file that is complete after every addition."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greedyrank import storage


@dataclass(frozen=True)
class Options:
    """What every part is told.

    ``deadline`` is the time, on `time.monotonic`'s clock, by which the part should have ended.
    """

    out: Path
    device: str
    smoke: bool
    deadline: float

    def time_left(self) -> float:
        """Return the seconds until the deadline."""
        return self.deadline - time.monotonic()


class NotRun(Exception):
    """A part that cannot run here; the message is the reason."""


def write(path: Path, content: dict) -> None:
    """Write a report so that readers find the old content or the new one."""
    with storage.writing(path) as temporary:
        # Numbers of numpy and torch are written as Python's.
        temporary.write_text(json.dumps(content, indent=1, default=lambda value: value.item()) + "\n", encoding="utf-8")


def read(path: Path) -> dict:
    """Return the content of a report."""
    return json.loads(path.read_text(encoding="utf-8"))


class Report:
    """The report of one part.

    Parameters
    ----------
    path : Path
        The JSON file.
    part : str
        Name of the part.
    device : str
        ``cpu`` or ``cuda``.
    """

    def __init__(self, path: Path, part: str, device: str):
        self._path = path
        self.content: dict[str, Any] = {
            "part": part,
            "device": device,
            "status": "running",
            "summary": "",
            "checks": [],
        }
        write(path, self.content)

    def set(self, **values) -> None:
        """Put values into the report."""
        self.content |= values
        write(self._path, self.content)

    def append(self, name: str, row: dict) -> None:
        """Add a row to a list of the report."""
        self.content.setdefault(name, []).append(row)
        write(self._path, self.content)

    def check(self, name: str, passed: bool, detail: str) -> None:
        """Add a verdict; a part with one that is false has failed."""
        self.append("checks", {"name": name, "status": "passed" if passed else "failed", "detail": detail})

    def not_run(self, name: str, reason: str) -> None:
        """Say that something was not tried, and why."""
        self.append("checks", {"name": name, "status": "not run", "detail": reason})

    def finish(self) -> None:
        """Set the status of the part: that of its checks."""
        found = [check["status"] for check in self.content["checks"]]
        if "failed" in found:
            status = "failed"
        elif found and all(entry == "not run" for entry in found):
            status = "not run"
        else:
            status = "passed"
        self.set(status=status)
