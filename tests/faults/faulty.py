"""Builds in which things go wrong, and the count of what was survived."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from checkout import Checkout, digests

FIGURE = "dmf_sensing"  # which has every kind of file but images
SEED = 20190531  # of all moments, places and times that are drawn
SECONDS = 300  # nothing waited for takes longer
INJECTED = Path(__file__).parent / "injected"
TALLY: dict[str, Counter] = {}


@contextlib.contextmanager
def fault(kind: str) -> Iterator[None]:
    """Count one fault, injected and recovered from in the block; it is lost where the block fails."""
    found = TALLY.setdefault(kind, Counter())
    found["injected"] += 1
    try:
        yield
    except BaseException:
        found["lost"] += 1
        raise
    found["survived"] += 1


class Faulty(Checkout):
    """A checkout in which things go wrong."""

    @property
    def results(self) -> Path:
        return self.folder / "results" / "smoke"

    def environment(self) -> dict[str, str]:
        """Return the environment of what is run; scripts that are started by hand find the library of the checkout."""
        return {**super().environment(), "PYTHONPATH": str(self.folder / "workflow")}

    def made(self) -> dict[str, str]:
        """Return the checksums of all there is of `FIGURE`, what was left half-written included."""
        return {name: found for name, found in digests(self.results).items() if FIGURE in name}

    @contextlib.contextmanager
    def started(self, *words: str, injected: dict | None = None) -> Iterator[subprocess.Popen]:
        """Start a build, or another command, in a group of processes of its own, which ends with the block."""
        command = words if words[0] == sys.executable else self.command("2", *words)
        # In a file, since jobs inherit no variable of ours.
        (self.folder / "fault.json").write_text(json.dumps(injected or {}), encoding="utf-8")
        with (self.folder / "output.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment(), stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def output(self) -> str:
        """Return what the command last started has said."""
        return (self.folder / "output.log").read_text(encoding="utf-8")

    def run_to_its_end(self, *words: str, injected: dict | None = None) -> tuple[int, str]:
        """Build, or run another command; return the exit status and what was said."""
        with self.started(*words, injected=injected) as process:
            return process.wait(SECONDS), self.output()

    def assert_recovers(self, undisturbed: Faulty, *words: str) -> None:
        """Build what is missing, and see that everything is as if nothing had happened."""
        status, output = self.run_to_its_end(*(words or [FIGURE]))
        assert status == 0, output
        assert self.made() == undisturbed.made()
        assert not list(self.results.glob(".checkpoints/*"))
        status, output = self.run_to_its_end("--dry-run", *(words or [FIGURE]))
        assert "Nothing to be done" in output

    def assert_explained(self, status: int, output: str, *texts: str) -> None:
        """See that a command failed with all of these said, and no traceback."""
        assert status > 0, output
        assert "Traceback" not in output, output
        for text in texts:
            assert text in output


def rebuild_command(output: str) -> list[str]:
    """Return the words of the command that a message names."""
    found = re.search(r"with: (snakemake .*)", output)
    assert found, output
    return found[1].split()


def inject(checkout: Checkout) -> None:
    """Let every script of a checkout import `injected` before it starts; code and results are those of any other."""
    start = 'if __name__ == "__main__":'
    lines = (start, "import sys", f"sys.path.append({str(INJECTED)!r})", "import injected")
    for script in (checkout.folder / "scripts").glob("*.py"):
        script.write_text(script.read_text(encoding="utf-8").replace(start, "\n    ".join(lines)), encoding="utf-8")
