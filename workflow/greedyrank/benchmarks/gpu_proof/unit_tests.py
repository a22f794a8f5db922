"""The unit tests that say something about a GPU, on this machine and with the packages it has."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from greedyrank.benchmarks.gpu_proof.report import NotRun, Options, Report

TESTS = Path("tests/unit")
FILES = (
    "test_cuda.py",
    "test_devices.py",
    "test_step_graph.py",
    "test_minibatch_graph.py",
    "test_out_of_memory.py",
    "test_bit_matrix.py",
)
FILES_OF_SMOKE = ("test_cuda.py", "test_devices.py")
NEEDED = ("torch", "pytest", "hypothesis", "pydantic", "yaml")
LAST_LINES = 12


def is_here(package: str) -> bool:
    """Return whether a package can be found."""
    try:
        return importlib.util.find_spec(package) is not None
    except ImportError:
        return False


def command(files: list[Path], results: Path) -> list[str]:
    """Return the command that runs these files by pytest alone, whatever plugins and settings are here."""
    plain = ["-o", "addopts=", "-o", "filterwarnings=default", "-p", "no:cacheprovider", "-p", "no:randomly"]
    return [sys.executable, "-m", "pytest", "-q", *plain, f"--junitxml={results}", *map(str, files)]


def outcomes(results: Path) -> tuple[dict[str, int], list[dict]]:
    """Return how many tests passed, failed and were skipped, and each failure's name and last lines."""
    counts, failures = {"passed": 0, "failed": 0, "skipped": 0}, []
    for case in ElementTree.parse(results).iter("testcase"):
        bad = [child for child in case if child.tag in ("failure", "error")]
        if bad:
            text = (bad[0].text or bad[0].get("message") or "").splitlines()[-LAST_LINES:]
            failures.append({"test": f"{case.get('classname')}::{case.get('name')}", "lines": text})
            counts["failed"] += 1
        elif any(child.tag == "skipped" for child in case):
            counts["skipped"] += 1
        else:
            counts["passed"] += 1
    return counts, failures


def run(report: Report, options: Options) -> None:
    """Run the tests file by file, so that each that is finished is in the report."""
    if missing := [name for name in NEEDED if not is_here(name)]:
        raise NotRun(f"the tests need {', '.join(missing)}")
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for name in FILES_OF_SMOKE if options.smoke else FILES:
        path = TESTS / name
        if not path.exists() or options.time_left() < 5:
            report.not_run(name, "no time left" if path.exists() else "no such file")
            continue
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder) / "results.xml"
            try:
                done = subprocess.run(
                    command([path], results),
                    capture_output=True,
                    encoding="utf-8",
                    timeout=max(options.time_left(), 1),
                )
            except subprocess.TimeoutExpired:
                report.check(name, False, "did not end in time")
                continue
            if not results.exists():
                report.check(name, False, "\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:]))
                continue
            counts, failures = outcomes(results)
        report.append("files", {"file": name, **counts, "failures": failures})
        totals = {key: totals[key] + counts[key] for key in totals}
        written = ", ".join(f"{count} {key}" for key, count in counts.items())
        if counts["passed"] == counts["failed"] == 0:
            report.not_run(name, written)
        else:
            failed = "; ".join(f"{failure['test']}: {' '.join(failure['lines'][-2:])}" for failure in failures)
            report.check(name, not failures, f"{written}. {failed}".strip())
    report.set(summary=", ".join(f"{count} {key}" for key, count in totals.items()))
