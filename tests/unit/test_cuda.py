"""The same short training on a GPU and on the CPU; skipped where there is no GPU."""

import numpy as np
import pytest
import torch

from combinations import FULL_BATCH, stepper
from greedyrank.plan import host
from greedyrank.problems import switched_completion
from greedyrank.training import devices, variants

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")


@pytest.mark.parametrize("visible", ["-1", "99"])
def test_a_gpu_that_is_hidden_is_none(monkeypatch, visible):
    assert host.why_no_gpu.__wrapped__() == ""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert host.why_no_gpu.__wrapped__().startswith("torch cannot use a GPU here (")


@pytest.mark.parametrize(
    ("factorization", "optimizer", "settings"),
    [*FULL_BATCH, ("binary_cp", "adam", {}), ("autoencoder", "adam", {})],
)
def test_gpu_follows_cpu(make_slice, factorization, optimizer, settings):
    of_images = factorization in ("binary_cp", "autoencoder")
    whole = {} if of_images else {"record": {"every": 5, "end_to_end": True}}
    small = make_slice(factorization, optimizer, axes={"seed": [0, 1]}, **whole, **settings)
    on_cpu, on_gpu = ({}, {})
    for device, found in (("cpu", on_cpu), ("cuda", on_gpu)):
        moving = stepper(small, device)
        moving.advance(4 * moving.steps_per_epoch)
        moving.set_rate_factors(np.array([1.0, 0.1]))
        moving.advance(4 * moving.steps_per_epoch)  # on a GPU, full-batch steps are replayed by now
        found |= {"loss": moving.losses(), "time": moving.flow_time(), **moving.observables()}
        if moving.problem.full_batch:
            found |= {f"growth_{name}": value for name, value in moving.observables(growth=True).items()}
    assert on_gpu.keys() == on_cpu.keys()
    for name, expected in on_cpu.items():
        # float64, few steps: only the order of summation differs.
        np.testing.assert_allclose(on_gpu[name], expected, rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_checkpoint_of_a_cpu_goes_on_on_a_gpu(make_slice):
    small = make_slice("tucker", "adam", axes={"seed": [0, 1]})
    cpu, fresh, used = (stepper(small, device) for device in ("cpu", "cuda", "cuda"))
    cpu.advance(3)
    used.advance(10)
    for gpu in (fresh, used):
        gpu.restore(cpu.state())
    for moving in (cpu, fresh, used):
        moving.advance(9)
    for gpu in (fresh, used):
        np.testing.assert_allclose(gpu.losses(), cpu.losses(), rtol=1e-9)


def test_a_switch_between_two_tasks_follows_the_cpu(make_slice):
    settings = {"problem": "switched_completion", "deficit_start": 5, "axes": {"data_seed": [0, 1]}}
    small = make_slice("deep_matrix", "gd", **settings)
    data = [switched_completion.generate(run) for run in small.runs]
    cpu, gpu = (variants.make_stepper(small, data, device) for device in ("cpu", "cuda"))
    for moving in (cpu, gpu):
        moving.advance(20)
    np.testing.assert_allclose(gpu.losses(), cpu.losses(), rtol=1e-9)


def test_captured_steps_are_the_steps_one_by_one(make_slice):
    small = make_slice("cp", "group_rmsprop", axes={"seed": [0, 1]})
    graphed, eager = stepper(small, "cuda"), stepper(small, "cuda")
    eager._graph = None
    for moving in (graphed, eager):
        moving.advance(50)
    assert graphed._graph.captured
    for name, expected in eager.state().items():
        np.testing.assert_allclose(graphed.state()[name], expected, rtol=1e-12, err_msg=name)


def test_products_are_in_full_float32():
    devices.prepare("cuda")
    left, right = torch.rand(2, 512, 512, device="cuda")
    exact = left.double() @ right.double()
    assert ((left @ right).double() / exact - 1).abs().max() < 1e-5  # TF32: 1e-4 and more
