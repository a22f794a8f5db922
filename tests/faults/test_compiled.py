"""Compiled code that processes share is never that of other code, whoever is killed, and whatever comes at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from faulty import SECONDS, fault

from checkout import REPOSITORY

# Sums an array of a memory layout, with a weight in the source; prints the sum and what numpy says.
SUM = """
import sys
import numpy as np
from greedyrank.kernels import numba_cache
def total(a):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            s += WEIGHT * a[i, j] * (j + 1)
    return s
a = np.arange(12.0).reshape(3, 4).copy(order=sys.argv[1])
print(numba_cache.compiled(total, "float64")(a), WEIGHT * (a * np.arange(1, 5)).sum())
"""
# Renames its files, once all are about to, in an order of turns, if there is one; or is killed at the first renaming.
HOOK = """
import os, pathlib, signal, sys, time
me, order, killed = sys.argv[1:]
replace, turns, deadline = os.replace, pathlib.Path("turns"), time.monotonic() + 100
def wait_for(condition):
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
def kill(moment):
    if killed == moment:
        os.kill(os.getpid(), signal.SIGKILL)
def replaced(*args):
    pathlib.Path(me).touch()
    wait_for(lambda: all(pathlib.Path(other).exists() for other in order))
    wait_for(lambda: not order[len(turns.read_text()):] or order[len(turns.read_text())] == me)
    kill("before")
    replace(*args)
    kill("after")
    if order:
        with turns.open("a") as file:
            file.write(me)
os.replace = replaced
"""


class Sharing:
    """Processes that share what is compiled."""

    def __init__(self, folder):
        self.folder, self.started = folder, []
        (folder / "turns").touch()
        paths = [str(REPOSITORY / "workflow"), str(folder)]
        self.environment = {**os.environ, "PYTHONPATH": ":".join(paths), "NUMBA_CACHE_DIR": str(folder / "cache")}

    def start(self, layout, order="", killed="", weight=1.0):
        """Start a process; what it compiles depends on the layout and the weight."""
        (self.folder / "summing.py").write_text(SUM.replace("WEIGHT", str(weight)), encoding="utf-8")
        code = (HOOK if order or killed else "") + "\nimport summing"
        words = [sys.executable, "-c", code, layout, order, killed]
        process = subprocess.Popen(
            words, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self.started.append(process)
        return process

    def assert_right(self, process):
        found, expected = process.communicate(timeout=SECONDS)[0].split()
        assert found == expected


@pytest.fixture
def sharing(tmp_path):
    made = Sharing(tmp_path)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("order", ["CFFC", pytest.param("FCCF", marks=pytest.mark.long)])
def test_two_layouts_are_compiled_at_once(sharing, order):
    with fault("compiled code: two layouts at once"):
        processes = [sharing.start(layout, order) for layout in "CF"]
        for process in processes:
            sharing.assert_right(process)
        for layout in "CF":
            sharing.assert_right(sharing.start(layout))


@pytest.mark.parametrize("moment", ["after", pytest.param("before", marks=pytest.mark.long)])
def test_killed_while_code_of_another_source_is_there(sharing, moment):
    with fault("compiled code: killed over an older source's"):
        sharing.assert_right(sharing.start("C", weight=2.0))
        assert sharing.start("C", killed=moment).wait(SECONDS) == -signal.SIGKILL
        sharing.assert_right(sharing.start("C"))
