"""Captured steps on minibatches, on a CPU: `recorded_graph` does to a step what a CUDA graph does."""

from pathlib import Path

import numpy as np
import pytest

import synthetic
from greedyrank.data import images, instances
from greedyrank.kernels import image_bits
from greedyrank.problems.on_gpu import image_classification
from greedyrank.training import job, on_gpu
from greedyrank.training.cuda_graph import StepGraph
from greedyrank.training.loop import Training
from greedyrank.training.minibatch_graph import MinibatchStepper
from greedyrank.training.stepper import TorchStepper
from recorded_graph import RecordedGraph

FORMS = {"float64": False, "float32": False, "split": True}


@pytest.fixture(params=FORMS)
def small(request, make_slice, monkeypatch):
    """Classifiers of several ranks, not in their order, in each form of the products; all ten labels of one rank."""
    monkeypatch.setattr(images, "load", lambda data_dir, dataset: synthetic.pictures(train=40, test=20))
    monkeypatch.setattr(image_classification, "SPLIT", FORMS[request.param])
    if FORMS[request.param]:  # the uncaptured steps too
        whole = image_bits.images
        monkeypatch.setattr(image_bits, "images", lambda packed, place: image_bits.in_parts(whole(packed, place)))
    cases = [{"tensor_rank": 3, "label": 6}, {"tensor_rank": 1, "label": list(range(10))}]
    dtype = "float64" if request.param == "float64" else "float32"
    return make_slice("binary_cp", "adam", cases=cases, dtype=dtype, init_std=0.05, learning_rate=5e-3)


def data_of(small):
    generate = instances.generator("image_classification", Path("nowhere"))
    return [generate(run) for run in small.runs]


def eager_of(small):
    return TorchStepper(small, data_of(small), "cpu")


def captured_of(small):
    """Return the stepper of a slice as a GPU has it."""
    moving = job.make_stepper(on_gpu.suited(small, "cuda"), data_of(small), "cpu")
    assert isinstance(moving, MinibatchStepper)
    moving._graph = StepGraph(RecordedGraph(moving._take_step))
    return moving


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
        assert found[name].dtype == array.dtype


def assert_alike(graphed, eager):
    assert_same(graphed.state(), eager.state())
    for found in (lambda moving: {"loss": moving.losses()}, lambda moving: moving.observables()):
        assert_same(found(graphed), found(eager))
    assert_same(graphed.state(), eager.state())


def test_replayed_steps_are_steps(small):
    graphed, eager = captured_of(small), eager_of(small)
    held = np.arange(len(small.runs)) % 2
    for epochs, factors in ((1, held + 1.0), (2, 0.5 * held), (3, held + 0.5)):
        for moving in (graphed, eager):
            moving.set_rate_factors(factors)
            moving.advance(epochs * moving.steps_per_epoch)
        assert_alike(graphed, eager)
    assert graphed._graph.captured


def test_the_loss_before_the_first_step_changes_nothing(small):
    graphed, eager = captured_of(small), eager_of(small)
    for moving in (graphed, eager):
        moving.losses()
        moving.advance(2 * moving.steps_per_epoch)
    assert_alike(graphed, eager)


def test_a_checkpoint_goes_on_before_and_after_the_capture(small):
    eager = eager_of(small)
    eager.advance(2 * eager.steps_per_epoch)
    used, fresh = captured_of(small), captured_of(small)
    used.advance(3 * used.steps_per_epoch)
    for moving in (used, fresh):
        moving.restore(eager.state())
    for moving in (eager, used, fresh):
        moving.advance(2 * moving.steps_per_epoch)
    assert_alike(used, eager)
    assert_alike(fresh, eager)


def test_a_whole_training_is_the_same(small):
    assert_same(Training(small, captured_of(small)).run(), Training(small, eager_of(small)).run())


def test_rows_that_are_not_put_in_their_place_are_told(small, monkeypatch):
    graphed, eager = captured_of(small), eager_of(small)
    for moving in (graphed, eager):
        moving.advance(moving.steps_per_epoch)
    monkeypatch.setattr(graphed.problem, "choose", lambda step: graphed.problem.state["loss"].zero_())
    for moving in (graphed, eager):
        moving.advance(moving.steps_per_epoch)
    with pytest.raises(AssertionError):
        assert_alike(graphed, eager)


def test_the_problem_on_a_gpu_keeps_the_contract(small):
    moving = TorchStepper(on_gpu.suited(small, "cuda"), data_of(small), "cpu")
    eager = eager_of(small)
    for each in (moving, eager):
        each.advance(2 * each.steps_per_epoch)
    assert_alike(moving, eager)


@pytest.mark.parametrize(("dtype", "form"), [("float32", image_bits.SplitImages), ("float64", image_bits.FloatImages)])
def test_float32_products_on_a_gpu_are_split(make_slice, monkeypatch, dtype, form):
    monkeypatch.setattr(images, "load", lambda data_dir, dataset: synthetic.pictures(train=40, test=20))
    single = make_slice("binary_cp", "adam", dtype=dtype)
    moving = TorchStepper(on_gpu.suited(single, "cuda"), data_of(single), "cpu")
    assert {type(found) for found in moving.problem._images.values()} == {form}


@pytest.mark.parametrize(
    ("factorization", "settings", "device", "is_suited"),
    [
        ("binary_cp", {}, "cuda", True),
        ("binary_cp", {}, "cpu", False),
        ("binary_cp", {"batch_size": 9}, "cuda", False),  # 40 images: the last minibatch has fewer
        ("autoencoder", {}, "cuda", False),
        ("cp", {}, "cuda", False),
    ],
)
def test_slices_that_have_a_form_of_their_own(make_slice, factorization, settings, device, is_suited):
    slice_ = make_slice(factorization, "adam", **settings)
    found = on_gpu.suited(slice_, device)
    assert (found.factorization == f"on_gpu.{factorization}") is is_suited
    assert is_suited or found is slice_
    assert found.runs == slice_.runs
