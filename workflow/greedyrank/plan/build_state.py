"""Which jobs of a build run, and which failed: a file that the page shows.

Only the standard library is used.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 60.0  # seconds from one refresh of the page to the next, while jobs start and end


class BuildState:
    """The state of a build, written whenever it changes.

    It is a view: where it cannot be written, the build goes on.

    Parameters
    ----------
    path : Path
        A JSON file: ``process``, the number of the build's process; ``running`` and ``failed``, jobs with what they do,
        when they started (seconds since 1970), and their log files.
    refresh : callable
        Writes the page; called in a thread, at most once in `PATIENCE` seconds.
    """

    def __init__(self, path: Path, refresh: Callable[[], None]):
        self._path, self._refresh = path, refresh
        self._running: dict[int, dict] = {}
        self._failed: list[dict] = []
        self._refreshing: threading.Thread | None = None
        self._refreshed = 0.0

    def begin(self) -> None:
        """Say that the build has begun, and nothing of it has failed."""
        self._refreshed = time.monotonic()
        self._write(os.getpid())

    def started(self, job: int, what: str, logs: list[str]) -> None:
        """Say that a job runs."""
        self._running[job] = {"what": what, "since": round(time.time()), "logs": logs}
        self._changed()

    def finished(self, job: int) -> None:
        """Say that a job has ended well."""
        self._running.pop(job, None)
        self._changed()

    def failed(self, job: int) -> None:
        """Say that a job has failed."""
        if found := self._running.pop(job, None):
            self._failed.append(found)
            self._changed()

    def end(self) -> None:
        """Say that the build has ended; of an interrupted one no job runs any more."""
        if self._refreshing:
            self._refreshing.join()
        self._running = {}
        self._write(None)

    def _changed(self) -> None:
        self._write(os.getpid())
        if time.monotonic() - self._refreshed > PATIENCE:
            self._refreshed = time.monotonic()
            self._refreshing = threading.Thread(target=self._refresh, daemon=True)
            self._refreshing.start()

    def _write(self, process: int | None) -> None:
        content = {"process": process, "running": list(self._running.values()), "failed": self._failed}
        temporary = self._path.with_name(f".{os.getpid()}.{self._path.name}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_text(json.dumps(content), encoding="utf-8")
                os.replace(temporary, self._path)
            finally:
                temporary.unlink(missing_ok=True)
