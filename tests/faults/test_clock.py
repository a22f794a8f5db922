"""Times of files that a clock set back, or forward, leaves behind: what is the same is not made again."""

from __future__ import annotations

import os
import random
import time

import pytest
from faulty import FIGURE, SEED, fault

SWEEPS = "workflow/papers/arora_2019/sweeps.yaml"
YEAR = 365 * 24 * 3600


def shift(folder, years):
    """Give every file below a folder another time, drawn from a range of years from now."""
    draw = random.Random(SEED)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            moment = time.time() + YEAR * draw.uniform(*years)
            os.utime(path, (moment, moment))


def assert_nothing_to_do(checkout):
    assert checkout.jobs(FIGURE) == set()


@pytest.mark.long
def test_what_there_is_stays_and_what_changes_is_made(built, undisturbed):
    with fault("clock: all files from other years"):
        shift(built.results, (-20, 20))
        assert_nothing_to_do(built)
        built.edit(SWEEPS, "tolerance: 1.0e-3", "tolerance: 2.0e-3")
        changed = built.jobs(FIGURE)
        assert {job for job in changed if "train" in job or "generate" in job} == set()
        assert f"{FIGURE}: solve the baselines" in changed
        assert built.run_to_its_end(FIGURE)[0] == 0
        assert_nothing_to_do(built)
        built.edit(SWEEPS, "tolerance: 2.0e-3", "tolerance: 1.0e-3")
        shift(built.results, (-20, 20))
        built.assert_recovers(undisturbed)


@pytest.mark.long
def test_the_clock_is_set_back_in_the_middle_of_a_build(fresh, undisturbed):
    with fault("clock: set back by ten years in the middle"):
        status, output = fresh.run_to_its_end(FIGURE, "--omit-from", "extract")
        assert status == 0, output
        shift(fresh.results, (10, 10))
        fresh.assert_recovers(undisturbed)
        assert_nothing_to_do(fresh)
