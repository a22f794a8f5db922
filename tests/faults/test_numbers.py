"""A loss that is no longer a number, and a device whose memory is full."""

from __future__ import annotations

import random
import re

import pytest
from faulty import FIGURE, SEED, fault
from jobs import JOBS, command

RUNS = {"numba": 8, "torch": 1}


@pytest.mark.long
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("job", RUNS)
def test_not_finite_at_a_random_step(undisturbed, trained, tmp_path, job, number):
    draw, out = random.Random(f"{SEED} {job} {number}"), tmp_path / "run.npz"
    step, bad = draw.randrange(JOBS[job][-1] // 2), draw.randrange(RUNS[job])
    print(f"{job}, NaN in run {bad} after step {step}")
    words, faults = command(job, out, 0.1), {"not_finite": {"step": step, "run": bad}}
    with fault(f"NaN: {job}"):
        status, output = undisturbed.run_to_its_end(*words, injected={"faults": faults})
        named = f"in 1 of {RUNS[job]} runs, the first with "
        undisturbed.assert_explained(status, output, named, "lower `learning_rate`")
        seen = int(re.search(r"the loss is nan at step (\d+)", output)[1])
        assert step <= seen <= step + 2000  # the next look at the losses
        assert not out.exists()
        status, output = undisturbed.run_to_its_end(*words)
        assert status == 0, output
        assert out.read_bytes() == trained(job)


@pytest.mark.long
def test_not_finite_in_a_build(fresh, undisturbed):
    step = random.Random(SEED).randrange(300)
    print(f"NaN after step {step}")
    injected = {
        "faults": {"not_finite": {"step": step, "run": 0}},
        "job": "train.py --name dmf_sensing/measurements-60_depth-3",
    }
    with fault("NaN: in a build"):
        status, output = fresh.run_to_its_end(FIGURE, injected=injected)
        fresh.assert_explained(status, output, "dmf_sensing/measurements-60_depth-3: error: the loss is nan at step")
        made = {path.name for path in (fresh.results / "runs" / FIGURE).glob("*.npz")}
        assert made == {"measurements-60_depth-2.npz"}
        assert not list((fresh.results / "figures").glob("*"))
        fresh.assert_recovers(undisturbed)


@pytest.mark.long
def test_memory_of_the_device_is_full(undisturbed, trained, tmp_path):
    """What no process of its own shows, such as halves of halves, is in tests/unit/test_out_of_memory.py."""
    out = tmp_path / "run.npz"
    words = command("numba", out, 0.1)
    with fault("memory of the device: not even one run"):
        status, output = undisturbed.run_to_its_end(*words, injected={"faults": {"small_memory": {"runs": 0}}})
        undisturbed.assert_explained(status, output, "one run alone does not fit into the memory of the GPU")
        assert not out.exists()
    with fault("memory of the device: halves"):
        status, output = undisturbed.run_to_its_end(*words, injected={"faults": {"small_memory": {"runs": 4}}})
        assert status == 0, output
        assert "out of memory on the GPU: 8 runs train as 4 and then 4" in output
        assert out.read_bytes() == trained("numba")
