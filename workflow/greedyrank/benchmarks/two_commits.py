"""The engine of this checkout beside that of another commit: the same steps, timed in turns, as ratios.

Machines are noisy and differ, so only times of one run are compared, and of each the smallest: what a step costs when
nothing disturbs it.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from greedyrank.errors import UserError

logger = logging.getLogger(__name__)

ROUNDS = 3
SHORT = ("2x2 depth3", "deep_matrix 100x100 depth3", "cp order4 R512", "tucker 25 K2", "hierarchical 8^4", "image r15")
# Run with each tree's package, in the environment of this process, which has one thread. It asks of
# `greedyrank.benchmarks.steps` what is there since version 0.2.
TIMED = """
import json, os, sys
if sys.platform == "linux":  # two processors of a virtual machine need not be equally fast
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from greedyrank.benchmarks import steps
print(json.dumps({
    name: min(steps.seconds(case.engine, 0.1, 1) for _ in range(5))
    for name in json.loads(sys.argv[1]) if name in steps.CASES
    for case in [steps.CASES[name]("cpu")[0]]
}))
"""


def _unpacked(repository: Path, commit: str, folder: Path) -> Path:
    """Put the files of a commit into a folder."""
    archive = folder / "commit.tar"
    words = ["git", "-C", str(repository), "archive", "--output", str(archive), commit]
    try:
        done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    except FileNotFoundError:
        raise UserError(f"BASE is {commit!r}: there is no git to look for it") from None
    if done.returncode:
        raise UserError(f"BASE is {commit!r}: {done.stderr.strip().splitlines()[-1]}")
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    return folder


def _times(tree: Path, cases: list[str]) -> dict[str, float]:
    """Return the seconds of a step of each case that a tree has."""
    done = subprocess.run(
        [sys.executable, "-c", TIMED, json.dumps(cases)],
        env={**os.environ, "PYTHONPATH": str(tree / "workflow")},
        cwd=tree,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise UserError(f"the steps of {tree} cannot be timed: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)


def compare(repository: Path, commit: str, cases: list[str]) -> list[dict]:
    """Time the steps of a repository and of one of its commits in turns.

    Parameters
    ----------
    repository : Path
        A git repository; its files as they are now are timed.
    commit : str
        The commit that it is compared with.
    cases : list of str
        Names in `greedyrank.benchmarks.steps.CASES`; those that the commit does not have are left out.

    Returns
    -------
    list of dict
        For each case: ``case``, ``base_s`` and ``here_s``, seconds a step, and their ``ratio``, above 1 if slower now.

    Raises
    ------
    UserError
        If there is no such commit, no clone or no git, or if its steps cannot be timed.
    """
    with tempfile.TemporaryDirectory() as folder:
        trees = {"base": _unpacked(repository, commit, Path(folder)), "here": repository}
        best: dict[str, dict[str, float]] = {name: {} for name in trees}
        for number in range(ROUNDS):
            for name, tree in trees.items():
                for case, seconds in _times(tree, cases).items():
                    best[name][case] = min(seconds, best[name].get(case, seconds))
            logger.info("round %d of %d", number + 1, ROUNDS)
    return [
        {"case": case, "base_s": base, "here_s": best["here"][case], "ratio": best["here"][case] / base}
        for case, base in best["base"].items()
        if case in best["here"]
    ]
