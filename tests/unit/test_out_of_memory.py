"""A group that does not fit into a GPU's memory trains in halves; the GPU here is one that refuses."""

import logging
import weakref
from typing import NamedTuple

import numpy as np
import pytest
import torch

from greedyrank.problems import completion
from greedyrank.training import job

MESSAGE = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 14.75 GiB of which 12.61 GiB is"
    " free. Including non-PyTorch memory, this process has 2.13 GiB memory in use."
)


@pytest.fixture
def small(make_slice):
    """A group of six runs that stop at different steps."""
    rule = {"stop": {"loss": 5e-3, "checks": 1, "every": 5, "max_steps": 400}, "record": {"every": 7}}
    return make_slice(
        "cp", "group_rmsprop", axes={"seed": [0, 1, 2]}, learning_rate=0.02,
        cases=[{"data_seed": [0]}, {"data_seed": [1], "factor_std": 0.1}],
        growth={"every": 20, "offsets": [0, 1]}, finish={"steps": 11, "factor": 0.1}, **rule,
    )  # fmt: skip


class Found(NamedTuple):
    """What trained: the sizes of the groups, and how many earlier ones were still there when each began."""

    sizes: list[int]
    alive: list[int]


@pytest.fixture
def memory(monkeypatch):
    """Let no more than so many runs train at once: ``memory(runs, steps)``; more fail after so many steps."""
    make = job.make_stepper

    def limit(runs, steps):
        made, found = [], Found([], [])

        def limited(slice_, *rest):
            size = len(slice_.runs)
            found.alive.append(sum(stepper() is not None for stepper in made))
            if size > runs and steps == 0:
                raise torch.OutOfMemoryError(MESSAGE)
            stepper = make(slice_, *rest)
            advance, left = stepper.advance, [steps]

            def advance_within(count):
                left[0] -= count
                if size > runs and left[0] < 0:
                    raise torch.OutOfMemoryError(MESSAGE)
                advance(count)

            stepper.advance = advance_within
            made.append(weakref.ref(stepper))
            found.sizes.append(size)
            return stepper

        monkeypatch.setattr(job, "make_stepper", limited)
        return found

    return limit


def train(small, **kwargs):
    return job.train(small, completion.generate, "cpu", **kwargs)


def assert_as_one_group(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_allclose(found[name], array, rtol=1e-10, atol=1e-13, err_msg=name)  # of equal shapes


@pytest.mark.parametrize("steps", [0, 12, 60])
@pytest.mark.parametrize(("runs", "sizes"), [(5, [3, 3]), (3, [3, 3]), (2, [1, 2, 1, 2]), (1, [1] * 6)])
def test_halves_are_the_group(small, memory, caplog, steps, runs, sizes):
    expected = train(small)
    assert len(set(expected["stop_step"])) > 3
    card = memory(runs, steps)
    assert_as_one_group(train(small), expected)
    assert [size for size in card.sizes if size <= runs] == sizes
    assert set(card.alive) == {0}
    assert "out of memory on the GPU: 6 runs train as 3 and then 3" in caplog.text


def test_a_group_that_fits_is_not_split(small, memory, caplog):
    card = memory(6, 0)
    train(small)
    assert card.sizes == [6]
    assert "memory" not in caplog.text


@pytest.mark.parametrize("half", ["first", "second"])
def test_an_interrupted_half_goes_on(small, memory, tmp_path, caplog, half):
    caplog.set_level(logging.INFO)
    expected = train(small)
    memory(3, 0)
    checkpoint = tmp_path / "0123.npz"
    limited, halves = job.make_stepper, iter(["first", "second"])

    def interrupted(*args):
        stepper = limited(*args)
        if next(halves) == half:
            advance, left = stepper.advance, [15]

            def advance_a_while(count):
                left[0] -= 1
                if not left[0]:
                    raise KeyboardInterrupt
                advance(count)

            stepper.advance = advance_a_while
        return stepper

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "make_stepper", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(small, checkpoint=checkpoint, checkpoint_seconds=0)
    assert (tmp_path / f"0123.{half}.npz").exists()
    assert_as_one_group(train(small, checkpoint=checkpoint, checkpoint_seconds=0), expected)
    assert caplog.text.count("goes on from its checkpoint") == {"first": 1, "second": 2}[half]
    (tmp_path / "01234.npz").touch()
    job.remove_checkpoints(checkpoint)
    assert [path.name for path in tmp_path.iterdir()] == ["01234.npz"]


def test_a_run_that_does_not_fit_is_an_error(small, memory):
    memory(0, 0)
    with pytest.raises(job.DoesNotFit) as error:
        train(small)
    for text in ("one run alone", "20.00 GiB", "12.61 GiB is free", "`device: cpu`", "cp"):
        assert text in str(error.value)
    assert "this process" not in str(error.value)


def test_other_errors_are_not_caught(small, monkeypatch):
    def fails(*_):
        raise RuntimeError("something else")

    monkeypatch.setattr(job, "make_stepper", fails)
    with pytest.raises(RuntimeError, match="something else"):
        train(small)
