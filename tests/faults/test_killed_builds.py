"""A whole build that is killed, in any of its parts, goes on to the same bytes."""

from __future__ import annotations

import os
import signal
import time

import pytest
from faulty import FIGURE, SECONDS, fault

# Every kind of file in the order of a build, below the results.
KINDS = {
    "data": f"data/{FIGURE}/all.npz",
    "a data file's checksum": f"data/{FIGURE}/all.npz.sha256",
    "baseline": f"baselines/{FIGURE}.npz",
    "checkpoint": ".checkpoints/*.npz",
    "run": f"runs/{FIGURE}/*.npz",
    "a run's checksum": f"runs/{FIGURE}/*.npz.sha256",
    "spectra": f"spectra/{FIGURE}.nc",
    "claims": f"claims/{FIGURE}.json",
    **{f"figure {ending}": f"figures/{FIGURE}.{ending}" for ending in ("png", "pdf", "svg", "csv", "js")},
    "page": "index.html",
    "all claims": "claims.json",
}
PAGE = ("page", "all claims")  # a build with nothing to do does not write them, unless they are asked for


def in_writing(pattern):
    """Return the pattern of the temporary names of files."""
    folder, _, name = pattern.rpartition("/")
    return f"{folder}/.[0-9]*.{name}".lstrip("/")


@pytest.mark.long
def test_killed_while_writing_each_kind_of_file(fresh, undisturbed):
    for kind, pattern in KINDS.items():
        sizes = {path.stat().st_size for path in undisturbed.results.glob(pattern)}
        half = min(sizes, default=4000) // 2  # of a checkpoint, which is gone where all is well, any part will do
        faults = {"kill_while_writing": {"pattern": f"results/smoke/{pattern}", "size": half}}
        target = "page" if kind in PAGE else FIGURE
        with fault(f"kill -9 of all while writing: {kind}"):
            status, output = fresh.run_to_its_end(target, injected={"faults": faults, "checkpoint_seconds": 0})
            assert status == -signal.SIGKILL, output
            assert half in {path.stat().st_size for path in fresh.results.glob(in_writing(pattern))}
            assert fresh.run_to_its_end("--unlock")[0] == 0
    fresh.assert_recovers(undisturbed)
    status, output = fresh.run_to_its_end("page")
    assert status == 0, output
    assert f"figures/{FIGURE}.png" in (fresh.results / "index.html").read_text(encoding="utf-8")
    assert not [path for path in fresh.results.rglob(".*") if path.is_file() and path.suffix != ".compiled"]


def wait_for(condition, process):
    """Wait until something is true while a process runs."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.long
@pytest.mark.parametrize("stage", ["train", "plot"])
def test_snakemake_alone_is_killed(fresh, undisturbed, stage):
    """Its jobs go on, and write what those of the next build write."""
    with fault("kill -9 of Snakemake"), fresh.started(FIGURE) as process:
        wait_for(lambda: list(fresh.results.glob(f"logs/{stage}/**/*{FIGURE}*")), process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        status, output = fresh.run_to_its_end(FIGURE)
        fresh.assert_explained(status, output, "Directory cannot be locked", "--unlock")
        assert fresh.run_to_its_end("--unlock")[0] == 0
        fresh.assert_recovers(undisturbed)


def test_two_builds_at_once(fresh, undisturbed):
    with fault("two builds at once"), fresh.started(FIGURE) as process:
        wait_for(lambda: list((fresh.folder / ".snakemake/locks").glob("*")), process)
        second = fresh.run(*fresh.command("2", FIGURE))
        fresh.assert_explained(second.returncode, second.stdout + second.stderr, "Directory cannot be locked")
        assert process.wait(SECONDS) == 0, fresh.output()
        fresh.assert_recovers(undisturbed)
