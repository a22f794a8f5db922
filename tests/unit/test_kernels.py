"""The compiled kernel for tiny matrices against the torch stepper."""

import numpy as np
import pytest

from greedyrank.descent import Descent
from greedyrank.kernels.tiny_matrices import TinyDescent
from greedyrank.problems import completion
from greedyrank.sweeps import expand

STEPS = 300


@pytest.fixture
def steppers(plan):
    """Make both steppers on the same four runs."""

    def make(size, depth, **settings):
        cases = [{"learning_rate": 0.01, "product_std": 0.3}, {"learning_rate": 0.004, "product_std": 1.0}]
        axes = {"seed": [0, 1], "data_seed": [3]}
        drawn = {"shape": [size, size], "observations": size * size - 1, "depth": depth, "loss": "half_sum"}
        small = plan("deep_matrix", "gd", cases=cases, axes=axes, **{**drawn, **settings})
        runs = expand(small)
        data = [completion.generate(run) for run in runs]
        return TinyDescent(runs, data), Descent(small, runs, data, "cpu")

    return make


def assert_alike(tiny, general, rtol):
    np.testing.assert_allclose(tiny.losses(), general.losses(), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(tiny.flow_time(), general.flow_time(), rtol=1e-12)
    ours, oracle = tiny.observables()["end_to_end"], general.observables()["end_to_end"]
    assert ours.dtype == oracle.dtype
    np.testing.assert_allclose(ours, oracle, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [2, 3])
def test_float64(steppers, size, depth):
    tiny, general = steppers(size, depth)
    first = tiny.losses()
    assert_alike(tiny, general, 1e-10)
    for steps in (1, STEPS - 1):
        tiny.advance(steps)
        general.advance(steps)
        assert_alike(tiny, general, 1e-10)
    assert (tiny.losses() < 0.9 * first).all()  # or there is nothing to compare
    tiny.scale(np.array([1.0, 0.0, 0.1, 0.0]))
    general.scale(np.array([1.0, 0.0, 0.1, 0.0]))
    held = tiny.observables()["end_to_end"].copy()
    tiny.advance(50)
    general.advance(50)
    assert_alike(tiny, general, 1e-10)
    moved = tiny.observables()["end_to_end"]
    np.testing.assert_array_equal(moved[1::2], held[1::2])
    assert (moved[::2] != held[::2]).any(axis=(1, 2)).all()


def test_float32(steppers):
    tiny, general = steppers(2, 3, dtype="float32")
    tiny.advance(STEPS)
    general.advance(STEPS)
    # The order of the sums differs: each step may differ by some 6e-8, and growth from a small init
    # multiplies early differences.
    assert_alike(tiny, general, 2e-4)


def test_mean_loss_and_entries_by_hand(steppers):
    observed = [[0, 1, 1.0], [1, 0, 1.0], [1, 1, 0.0]]
    tiny, general = steppers(2, 2, observed=observed, loss="mean")
    tiny.advance(STEPS)
    general.advance(STEPS)
    assert_alike(tiny, general, 1e-10)
    w = tiny.observables()["end_to_end"][0]
    assert tiny.losses()[0] == pytest.approx(((w[0, 1] - 1) ** 2 + (w[1, 0] - 1) ** 2 + w[1, 1] ** 2) / 3, rel=1e-12)


def test_restored_goes_on_bit_for_bit(steppers):
    tiny, _ = steppers(2, 3)
    tiny.advance(17)
    later, _ = steppers(2, 3)
    later.restore(tiny.state())
    tiny.advance(17)
    later.advance(17)
    np.testing.assert_array_equal(later.observables()["end_to_end"], tiny.observables()["end_to_end"])
    np.testing.assert_array_equal(later.flow_time(), tiny.flow_time())


def test_records_do_not_change_later(steppers):
    for stepper in steppers(2, 1):
        kept = stepper.observables()["end_to_end"]
        copy = kept.copy()
        stepper.advance(3)
        np.testing.assert_array_equal(kept, copy)
