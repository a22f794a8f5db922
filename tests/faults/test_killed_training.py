"""A training job that is killed, again and again, ends in the bytes of one that was left alone."""

from __future__ import annotations

import random
import signal
import time

import numpy as np
import pytest
from faulty import SECONDS, SEED, fault
from jobs import JOBS, command


def step_of(checkpoints):
    """Return the step of the checkpoint that there is, or -1."""
    for path in checkpoints.glob("[!.]*.npz"):
        with np.load(path) as file:
            return int(file["loop_step"])
    return -1


@pytest.mark.parametrize("kills", [2, pytest.param(6, marks=pytest.mark.long)])
@pytest.mark.parametrize("job", JOBS)
def test_killed_at_random_steps(undisturbed, trained, tmp_path, job, kills):
    draw = random.Random(f"{SEED} {job} {kills}")
    killed = tmp_path / "run.npz"
    words, checkpoints, last = command(job, killed, 0.05), tmp_path / "checkpoints", JOBS[job][-1]
    moments = sorted(draw.randrange(int(0.7 * last)) for _ in range(kills))
    print(f"{job} is killed after the steps {moments} of {last}")
    for moment in moments:
        with fault(f"kill -9 of training: {job}"), undisturbed.started(*words) as process:
            before, deadline = step_of(checkpoints), time.monotonic() + SECONDS
            while step_of(checkpoints) <= max(moment, before) and time.monotonic() < deadline:
                assert process.poll() is None, undisturbed.output()
                time.sleep(0.005)
            time.sleep(draw.uniform(0, 0.03))  # into whatever comes next: a step, a record, the next checkpoint
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            assert not killed.exists()
            if before >= 0:
                assert f"goes on from its checkpoint at step {before}" in undisturbed.output()
    status, output = undisturbed.run_to_its_end(*words)
    assert status == 0, output
    assert "goes on from its checkpoint at step" in output
    assert killed.read_bytes() == trained(job)
    assert not list(checkpoints.iterdir())
