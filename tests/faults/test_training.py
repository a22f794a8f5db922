"""A training job that is killed, again and again, ends in the bytes of one that was left alone."""

from __future__ import annotations

import json
import random
import signal
import sys
import time

import numpy as np
import pytest
from conftest import IMAGES, SECONDS, fault, slice_of

SEED = 20190531
# Sweep, batch, data, what makes the job long enough to be killed in the middle, and its last step.
JOBS = {
    "numba": (
        "det_sign",
        "depth-3_dtype-float64",
        "results/smoke/data/det_sign/all.npz",
        {"stop": {"loss": 0.0, "checks": 0, "every": 2000, "max_steps": 3_000_000, "max_epochs": None}},
        3_000_000,
    ),
    "torch": (
        "component_norms",
        "factor_std-0.1_data_seed-0",
        "results/smoke/data/component_norms/all.npz",
        {"stop": {"loss": 0.0, "checks": 0, "every": 20, "max_steps": 6000, "max_epochs": None}},
        6000,
    ),
    "minibatch Adam on images": (
        "image_rank",
        "dataset-mnist_images-original",
        IMAGES,
        {"stop": {"loss": 0.0, "checks": 0, "every": 1, "max_steps": None, "max_epochs": 300}},
        600,
    ),
}


def command(checkout, job, out, seconds):
    """Return the command line of a job."""
    sweep, batch, data, longer, _ = JOBS[job]
    plan = slice_of(checkout, sweep, batch)
    plan["cases"] = [{name: values for name, values in case.items() if name != "stop"} for case in plan["cases"]]
    plan["fixed"] |= longer
    return [
        sys.executable, "scripts/train.py", "--name", "killed", "--slice", json.dumps(plan), "--data", data,
        "--checkpoints", str(out.parent / "checkpoints"), "--checkpoint-seconds", str(seconds), "--out", str(out),
    ]  # fmt: skip


def step_of(checkpoints):
    """Return the step of the checkpoint that there is, or -1."""
    for path in checkpoints.glob("[!.]*.npz"):
        with np.load(path) as file:
            return int(file["loop_step"])
    return -1


@pytest.mark.parametrize("kills", [2, pytest.param(6, marks=pytest.mark.long)])
@pytest.mark.parametrize("job", JOBS)
def test_killed_at_random_steps(undisturbed, tmp_path, job, kills):
    draw = random.Random(f"{SEED} {job} {kills}")
    whole, killed = tmp_path / "whole/run.npz", tmp_path / "killed/run.npz"
    with undisturbed.started(*command(undisturbed, job, whole, SECONDS)) as process:
        assert process.wait(SECONDS) == 0, undisturbed.output()
    words, checkpoints, last = command(undisturbed, job, killed, 0.05), killed.parent / "checkpoints", JOBS[job][-1]
    moments = sorted(draw.randrange(int(0.9 * last)) for _ in range(kills))
    print(f"seed {SEED}: {job} is killed after the steps {moments} of {last}")
    for moment in moments:
        with fault(f"kill -9 of training: {job}"), undisturbed.started(*words) as process:
            before, deadline = step_of(checkpoints), time.monotonic() + SECONDS
            while step_of(checkpoints) <= max(moment, before) and time.monotonic() < deadline:
                assert process.poll() is None, undisturbed.output()
                time.sleep(0.005)
            time.sleep(draw.uniform(0, 0.1))  # into whatever comes next: a step, a record, the next checkpoint
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            assert not killed.exists()
            if before >= 0:
                assert f"goes on from its checkpoint at step {before}" in undisturbed.output()
    with undisturbed.started(*words) as process:
        assert process.wait(SECONDS) == 0, undisturbed.output()
    assert "goes on from its checkpoint at step" in undisturbed.output()
    assert killed.read_bytes() == whole.read_bytes()
    assert not list(checkpoints.iterdir())
