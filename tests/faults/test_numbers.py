"""A loss that is no longer a number, and a device whose memory is full."""

from __future__ import annotations

import random
import re

import pytest
from conftest import FIGURE, SECONDS, fault
from test_training import command

SEED = 1887
NAN = [("numba", 3_000_000, 8), ("torch", 6000, 1)]  # the job, its steps, its runs


def run(checkout, words, injected=None):
    with checkout.started(*words, injected=injected) as process:
        return process.wait(SECONDS), checkout.output()


@pytest.mark.parametrize("number", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2))])
@pytest.mark.parametrize(("job", "steps", "runs"), NAN)
def test_not_finite_at_a_random_step(undisturbed, tmp_path, job, steps, runs, number):
    draw = random.Random(f"{SEED} {job} {number}")
    step, bad = draw.randrange(steps // 2), draw.randrange(runs)
    print(f"seed {SEED}: {job}, NaN in run {bad} after step {step}")
    spoilt, whole = (command(undisturbed, job, tmp_path / name / "run.npz", 0.1) for name in ("spoilt", "whole"))
    with fault(f"NaN: {job}"):
        injected = {"faults": {"not_finite": {"step": step, "run": bad}}}
        status, output = run(undisturbed, spoilt, injected)
        undisturbed.assert_explained(status, output, f"in 1 of {runs} runs, the first with ", "lower `learning_rate`")
        seen = int(re.search(r"the loss is nan at step (\d+)", output)[1])
        assert step <= seen <= step + 2000
        assert not (tmp_path / "spoilt/run.npz").exists()
        status, output = run(undisturbed, spoilt)
        assert status == 0, output
        assert run(undisturbed, whole)[0] == 0
        assert (tmp_path / "spoilt/run.npz").read_bytes() == (tmp_path / "whole/run.npz").read_bytes()


@pytest.mark.long
def test_not_finite_in_a_build(fresh, undisturbed):
    step = random.Random(SEED).randrange(300)
    print(f"seed {SEED}: NaN after step {step}")
    injected = {
        "faults": {"not_finite": {"step": step, "run": 0}},
        "job": "train.py --name dmf_sensing/measurements-60_depth-3",
    }
    with fault("NaN: in a build"):
        status, output = fresh.build(FIGURE, injected=injected)
        fresh.assert_explained(status, output, "dmf_sensing/measurements-60_depth-3: error: the loss is nan at step")
        made = {path.name for path in (fresh.results / "runs" / FIGURE).glob("*.npz")}
        assert made == {"measurements-60_depth-2.npz"}
        assert not list((fresh.results / "figures").glob("*"))
        fresh.assert_recovers(undisturbed)


@pytest.mark.long
def test_memory_of_the_device_is_full(undisturbed, tmp_path):
    """What no process of its own shows, such as halves of halves, is in tests/unit/test_out_of_memory.py."""
    limited, whole, none = (command(undisturbed, "numba", tmp_path / name / "run.npz", 0.1) for name in "lwn")
    with fault("memory of the device: halves"):
        status, output = run(undisturbed, limited, {"faults": {"small_memory": {"runs": 3}}})
        assert status == 0, output
        assert "out of memory on the GPU: 8 runs train as 4 and then 4" in output
        assert run(undisturbed, whole)[0] == 0
        assert (tmp_path / "l/run.npz").read_bytes() == (tmp_path / "w/run.npz").read_bytes()
    with fault("memory of the device: not even one run"):
        status, output = run(undisturbed, none, {"faults": {"small_memory": {"runs": 0}}})
        undisturbed.assert_explained(status, output, "one run alone does not fit into the memory of the GPU")
        assert not (tmp_path / "n/run.npz").exists()
        assert run(undisturbed, none)[0] == 0
        assert (tmp_path / "n/run.npz").read_bytes() == (tmp_path / "w/run.npz").read_bytes()
