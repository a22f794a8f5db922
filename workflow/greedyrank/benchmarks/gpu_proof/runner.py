"""Starts the parts of the proof, each in a process of its own and bounded in time, and says what came of them.

A part that hangs or dies takes no other with it: what it has written stays, and its report says how it ended.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from greedyrank.benchmarks.gpu_proof import report as reports


@dataclass(frozen=True)
class Part:
    """One part: its report, the module that is run, and its seconds on a GPU and in smoke."""

    name: str
    module: str
    seconds: float
    smoke_seconds: float


# Groups run one after the other, and the parts of a group at once: those that measure times are alone.
GROUPS = (
    (Part("machine", "machine", 75, 90),),
    (Part("products", "products", 45, 90),),
    (
        Part("tests", "unit_tests", 120, 180),
        Part("devices", "rounding", 100, 180),
        Part("exact", "exactness", 100, 180),
    ),
    (Part("bench", "speed", 100, 90),),
    (Part("steps", "image_steps", 45, 60),),
    (Part("image", "image_figure", 195, 90),),
)
PARTS = {part.name: part for group in GROUPS for part in group}
SECONDS, SMOKE_SECONDS = 480.0, 540.0  # of all parts; smoke takes one minute on two idle cores
GRACE = 15.0  # between a part's deadline, which it watches itself, and its end by force
LEAST = 10.0  # seconds with which it is worth starting a part
LOG_LINES = 15


def run_part(name: str, options: reports.Options) -> None:
    """Run one part in this process, and write its report whatever happens."""
    report = reports.Report(options.out / f"{name}.json", name, options.device)
    begun = time.monotonic()
    try:
        if options.device == "cuda" and not importlib.import_module("torch").cuda.is_available():
            raise reports.NotRun("torch sees no GPU here")
        importlib.import_module(f"greedyrank.benchmarks.gpu_proof.{PARTS[name].module}").run(report, options)
        report.finish()
    except (reports.NotRun, ImportError) as reason:
        report.set(status="not run", summary=str(reason))
    except Exception as error:
        text = traceback.format_exc().splitlines()[-LOG_LINES:]
        report.set(status="failed", summary=f"{type(error).__name__}: {error}", log=text)
    report.set(seconds=time.monotonic() - begun)


class _Started:
    """A part in a process of its own."""

    def __init__(self, part: Part, command: list[str], seconds: float, folder: Path):
        self.part, self.end = part, time.monotonic() + seconds + GRACE
        self.log = folder / f"{part.name}.log"
        with self.log.open("w", encoding="utf-8") as file:
            self.process = subprocess.Popen(
                [*command, "--part", part.name, "--seconds", str(seconds)],
                stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def wait(self) -> str | None:
        """Wait for the end, by force if need be; return what was wrong with it, if anything was."""
        try:
            code = self.process.wait(max(self.end - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            self.kill()
            return "timed out"
        return f"ended with code {code}" if code else None

    def kill(self) -> None:
        """End the process and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _end(started: _Started, out: Path, device: str) -> dict:
    """Wait for a part, and return its report."""
    wrong = started.wait()
    path = out / f"{started.part.name}.json"
    content = {"part": started.part.name, "device": device, "summary": "", "checks": []}
    if path.exists():
        content = reports.read(path)
    if wrong or content.get("status") == "running":
        content["status"] = "timed out" if wrong == "timed out" else "failed"
        content["summary"] = f"{wrong}; {content['summary']}".rstrip("; ")
        content["log"] = started.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        reports.write(path, content)
    return content


def run(out: Path, device: str, smoke: bool, seconds: float, script: Path, names: list[str]) -> list[dict]:
    """Run the named parts within so many seconds, and return their reports.

    Parameters
    ----------
    out : Path
        Where the reports go; those of earlier proofs are removed.
    device : {"cpu", "cuda"}
        What is to be proven.
    smoke : bool
        Whether sizes are tiny.
    seconds : float
        Time for all parts.
    script : Path
        The command line that runs one part where it is given ``--part``.
    names : list of str
        Which parts.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        (out / f"{name}.json").unlink(missing_ok=True)
        (out / f"{name}.npz").unlink(missing_ok=True)
    end = time.monotonic() + seconds
    command = [sys.executable, str(script), str(out), "--device", device, *(["--smoke"] if smoke else [])]
    found: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        for group in GROUPS:
            started = []
            try:
                for part in (part for part in group if part.name in names):
                    limit = min(part.smoke_seconds if smoke else part.seconds, end - time.monotonic())
                    if limit < LEAST:
                        report = reports.Report(out / f"{part.name}.json", part.name, device)
                        report.set(status="not run", summary="no time left")
                        found.append(report.content)
                        continue
                    started.append(_Started(part, command, limit, Path(folder)))
                for one in started:
                    found.append(_end(one, out, device))
                    print(line(found[-1]), flush=True)
            finally:
                for one in started:
                    if one.process.poll() is None:
                        one.kill()
    return found


def line(content: dict) -> str:
    """Return one line about a part."""
    return (
        f"{content['part']:10}{content['status']:10}{content.get('seconds', float('nan')):6.0f} s  {content['summary']}"
    )


def summary(found: list[dict]) -> str:
    """Return one line a part, then each check that failed and the log of each part that did."""
    lines = ["", "summary", *map(line, found)]
    for content in found:
        for check in content["checks"]:
            if check["status"] == "failed":
                lines.append(f"FAILED {content['part']}: {check['name']}: {check['detail'][:600]}")
        lines += [f"    {text}" for text in content.get("log", [])]
    return "\n".join(lines)


def has_failed(found: list[dict]) -> bool:
    """Return whether a part failed or had to be ended."""
    return any(content["status"] in ("failed", "timed out") for content in found)
