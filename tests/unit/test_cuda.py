"""The same short training on a GPU and on the CPU; skipped where there is no GPU."""

import numpy as np
import pytest
import torch

from greedyrank import sweeps
from greedyrank.descent import Descent
from greedyrank.problems import completion
from greedyrank.tenants import tenant

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")


def images(run):
    rng = np.random.default_rng(0)
    if "latent_size" in run:
        return {
            f"{part}_pixels": rng.integers(0, 256, (run[f"{part}_size"], 28, 28), dtype=np.uint8)
            for part in ("train", "test")
        }
    bits = {
        f"{part}_bits": rng.integers(0, 256, (run[f"{part}_size"], 98), dtype=np.uint8) for part in ("train", "test")
    }
    labels = {f"{part}_labels": rng.integers(0, 10, run[f"{part}_size"], dtype=np.uint8) for part in ("train", "test")}
    return bits | labels | {name.replace("labels", "permuted"): label for name, label in labels.items()}


RANK_ONE = {"problem": "sensing", "ensemble": "rank_one", "sensing_std": None}
HUBER = {"loss": "huber", "huber_threshold": 0.1}
FRACTION = {"observations": None, "observed_fraction": 0.6}
MULTILINEAR = {"target_rank": None, "target_multilinear_rank": [2, 2, 2]}
TREE = {"target_rank": None, "target_widths": [2, 2], "target_root_spectrum": [2.0, 1.0]}


@pytest.mark.parametrize(
    ("factorization", "optimizer", "settings"),
    [
        ("deep_matrix", "gd", {}),
        ("deep_matrix", "gd", {"problem": "sensing"}),
        ("psd", "gd", {}),
        ("cp", "group_rmsprop", {}),
        ("cp", "group_rmsprop", {"balanced": True, **RANK_ONE, **HUBER}),
        ("deep_cp", "gd", {"depth": 1, **FRACTION}),
        ("deep_cp", "group_rmsprop", {"shape": [3, 4, 3], "depth": 3, "balanced": True, **RANK_ONE}),
        ("tucker", "adam", {"depth": 0, **HUBER}),
        ("tucker", "gd", {"depth": 1, "core_shape": [2, 3, 2], **FRACTION, **MULTILINEAR}),
        ("tucker", "adam", {"shape": [4, 4, 4], "depth": 3, "problem": "sensing"}),
        ("hierarchical", "group_rmsprop", {**HUBER, **TREE}),
        ("hierarchical", "gd", {"shape": [4, 5], "widths": [3], "balanced": True, **RANK_ONE}),
        ("binary_cp", "adam", {}),
        ("autoencoder", "adam", {}),
    ],
)
def test_gpu_follows_cpu(plan, factorization, optimizer, settings):
    of_images = factorization in ("binary_cp", "autoencoder")
    whole = {} if of_images else {"record": {"every": 5, "end_to_end": True}}
    small = plan(factorization, optimizer, axes={"seed": [0, 1]}, **whole, **settings)
    runs = sweeps.expand(small)
    generate = images if of_images else tenant("problems", small["problem"]).generate
    steppers = [Descent(small, runs, [generate(run) for run in runs], device) for device in ("cpu", "cuda")]
    on_cpu, on_gpu = ({}, {})
    for stepper, found in zip(steppers, (on_cpu, on_gpu), strict=True):
        stepper.advance(4 * stepper.steps_per_epoch)
        found |= {"loss": stepper.losses(), "time": stepper.flow_time(), **stepper.observables()}
        if stepper.loss_at_start:
            found |= {f"growth_{name}": value for name, value in stepper.observables(growth=True).items()}
    assert on_gpu.keys() == on_cpu.keys()
    for name, expected in on_cpu.items():
        # float64, few steps: only the order of summation differs.
        np.testing.assert_allclose(on_gpu[name], expected, rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_checkpoint_of_a_cpu_goes_on_on_a_gpu(plan):
    small = plan("tucker", "adam", axes={"seed": [0, 1]})
    runs = sweeps.expand(small)
    data = [completion.generate(run) for run in runs]
    cpu, gpu = (Descent(small, runs, data, device) for device in ("cpu", "cuda"))
    cpu.advance(3)
    gpu.restore(cpu.state())
    for stepper in (cpu, gpu):
        stepper.advance(3)
    np.testing.assert_allclose(gpu.losses(), cpu.losses(), rtol=1e-9)
