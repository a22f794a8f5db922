"""Captured steps, on a CPU: `recorded_graph` does to a step what a CUDA graph does."""

import numpy as np
import pytest
import torch

from combinations import FULL_BATCH, stepper
from greedyrank.kernels import khatri_rao
from greedyrank.training import cuda_graph
from greedyrank.training.loop import Training
from recorded_graph import RecordedGraph, Waits


@pytest.fixture(autouse=True)
def in_torch(monkeypatch):
    """Every operation as on a GPU: compiled loops cannot be recorded."""
    monkeypatch.setattr(khatri_rao, "_fastest_split", lambda like: khatri_rao._split)


EVERYTHING = {"record": {"every": 5, "end_to_end": True}}


def captured(small):
    """Return the stepper of a slice as a GPU has it."""
    moving = stepper(small, "cpu")
    moving._graph = cuda_graph.StepGraph(RecordedGraph(moving._take_step))
    return moving


def look(moving):
    """Return all that a record may take."""
    growth = {f"growth_{name}": value for name, value in moving.observables(growth=True).items()}
    return {"loss": moving.losses(), "time": moving.flow_time(), **moving.observables(), **growth}


def assert_alike(graphed, eager):
    for found, expected in (
        (graphed.state(), eager.state()),
        (look(graphed), look(eager)),
        (graphed.state(), eager.state()),
    ):
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.fixture(params=FULL_BATCH, ids=lambda case: "-".join([*case[:2], *map(str, case[2])]))
def small(request, make_slice):
    factorization, optimizer, settings = request.param
    return make_slice(factorization, optimizer, axes={"seed": [0, 1, 2]}, **EVERYTHING, **settings)


def test_replayed_steps_are_steps(small):
    graphed, eager = captured(small), stepper(small, "cpu")
    # Some steps are followed by a record, some by none.
    for steps, factors, recorded in (
        (1, [1.0, 1.0, 1.0], True),
        (0, [1.0, 1.0, 1.0], True),
        (4, [1.0, 0.0, 0.1], False),
        (9, [0.1, 1.0, 0.0], True),
        (1, [0.1, 1.0, 0.0], False),
        (30, [1.0, 1.0, 1.0], True),
    ):
        for moving in (graphed, eager):
            moving.set_rate_factors(np.array(factors))
            moving.advance(steps)
        if recorded:
            assert_alike(graphed, eager)
    assert graphed._graph.captured


def test_everything_is_on_the_device_and_no_value_is_read(small):
    # Tensors of the device `meta` have no values: whoever asks for one, or mixes them with a CPU's, is told.
    moving = stepper(small, "meta")
    for factors in ([1.0, 1.0, 1.0], [0.0, 1.0, 0.1]):
        moving.set_rate_factors(np.array(factors))
        moving.advance(2)
    with torch.no_grad():
        gradients = moving._evaluate()
        recorded = [moving.problem.losses(), *moving.model.observables(True, gradients).values()]
    tensors = [*moving.model.parameters, *moving.optimizer.state.values(), *gradients, *recorded]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


@pytest.mark.parametrize("factorization", ["binary_cp", "autoencoder"])
def test_minibatches_are_on_the_device_and_no_value_is_read(make_slice, factorization):
    moving = stepper(make_slice(factorization, "adam", axes={"seed": [0, 1]}), "meta")
    moving.set_rate_factors(np.array([1.0, 0.0]))
    moving.advance(2 * moving.steps_per_epoch)
    tensors = [*moving.model.parameters, *moving.optimizer.state.values(), moving.problem.losses()]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_a_checkpoint_goes_on_before_and_after_the_capture(small):
    eager, source = stepper(small, "cpu"), captured(small)
    for moving in (eager, source):
        moving.advance(12)
    state = source.state()
    used, fresh = captured(small), captured(small)
    used.advance(25)
    for moving in (used, fresh):
        moving.restore(state)
    for moving in (eager, used, fresh):
        moving.advance(20)
    for moving in (used, fresh):
        assert_alike(moving, eager)


def test_a_whole_training_is_the_same(make_slice):
    rule = {"stop": {"loss": 5e-3, "checks": 1, "every": 5, "max_steps": 400}, "record": {"every": 7}}
    small = make_slice(
        "cp", "group_rmsprop", axes={"seed": [0, 1]}, learning_rate=0.02,
        growth={"every": 20, "offsets": [0, 1]}, finish={"steps": 11, "factor": 0.1}, **rule,
    )  # fmt: skip
    results = []
    for make in (stepper, lambda *_: captured(small)):
        results.append(Training(small, make(small, "cpu")).run())
    eager, graphed = results
    assert 5 < min(eager["stop_step"]) < max(eager["stop_step"]) < 400
    assert eager.keys() == graphed.keys()
    for name, array in eager.items():
        np.testing.assert_array_equal(graphed[name], array, err_msg=name)


# -- that the recorder would tell -------------------------------------------------------------------


def test_capturing_runs_nothing():
    values = torch.arange(4.0)
    graph = RecordedGraph(lambda: values.mul_(2).add_(values.sum()))
    graph.capture()
    assert values.tolist() == [0, 1, 2, 3]
    graph.replay()
    assert values.tolist() == [12, 14, 16, 18]


@pytest.mark.parametrize("fault", ["a number of Python's", "a tensor that is replaced"])
def test_a_step_that_forgets_is_told(make_slice, fault):
    small = make_slice("deep_matrix", "gd", axes={"seed": [0, 1]})
    graphed, eager = captured(small), stepper(small, "cpu")
    for moving in (graphed, eager):
        optimizer, step = moving.optimizer, moving.optimizer.step
        if fault == "a number of Python's":
            count = iter(range(100))
            optimizer.step = lambda parameters, gradients, step=step, count=count: step(
                parameters, [gradient / (1 + next(count)) for gradient in gradients]
            )
        else:
            optimizer.set_rate_factors = lambda factors, o=optimizer: setattr(
                o, "_minus", [factors[0] * m for m in o._minus]
            )
        moving.advance(6)
        moving.set_rate_factors(np.array([0.5, 0.5]))
        moving.advance(4)
    with pytest.raises(AssertionError):
        assert_alike(graphed, eager)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.sum().item(),
        lambda x: bool(x.any()),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: x.cpu(),
        lambda x: x.numpy(),
        lambda x: x + torch.as_tensor(np.ones(3)),
        lambda x: x.__setitem__(x > 0, 1.0),
    ],
)
def test_what_waits_cannot_be_captured(call):
    with pytest.raises(Waits):
        RecordedGraph(lambda: call(torch.ones(3))).capture()
