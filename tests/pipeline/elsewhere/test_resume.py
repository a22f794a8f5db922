"""A training job that is killed goes on from its checkpoint to the same bytes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from greedyrank.config import loading


def command(checkout, out, seconds):
    """Return the command line of one training job, long enough to be killed in the middle."""
    data = checkout.folder / "results/smoke/data/component_norms/all.npz"
    sweep = loading.load({"scale": "smoke"}).sweeps["component_norms"]
    longer = {
        "data_seed": 0,
        "factor_std": 0.1,
        "learning_rate": 1e-3,
        "stop": {"loss": 0.0, "checks": 0, "every": 1, "max_steps": 20000, "max_epochs": None},
        "growth": {"every": 1000, "offsets": [0, 1]},
    }
    part = replace(sweep.whole, fixed=sweep.whole.fixed | longer, cases=[], axes={}, apart=[])
    return [
        sys.executable, "scripts/train.py", "--name", "killed", "--slice", json.dumps(part.to_json()),
        "--data", str(data), "--checkpoints", str(out.parent / "checkpoints"), "--checkpoint-seconds", str(seconds),
        "--out", str(out),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(built, tmp_path_factory) -> bytes:
    """The result of that job where nothing kills it."""
    out = tmp_path_factory.mktemp("undisturbed") / "run.npz"
    subprocess.run(command(built, out, 1000), cwd=built.folder, check=True)
    return out.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_training_resumes_to_the_same_bytes(built, undisturbed, tmp_path, number):
    resumed = tmp_path / "run.npz"
    checkpoints = resumed.parent / "checkpoints"
    with subprocess.Popen(command(built, resumed, 0.2), cwd=built.folder) as process:
        deadline = time.monotonic() + 120
        while not list(checkpoints.glob("[!.]*.npz")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
    assert process.returncode == -number
    assert list(checkpoints.glob("[!.]*.npz"))
    assert not resumed.exists()
    again = subprocess.run(
        command(built, resumed, 1000), cwd=built.folder, capture_output=True, encoding="utf-8", check=False
    )
    assert again.returncode == 0
    assert "goes on from its checkpoint" in again.stderr
    assert resumed.read_bytes() == undisturbed
    assert not list(checkpoints.glob("[!.]*"))
