"""What the last build is doing, or how it ended."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from greedyrank import storage

LINES = 8  # of a log


def _is_running(process: int | None) -> bool:
    if process is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        with contextlib.suppress(PermissionError):
            os.kill(process, 0)
        return True
    return False


def _last_lines(logs: list[str]) -> str:
    """Return the end of the first log that can be read."""
    for log in logs:
        with contextlib.suppress(OSError):
            return "\n".join(Path(log).read_text(encoding="utf-8", errors="replace").splitlines()[-LINES:])
    return ""


def read(path: Path) -> dict:
    """Return which jobs run, which failed, and whether the build is still running.

    Parameters
    ----------
    path : Path
        What `greedyrank.plan.build_state.BuildState` wrote. Without it, or where it is damaged, nothing is known.
    """
    try:
        state = storage.read_json(path)
        running, failed = state["running"], state["failed"]
        is_running = _is_running(state["process"])
        now = time.time()
        return {
            "is_running": is_running,
            "was_stopped": bool(running) and not is_running,
            "running": [{"what": job["what"], "minutes": max(0, round((now - job["since"]) / 60))} for job in running],
            "failed": [{"what": job["what"], "lines": _last_lines(job["logs"])} for job in failed],
        }
    except (OSError, storage.CorruptFile, KeyError, TypeError):
        return {"is_running": False, "was_stopped": False, "running": [], "failed": []}
