"""The compiled stepper for deep matrices against the torch stepper."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from greedyrank.factorizations.deep_matrix import Model
from greedyrank.problems import completion
from greedyrank.training.stepper import TorchStepper

STEPS = 300


@pytest.fixture
def steppers(make_slice):
    """Make both steppers on the same four runs."""

    def make(shape, depth, optimizer="gd", **settings):
        cases = [{"learning_rate": 0.01, "product_std": 0.3}, {"learning_rate": 0.004, "product_std": 1.0}]
        axes = {"seed": [0, 1], "data_seed": [3]}
        drawn = {"shape": list(shape), "observations": shape[0] * shape[1] - 1, "depth": depth, "loss": "half_sum"}
        small = make_slice("deep_matrix", optimizer, cases=cases, axes=axes, **{**drawn, **settings})
        data = [completion.generate(run) for run in small.runs]
        return Model.compiled(small, data, "cpu"), TorchStepper(small, data, "cpu")

    return make


def assert_alike(fast, general, rtol):
    np.testing.assert_allclose(fast.losses(), general.losses(), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(fast.flow_time(), general.flow_time(), rtol=rtol)
    ours, oracle = fast.observables(), general.observables()
    assert set(ours) == set(oracle)
    for name in oracle:
        assert ours[name].dtype == oracle[name].dtype
        np.testing.assert_allclose(ours[name], oracle[name], rtol=rtol, atol=rtol)


# 12 rows are enough for BLAS.
SHAPES = [*itertools.product([(2, 2), (3, 3), (2, 5)], (1, 2, 3, 4)), ((12, 12), 3), ((12, 15), 3), ((12, 12), 1)]


@pytest.mark.parametrize("optimizer", ["gd", "group_rmsprop"])
@pytest.mark.parametrize(("shape", "depth"), SHAPES)
def test_float64(steppers, shape, depth, optimizer):
    fast, general = steppers(shape, depth, optimizer)
    first = fast.losses()
    assert_alike(fast, general, 1e-10)
    for steps in (1, STEPS - 1):
        fast.advance(steps)
        general.advance(steps)
        assert_alike(fast, general, 1e-10)
    assert (fast.losses() < 0.9 * first).all()  # or there is nothing to compare
    fast.set_rate_factors(np.array([1.0, 0.0, 0.1, 0.0]))
    general.set_rate_factors(np.array([1.0, 0.0, 0.1, 0.0]))
    held = fast.observables()["end_to_end"].copy()
    fast.advance(50)
    general.advance(50)
    assert_alike(fast, general, 1e-10)
    moved = fast.observables()["end_to_end"]
    np.testing.assert_array_equal(moved[1::2], held[1::2])
    assert (moved[::2] != held[::2]).any(axis=(1, 2)).all()


@pytest.mark.parametrize("optimizer", ["gd", "group_rmsprop"])
def test_float32(steppers, optimizer):
    fast, general = steppers((2, 2), 3, optimizer, dtype="float32")
    fast.advance(STEPS)
    general.advance(STEPS)
    # The order of the sums differs: each step may differ by some 6e-8, and growth from a small init
    # multiplies early differences.
    assert_alike(fast, general, 2e-4)


def test_mean_loss_and_entries_by_hand(steppers):
    observed = [[0, 1, 1.0], [1, 0, 1.0], [1, 1, 0.0]]
    fast, general = steppers((2, 2), 2, observed=observed, loss="mean")
    fast.advance(STEPS)
    general.advance(STEPS)
    assert_alike(fast, general, 1e-10)
    w = fast.observables()["end_to_end"][0]
    assert fast.losses()[0] == pytest.approx(((w[0, 1] - 1) ** 2 + (w[1, 0] - 1) ** 2 + w[1, 1] ** 2) / 3, rel=1e-12)


def test_entries_drawn_twice_count_twice(steppers):
    fast, general = steppers((3, 3), 2, replacement=True)
    fast.advance(STEPS)
    general.advance(STEPS)
    assert fast._counts.max() > 1
    assert_alike(fast, general, 1e-10)


def test_wide_enough(steppers):
    fast, _ = steppers((3, 2), 2)
    assert fast is None  # more rows than columns train with torch


@pytest.mark.parametrize("optimizer", ["gd", "group_rmsprop"])
def test_restored_goes_on_bit_for_bit(steppers, optimizer):
    fast, _ = steppers((2, 2), 3, optimizer)
    fast.advance(17)
    later, _ = steppers((2, 2), 3, optimizer)
    later.restore(fast.state())
    fast.advance(17)
    later.advance(17)
    np.testing.assert_array_equal(later.observables()["end_to_end"], fast.observables()["end_to_end"])
    np.testing.assert_array_equal(later.flow_time(), fast.flow_time())


def test_records_do_not_change_later(steppers):
    for stepper in steppers((2, 2), 1):
        kept = stepper.observables()["end_to_end"]
        copy = kept.copy()
        stepper.advance(3)
        np.testing.assert_array_equal(kept, copy)


COMPILE = """
import numpy as np
from greedyrank.kernels.deep_matrices import _compiled
advance = _compiled(3, 3, 2, False, "float64")
advance(*(np.zeros(shape) for shape in [(1, 3, 3), (1, 1, 3, 3), (1, 3, 3), (1, 3, 3), (1,)]), 1, np.zeros((1, 5)))
print(sum(advance.stats.cache_hits.values()))
"""


def compile_anew(code: str, folder: Path) -> str:
    """Run code in a process of its own that keeps what it compiles in a folder."""
    workflow = str(Path(__file__).resolve().parents[2] / "workflow")
    environment = {**os.environ, "PYTHONPATH": workflow, "NUMBA_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout.strip()


def test_a_later_process_finds_what_was_compiled(tmp_path):
    assert [compile_anew(COMPILE, tmp_path) for _ in range(2)] == ["0", "1"]


@pytest.mark.parametrize("damage", [lambda code: code[:-1], lambda code: b""])
def test_code_that_is_not_whole_is_compiled_again(tmp_path, damage):
    compile_anew(COMPILE, tmp_path)
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    file.write_bytes(damage(file.read_bytes()))
    assert [compile_anew(COMPILE, tmp_path) for _ in range(2)] == ["0", "1"]


def test_varieties_and_layouts_share_no_file(tmp_path):
    """Processes that add to one index of numba's cache at the same time can exchange its entries."""
    varied = [
        COMPILE,
        COMPILE.replace("False", "True"),
        COMPILE.replace('"float64"', '"float32"').replace("np.zeros(shape)", "np.zeros(shape, np.float32)"),
        COMPILE.replace("np.zeros(shape)", 'np.zeros(shape, order="F")'),
    ]
    kept = set()
    for code in varied:
        compile_anew(code, tmp_path)
        before, kept = kept, {path for path in tmp_path.rglob("*") if path.is_file()}
        assert len(kept - before) == 1
    assert len(kept) == len(varied)
