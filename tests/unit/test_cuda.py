"""The same short training on a GPU and on the CPU; skipped where there is no GPU."""

import numpy as np
import pytest
import torch

from greedyrank import sweeps
from greedyrank.descent import Descent
from greedyrank.problems import completion

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")


def images(run):
    rng = np.random.default_rng(0)
    bits = {
        f"{part}_bits": rng.integers(0, 256, (run[f"{part}_size"], 98), dtype=np.uint8) for part in ("train", "test")
    }
    labels = {f"{part}_labels": rng.integers(0, 10, run[f"{part}_size"], dtype=np.uint8) for part in ("train", "test")}
    return bits | labels | {name.replace("labels", "permuted"): label for name, label in labels.items()}


@pytest.mark.parametrize(
    ("factorization", "optimizer", "generate"),
    [
        ("deep_matrix", "gd", completion.generate),
        ("cp", "group_rmsprop", completion.generate),
        ("binary_cp", "adam", images),
    ],
)
def test_gpu_follows_cpu(plan, factorization, optimizer, generate):
    small = plan(factorization, optimizer, axes={"seed": [0, 1]})
    runs = sweeps.expand(small)
    steppers = [Descent(small, runs, [generate(run) for run in runs], device) for device in ("cpu", "cuda")]
    for stepper in steppers:
        stepper.advance(4 * stepper.steps_per_epoch)
    on_cpu, on_gpu = ({"loss": s.losses(), "time": s.flow_time(), **s.observables()} for s in steppers)
    for name, expected in on_cpu.items():
        # float64, few steps: only the order of summation differs.
        np.testing.assert_allclose(on_gpu[name], expected, rtol=1e-9, atol=1e-12, err_msg=name)
