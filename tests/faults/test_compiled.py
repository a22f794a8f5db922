"""Compiled code that processes share is never that of other code, whoever is killed, and whatever comes at once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from checkout import REPOSITORY
from conftest import SECONDS, fault

# Sums an array of a memory layout, with a weight in the source; prints the sum and what numpy says.
SUM = """
import sys
import numpy as np
from greedyrank.kernels import varieties
def total(a):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            s += WEIGHT * a[i, j] * (j + 1)
    return s
a = np.arange(12.0).reshape(3, 4).copy(order=sys.argv[1])
print(varieties.compiled(total, "float64")(a), WEIGHT * (a * np.arange(1, 5)).sum())
"""
# Renames its files, once all are about to, in an order of turns, if there is one; or is killed after a renaming.
HOOK = """
import os, pathlib, signal, sys, time
me, order, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
replace, turns, number, deadline = os.replace, pathlib.Path("turns"), 0, time.monotonic() + 100
def wait_for(condition):
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
def replaced(*args):
    global number
    pathlib.Path(me).touch()
    wait_for(lambda: all(pathlib.Path(other).exists() for other in order))
    wait_for(lambda: not order[len(turns.read_text()):] or order[len(turns.read_text())] == me)
    replace(*args)
    if order:
        with turns.open("a") as file:
            file.write(me)
    number += 1
    if number == last:
        os.kill(os.getpid(), signal.SIGKILL)
os.replace = replaced
"""


class Sharing:
    """Processes that share what is compiled."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "turns").touch()
        paths = [str(REPOSITORY / "workflow"), str(folder)]
        self.environment = {**os.environ, "PYTHONPATH": ":".join(paths), "NUMBA_CACHE_DIR": str(folder / "cache")}

    def start(self, layout, order="", kill_after=0, weight=1.0):
        """Start a process; what it compiles depends on the layout and the weight."""
        (self.folder / "summing.py").write_text(SUM.replace("WEIGHT", str(weight)))
        code = (HOOK if order or kill_after else "") + "\nimport summing"
        words = [sys.executable, "-c", code, layout, order, str(kill_after)]
        return subprocess.Popen(words, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, text=True)

    def assert_right(self, process):
        with process:
            found, expected = process.communicate(timeout=SECONDS)[0].split()
        assert found == expected


@pytest.fixture
def sharing(tmp_path):
    return Sharing(tmp_path)


@pytest.mark.parametrize("order", ["CFFC", pytest.param("FCCF", marks=pytest.mark.long)])
def test_two_layouts_are_compiled_at_once(sharing, order):
    with fault("compiled code: two layouts at once"):
        processes = [sharing.start(layout, order) for layout in "CF"]
        for process in processes:
            sharing.assert_right(process)
        for layout in "CF":
            sharing.assert_right(sharing.start(layout))


@pytest.mark.parametrize("moment", [1, pytest.param(2, marks=pytest.mark.long)])
def test_killed_while_code_of_another_source_is_there(sharing, moment):
    with fault("compiled code: killed over an older source's"):
        sharing.assert_right(sharing.start("C", weight=2.0))
        with sharing.start("C", kill_after=moment) as killed:
            killed.wait(SECONDS)
        sharing.assert_right(sharing.start("C"))
