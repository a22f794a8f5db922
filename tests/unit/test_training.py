"""The loop: groups against single runs, the stopping rule, the schedule, checkpoints."""

import dataclasses
import logging
import math
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import synthetic
from greedyrank.config import sweeps
from greedyrank.data import images
from greedyrank.factorizations import binary_cp, deep_matrix
from greedyrank.plugins import plugin
from greedyrank.problems import completion
from greedyrank.training import job as training_job
from greedyrank.training.loop import Diverged, Training
from greedyrank.training.stepper import TorchStepper

MATRIX = {
    "shape": [12, 12],
    "observations": 72,
    "target_norm": 12.0,
    "depth": 3,
    "product_std": 0.05,
    "learning_rate": 0.1,
    "stop": {"loss": 1e-2, "checks": 2, "every": 5, "max_steps": 600},
    "record": {"every": 20},
}
CP = {
    "shape": [4, 3, 5],
    "observations": 30,
    "components": 8,
    "factor_std": 0.2,
    "stop": {"loss": 1e-3, "checks": 2, "every": 5, "max_steps": 600},
    "record": {"every": 20},
}
SOON = {
    "learning_rate": 0.02,
    "stop": {"loss": 1e-2, "checks": 2, "every": 5, "max_steps": 600},
    "record": {"every": 20},
}
TREE = {"target_rank": None, "target_widths": [2, 2], "target_root_spectrum": [2.0, 1.0]}
RANK_ONE = {"problem": "sensing", "ensemble": "rank_one", "sensing_std": None, "measurements": 12}
TENSORS = {
    "cp": ("cp", "group_rmsprop", CP),
    "deep cp": ("deep_cp", "group_rmsprop", {"shape": [4, 3, 4], "observations": 24, "balanced": True, **SOON}),
    "tucker": ("tucker", "group_rmsprop", {"shape": [4, 3, 4], "observations": 24, **SOON}),
    "core alone": ("tucker", "adam", {"depth": 0, **SOON}),
    "hierarchical": ("hierarchical", "group_rmsprop", {"observations": 12, "factor_std": 0.8, **TREE, **SOON}),
    "rank-one sensing": ("deep_cp", "group_rmsprop", {**RANK_ONE, "loss": "huber", "huber_threshold": 0.2, **SOON}),
}
FOUR = {"seed": [0, 1], "data_seed": [0, 1]}


class Scripted:
    """A stepper whose losses are written down: one curve a run, along its own steps."""

    loss_at_start = True
    steps_per_epoch = 1

    def __init__(self, curves):
        length = max(map(len, curves))
        self.curves = np.array([[*curve, *curve[-1:] * (length - len(curve))] for curve in curves], dtype=float)
        self.at, self.time = np.zeros(len(curves), dtype=int), np.zeros(len(curves))
        self.set_rate_factors(np.ones(len(curves)))

    def set_rate_factors(self, factors):
        self.factors = np.asarray(factors, dtype=float)

    def advance(self, steps):
        self.at += steps * (self.factors > 0)
        self.time += steps * self.factors

    def flow_time(self):
        return self.time.copy()

    def losses(self):
        return self.curves[np.arange(len(self.curves)), self.at]

    def observables(self, growth=False):
        return {"moving": self.factors.copy()}


@pytest.fixture(scope="session")
def scripted(make_slice):
    """Run the loop on written losses; the settings of training are given."""

    def run(curves, **settings):
        small = make_slice("deep_matrix", "gd", axes={"seed": list(range(len(curves)))}, **settings)
        return Training(small, Scripted(curves)).run()

    return run


def steps_of(result, run=0, name="step"):
    """Return the steps at which a run was recorded, without padding."""
    return [int(step) for step in result[name][run].ravel() if step >= 0]


# -- groups -----------------------------------------------------------------------------------------


@pytest.fixture
def without_kernels(monkeypatch):
    """Let torch train everything, as on a GPU or where numba cannot be imported."""
    for factorization in (deep_matrix, binary_cp):
        monkeypatch.setattr(factorization.Model, "compiled", lambda *_: None)


@pytest.mark.parametrize("group", ["deep_matrix", *TENSORS])
def test_a_group_is_its_runs_alone(make_slice, train, without_kernels, group):
    factorization, optimizer, settings = {"deep_matrix": ("deep_matrix", "gd", MATRIX), **TENSORS}[group]
    whole = make_slice(factorization, optimizer, axes=FOUR, **settings)
    together = train(whole)
    assert len(set(together["stop_step"])) > 2  # some are held while others go on
    assert max(together["stop_step"]) < settings["stop"]["max_steps"]
    for index, run in enumerate(whole.runs):
        alone = train(sweeps.narrow(whole, {name: run[name] for name in FOUR}))
        assert alone["stop_step"] == together["stop_step"][index]
        records = alone["step"].shape[1]
        assert (together["step"][index, records:] == -1).all()
        for name in set(alone) - {"stop_step"}:
            np.testing.assert_allclose(together[name][index, :records], alone[name][0], rtol=1e-10, atol=1e-10)


def stepper_of(small, device="cpu"):
    return training_job.make_stepper(small, [completion.generate(run) for run in small.runs], device)


def test_steps_of_matrices_are_compiled_and_the_rest_is_torch(make_slice):
    for optimizer in ("gd", "group_rmsprop"):
        assert type(stepper_of(make_slice("deep_matrix", optimizer))).__module__.startswith("greedyrank.kernels")
    tensors = (("cp", "gd"), ("deep_cp", "gd"), ("tucker", "adam"), ("hierarchical", "group_rmsprop"))
    for factorization, optimizer in (("deep_matrix", "adam"), ("psd", "gd"), *tensors):
        assert isinstance(stepper_of(make_slice(factorization, optimizer)), TorchStepper)


def test_without_numba_torch_trains_and_says_so(make_slice, monkeypatch, caplog):
    for name in ["numba", *(name for name in sys.modules if name.startswith("numba."))]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in [name for name in sys.modules if name.startswith("greedyrank.kernels.")]:
        monkeypatch.delitem(sys.modules, name)
    assert isinstance(stepper_of(make_slice("deep_matrix", "gd")), TorchStepper)
    assert "numba" in caplog.text


# -- the stopping rule ------------------------------------------------------------------------------


def published_stop(curve, level, checks, every, cap):
    """Return where the published rule stops: below the level at more checks in a row than ``checks``."""
    streak = 0
    for step in range(0, cap + 1, every):
        streak = streak + 1 if curve[step] < level else 0
        if streak > checks:
            return step
    return cap


@given(
    below=st.lists(st.lists(st.booleans(), min_size=41, max_size=41), min_size=1, max_size=3),
    checks=st.integers(0, 4),
    every=st.integers(1, 4),
    spacing=st.integers(1, 7),
)
def test_stopping_rule(scripted, below, checks, every, spacing):
    curves = [[0.5 if low else 2.0 for low in run] for run in below]
    result = scripted(
        curves, stop={"loss": 1.0, "checks": checks, "every": every, "max_steps": 40}, record={"every": spacing}
    )
    expected = [published_stop(curve, 1.0, checks, every, 40) for curve in curves]
    assert result["stop_step"].tolist() == expected
    for run, stop in enumerate(expected):
        assert steps_of(result, run) == sorted({*range(0, stop + 1, spacing), stop})


def test_stopping_rule_on_a_recorded_curve(make_slice, train):
    free = train(make_slice("deep_matrix", "gd", **{**MATRIX, "stop": {"max_steps": 400}, "record": {"every": 1}}))
    curve = free["loss"][0]
    assert free["stop_step"] == 400
    for level, checks, every in ((0.3, 0, 1), (0.1, 3, 7), (0.1, 10, 5), (1e-9, 0, 1)):
        stop = {"loss": level, "checks": checks, "every": every, "max_steps": 400}
        result = train(make_slice("deep_matrix", "gd", **{**MATRIX, "stop": stop}))
        assert result["stop_step"] == published_stop(curve, level, checks, every, 400)
        assert result["loss"][0][steps_of(result).index(result["stop_step"][0])] == curve[result["stop_step"][0]]


def test_loss_at_the_level_does_not_stop(scripted):
    assert scripted([[1.0] * 21], stop={"loss": 1.0, "max_steps": 20})["stop_step"] == 20


def test_finish_goes_on_with_smaller_steps(scripted):
    curves = [[2.0] * 10 + [0.5] * 60, [2.0] * 23 + [0.5] * 60, [2.0] * 83]
    result = scripted(
        curves,
        stop={"loss": 1.0, "max_steps": 40},
        finish={"steps": 12, "factor": 0.25},
        record={"every": 5},
    )
    assert result["stop_step"].tolist() == [10, 23, 40]
    for run, stop in enumerate((10, 23, 40)):
        steps = sorted({*range(0, stop + 13, 5), stop, stop + 12})
        assert steps_of(result, run) == steps
        times = result["flow_time"][run][: len(steps)]
        np.testing.assert_allclose(times, [min(k, stop) + 0.25 * max(k - stop, 0) for k in steps])


def test_finish_of_a_real_run(make_slice, train):
    stop, finish = {"loss": 0.1, "max_steps": 400}, {"steps": 30, "factor": 0.1}
    result = train(
        make_slice("deep_matrix", "gd", **{**MATRIX, "stop": stop, "finish": finish, "record": {"every": 1}})
    )
    (at,) = result["stop_step"]
    assert at < 400
    assert steps_of(result) == list(range(at + 31))
    np.testing.assert_allclose(np.diff(result["flow_time"][0]), [0.1] * at + [0.01] * 30, rtol=1e-10)


# -- records ----------------------------------------------------------------------------------------


def test_records_every_k_and_the_end(make_slice, train):
    for factorization, optimizer in (("deep_matrix", "gd"), ("cp", "group_rmsprop")):
        result = train(make_slice(factorization, optimizer, stop={"max_steps": 23}, record={"every": 5}))
        assert steps_of(result) == [0, 5, 10, 15, 20, 23]
        assert result["stop_step"] == 23


def test_loss_per_decade(scripted):
    curve = [10 ** (-k / 40) * (1.5 if k % 7 == 0 else 1.0) for k in range(161)]
    result = scripted([curve], stop={"max_steps": 157}, record={"every": 2, "loss_per_decade": 4})
    expected, lowest = [], -math.inf
    for step in range(0, 158, 2):
        level = math.floor(-math.log10(curve[step]) * 4)
        if level > lowest:
            expected.append(step)
        lowest = max(level, lowest)
    assert len(expected) == 17  # four a decade, over four decades
    assert steps_of(result) == [*expected, 157]
    np.testing.assert_array_equal(result["loss"][0], [curve[step] for step in steps_of(result)])


def test_loss_per_decade_of_a_loss_that_reaches_zero(scripted):
    result = scripted(
        [[1.0, 0.1, 0.0, 0.0, 0.1, 0.0]], stop={"max_steps": 5}, record={"every": 1, "loss_per_decade": 1}
    )
    assert steps_of(result) == [0, 1, 2, 5]


def test_growth_stencils(make_slice, train):
    small = make_slice(
        "cp", "group_rmsprop", stop={"max_steps": 30}, record={"every": 7}, growth={"every": 10, "offsets": [0, 2, 5]}
    )
    result = train(small)
    assert result["growth_step"][0].tolist() == [[0, 2, 5], [10, 12, 15], [20, 22, 25]]
    assert result["growth_component_norm"].shape == (1, 3, 3, 5)
    each = {**small.fixed, "growth": None, "record": {**small.fixed["record"], "every": 1}}
    every = train(dataclasses.replace(small, fixed=each))
    for name in ("component_norm", "flow_time", "loss"):
        np.testing.assert_array_equal(result[f"growth_{name}"][0], every[name][0][result["growth_step"][0]])


@pytest.mark.parametrize("stop", [20, 21, 25, 29])
def test_growth_stencils_are_whole_or_absent(scripted, stop):
    curves = [[2.0] * stop + [0.5] * 60, [2.0] * 110]
    growth = {"every": 10, "offsets": [0, 1, 5]}
    result = scripted(curves, stop={"loss": 1.0, "max_steps": 48}, growth=growth)
    assert result["stop_step"].tolist() == [stop, 48]
    last = {20: 10, 21: 10, 25: 20, 29: 20}[stop]
    for run, end in ((0, last), (1, 40)):
        found = [row.tolist() for row in result["growth_step"][run] if (row >= 0).any()]
        assert found == [[base, base + 1, base + 5] for base in range(0, end + 1, 10)]


# -- errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernels", ["with", "without"])
@pytest.mark.parametrize("settings", [{}, MATRIX], ids=["small", "large"])
def test_diverged_names_the_run(request, make_slice, train, settings, kernels):
    if kernels == "without":
        request.getfixturevalue("without_kernels")
    cases = [{"learning_rate": 0.01, "seed": 3}, {"learning_rate": 1e6, "seed": 4}]
    with pytest.raises(Diverged) as error:
        train(
            make_slice("deep_matrix", "gd", cases=cases, **{**settings, "product_std": 1.0, "stop": {"max_steps": 200}})
        )
    assert "1 of 2 runs" in str(error.value)
    assert "seed 4, learning_rate 1000000.0" in str(error.value)
    assert "lower `learning_rate`" in str(error.value)


@pytest.mark.parametrize("job", ["images in torch", "autoencoder"], indirect=True)
def test_the_last_step_of_the_last_epoch_is_looked_at(job):
    """The losses of minibatches are taken before their steps."""
    loop = job()
    advance, last = loop.stepper.advance, loop.schedule.max_steps

    def spoil(steps):
        advance(steps)
        if loop.state.step + steps == last:
            parameter = loop.stepper.model.parameters[-1]
            owner = loop.stepper.model.spread(torch.arange(len(loop.runs)))[-1].expand_as(parameter)
            parameter.view(-1)[(owner == len(loop.runs) - 1).reshape(-1).nonzero()[-1]] = torch.inf

    loop.stepper.advance = spoil
    with pytest.raises(Diverged, match=f"at step {last} in 1 of {len(loop.runs)} runs"):
        loop.run()


# -- checkpoints ------------------------------------------------------------------------------------


class Interrupted(Exception):
    """What stops training from outside."""


FINISH = {"finish": {"steps": 17, "factor": 0.1}}
JOBS = {
    "compiled": (
        "deep_matrix",
        "gd",
        {
            "stop": {"loss": 5e-2, "checks": 3, "every": 6, "max_steps": 200},
            "record": {"every": 2, "loss_per_decade": 8},
            "growth": {"every": 50, "offsets": [0, 3]},
            **FINISH,
        },
    ),
    "torch": ("deep_matrix", "gd", {**MATRIX, "growth": {"every": 20, "offsets": [0, 1]}, **FINISH}),
    "cp": (
        "cp",
        "group_rmsprop",
        {**CP, "stop": {**CP["stop"], "every": 40}, "growth": {"every": 50, "offsets": [0, 1]}, **FINISH},
    ),
    **{
        name: (*TENSORS[name][:2], {**TENSORS[name][2], "growth": {"every": 50, "offsets": [0, 1]}, **FINISH})
        for name in ("deep cp", "tucker", "core alone", "hierarchical", "rank-one sensing")
    },
    "images": ("binary_cp", "adam", {"stop": {"max_epochs": 7}}),
    "images in torch": ("binary_cp", "adam", {"stop": {"max_epochs": 7}}),
    # One run: checkpoints of two million weights take their time.
    "autoencoder": ("autoencoder", "adam", {"stop": {"max_epochs": 6}, "batch_size": 20, "axes": {"seed": [1]}}),
}


IMAGES = ("binary_cp", "autoencoder")  # whose problems read files


@pytest.fixture(params=JOBS)
def job(request, make_slice, monkeypatch):
    """Make the loop of one job, anew at each call."""
    if request.param in ("torch", "images in torch"):
        request.getfixturevalue("without_kernels")
    factorization, optimizer, settings = JOBS[request.param]
    small = make_slice(factorization, optimizer, **{"axes": {"seed": [0, 1, 2]}, **settings})
    pictures = synthetic.pictures(train=40, test=20)
    monkeypatch.setattr(images, "load", lambda data_dir, dataset: pictures)

    def generate(run):
        problem = plugin("problems", small.problem)
        return problem.generate(run, "nowhere") if factorization in IMAGES else problem.generate(run)

    data = [generate(run) for run in small.runs]
    return lambda: Training(small, training_job.make_stepper(small, data, "cpu"))


def fail_in(loop, calls):
    """Let a loop's stepper fail in so many calls."""
    advance, left = loop.stepper.advance, [calls]

    def failing(steps):
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted
        advance(steps)

    loop.stepper.advance = failing


def interrupt(loop, calls, path):
    """Run a loop with a checkpoint at every event, and stop it in so many calls of the stepper."""
    fail_in(loop, calls)
    with pytest.raises(Interrupted):
        loop.run(path, checkpoint_seconds=0)


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes(), name


def test_resumed_is_uninterrupted(job, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    path = tmp_path / "kept" / "checkpoint.npz"
    whole = job()
    advance, calls = whole.stepper.advance, []
    whole.stepper.advance = lambda steps: (calls.append(steps), advance(steps))
    expected = whole.run()
    interrupt(job(), len(calls) // 2, path)
    assert path.exists()
    interrupt(job(), len(calls) // 3, path)
    assert_same(job().run(path, checkpoint_seconds=0), expected)
    assert caplog.text.count("goes on from its checkpoint at step") == 2


@pytest.mark.parametrize("damage", ["truncated", "empty", "without checksum", "another program's"])
def test_a_damaged_checkpoint_is_ignored(make_slice, tmp_path, caplog, damage):
    small = make_slice("cp", "group_rmsprop", axes={"seed": [0, 1]})

    def loop():
        return Training(small, stepper_of(small))

    path = tmp_path / "checkpoint.npz"
    interrupt(loop(), 3, path)
    if damage == "without checksum":
        path.with_name(path.name + ".sha256").unlink()
    else:
        content = path.read_bytes()
        path.write_bytes(
            {"truncated": content[: len(content) // 2], "empty": b"", "another program's": b"PK" * 99}[damage]
        )
    assert_same(loop().run(path, checkpoint_seconds=1e9), loop().run())
    assert f"{path} is damaged" in caplog.text
    assert "goes on" not in caplog.text
    assert {file.name for file in tmp_path.iterdir()} == {"checkpoint.damaged"}
    (tmp_path / ".123.checkpoint.first.npz").touch()  # of a process that was killed
    training_job.remove_checkpoints(path)
    assert not list(tmp_path.iterdir())


def test_training_goes_on_where_no_checkpoint_can_be_written(make_slice, tmp_path, caplog):
    small = make_slice("cp", "group_rmsprop", axes={"seed": [0, 1]})
    file = tmp_path / "a file, no folder"
    file.touch()
    arguments = small, completion.generate, "cpu"
    found = training_job.train(*arguments, checkpoint=file / "checkpoint.npz", checkpoint_seconds=0)
    assert_same(found, training_job.train(*arguments))
    assert "training goes on without a checkpoint of step 5" in caplog.text


# -- several groups in one job ---------------------------------------------------------------------

SEVERAL = {
    "compiled": ("deep_matrix", "gd", {"axes": {"seed": [0, 1], "depth": [3, 2, 4]}}),
    "torch": ("deep_cp", "group_rmsprop", {"axes": {"components": [4, 2], "seed": [0, 1]}}),
    "stops": (
        "cp",
        "gd",
        {"axes": {"seed": [0, 1]}, "cases": [{"stop": {"max_steps": 30}}, {"stop": {"max_steps": 11}}]},
    ),
}


@pytest.fixture(params=SEVERAL)
def several(request, make_slice):
    factorization, optimizer, settings = SEVERAL[request.param]
    return make_slice(factorization, optimizer, **settings)


def test_a_job_of_several_groups_is_each_of_them(several, train):
    found, runs = train(several), several.runs
    assert len(several.groups()) > 1
    (name,) = several.apart
    for index, run in enumerate(runs):
        group = [i for i, other in enumerate(runs) if other[name] == run[name]]
        alone = train(several.containing([runs[i] for i in group]))
        for key, column in alone.items():
            own = column[group.index(index)]
            inside = found[key][index][tuple(slice(size) for size in own.shape)]
            np.testing.assert_array_equal(inside, own, err_msg=key)
            # What lies beyond is padding.
            padding = np.isnan(found[key][index]) if own.dtype.kind == "f" else found[key][index] == -1
            assert padding.sum() == found[key][index].size - own.size + (
                np.isnan(own).sum() if own.dtype.kind == "f" else (own == -1).sum()
            )


def test_an_interrupted_job_goes_on_with_its_group(several, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    path = tmp_path / "checkpoint.npz"
    generate, last = completion.generate, several.groups()[-1]
    expected = training_job.train(several, generate, "cpu")
    run_whole = Training.run

    def run(loop, *args, **kwargs):
        if len(loop.runs) == len(last) and loop.runs[0] == several.runs[last[0]]:
            fail_in(loop, 3)
        return run_whole(loop, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Training, "run", run)
        with pytest.raises(Interrupted):
            training_job.train(several, generate, "cpu", path, checkpoint_seconds=0)
    assert_same(training_job.train(several, generate, "cpu", path, checkpoint_seconds=0), expected)
    assert "goes on from its checkpoint" in caplog.text
    training_job.remove_checkpoints(path)
    assert not list(tmp_path.iterdir())
