"""Completion with a deficit: its data, its steps against plain autograd, and what its settings refuse."""

import functools

import numpy as np
import pytest
import torch

import greedyrank as gr
from greedyrank.config.settings.problems import SwitchedCompletion
from greedyrank.config.sweep_loader import load_sweep
from greedyrank.config.yaml_input import ConfigError
from greedyrank.factorizations import cp, deep_matrix
from greedyrank.problems import completion, switched_completion
from greedyrank.training import job, variants
from greedyrank.training.loop import Training
from greedyrank.training.switched import SwitchedStepper

OWN_TARGET = {"deficit_rank": 1, "deficit_observations": None}
DEFICITS = {
    "early": OWN_TARGET,
    "late": {**OWN_TARGET, "deficit_start": 6},
    "fewer entries": {},
    "both": {"deficit_start": 1, "deficit_rank": 2, "deficit_observations": 5},
}
MODELS = {
    "compiled": ("deep_matrix", {"shape": [4, 5]}, deep_matrix),
    "torch": ("deep_matrix", {"shape": [5, 4], "depth": 3}, deep_matrix),
    "cp": ("cp", {}, cp),
}


@pytest.fixture
def small(make_slice):
    """Return a small slice: ``small(factorization, **settings)``."""
    return functools.partial(make_slice, optimizer="gd", problem="switched_completion", axes={"data_seed": [0, 1]})


def data_of(slice_):
    return [switched_completion.generate(run) for run in slice_.runs]


# -- data -------------------------------------------------------------------------------------------


def test_the_deficit_task_has_a_target_of_its_own_at_the_same_entries(run_settings):
    settings = {"shape": [8, 6], "observations": 48, "target_rank": 3, **OWN_TARGET, "deficit_rank": 2}
    (run,) = run_settings("deep_matrix", problem="switched_completion", **settings)
    data, final = switched_completion.generate(run), completion.generate(run)
    for name, array in final.items():
        np.testing.assert_array_equal(data[name], array)
    deficit = np.empty(48)
    deficit[data["entries"]] = data["deficit_values"]
    values = np.linalg.svd(deficit.reshape(8, 6), compute_uv=False)
    assert np.sqrt((values**2).sum()) == pytest.approx(run["target_norm"], rel=1e-12)
    assert (values[:2] > 1e-3).all() and (values[2:] < 1e-14).all()
    assert abs(np.sum(deficit * data["target"].ravel())) < 0.9 * run["target_norm"] ** 2  # another target


def test_noise_is_added_to_the_deficit_task_too(run_settings):
    settings = {"shape": [40, 40], "observations": 1600, **OWN_TARGET}
    quiet, noisy = (
        switched_completion.generate(run_settings("deep_matrix", problem="switched_completion", **settings, **more)[0])
        for more in ({}, {"noise_std": 0.3})
    )
    np.testing.assert_array_equal(quiet["target"], noisy["target"])
    by_entry = [data["deficit_values"][np.argsort(data["entries"])] for data in (quiet, noisy)]
    assert np.std(by_entry[1] - by_entry[0]) == pytest.approx(0.3, rel=0.1)


def test_fewer_entries_of_the_same_target_need_no_data_of_their_own(run_settings):
    (run,) = run_settings(
        "deep_matrix",
        problem="switched_completion",
    )
    assert set(switched_completion.generate(run)) == {"entries", "values", "target"}


# -- steps ------------------------------------------------------------------------------------------


def by_autograd(run, module):
    """Return end-to-end objects and losses of one run at each step, by plain torch from its settings and data."""
    data = switched_completion.generate(run)
    shape, size = run["shape"], int(np.prod(run["shape"]))
    start, end = run["deficit_start"], run["deficit_start"] + run["deficit_steps"]
    factors = [torch.tensor(factor[None], requires_grad=True) for factor in module.initial(run)]
    found = []
    for step in range(run["stop"]["max_steps"] + 1):
        deficit = start <= step < end
        count = run["deficit_observations"] if deficit and run["deficit_observations"] else run["observations"]
        values = data["deficit_values" if deficit and run["deficit_rank"] else "values"][:count]
        product = module.compose([run], factors)[0]
        loss = ((product.reshape(size)[data["entries"][:count]] - torch.tensor(values)) ** 2).mean()
        found.append((product.detach().numpy().reshape(shape), loss.item()))
        gradients = torch.autograd.grad(loss, factors)
        with torch.no_grad():
            for factor, gradient in zip(factors, gradients, strict=True):
                factor -= run["learning_rate"] * gradient
    return found


@pytest.mark.parametrize(
    ("model", "deficit", "engine"),
    [*((model, deficit, "closed_form") for model in MODELS for deficit in DEFICITS), ("cp", "both", "autograd")],
)
def test_steps_are_those_of_plain_autograd(small, relative, model, deficit, engine):
    factorization, settings, module = MODELS[model]
    record = {"every": 1, "end_to_end": True}
    slice_ = small(factorization, **settings, **DEFICITS[deficit], record=record, engine=engine)
    found = variants.train(slice_, switched_completion.generate, "cpu")
    for index, run in enumerate(slice_.runs):
        expected = by_autograd(run, module)
        target = switched_completion.generate(run)["target"]
        errors = [np.linalg.norm(product - target) / np.linalg.norm(target) for product, _ in expected]
        assert relative(found["end_to_end"][index], [product for product, _ in expected]) < 1e-12
        assert relative(found["loss"][index], [loss for _, loss in expected]) < 1e-12
        assert relative(found["relative_error"][index], errors) < 1e-12
        np.testing.assert_allclose(found["flow_time"][index], run["learning_rate"] * np.arange(21), rtol=1e-12)


def test_the_state_of_an_optimiser_goes_over_a_switch(small, make_slice):
    """A deficit task that is the final one changes nothing, whatever the optimiser keeps from step to step."""
    slice_ = small("cp", optimizer="adam", **DEFICITS["late"])
    data = [{**arrays, "deficit_values": arrays["values"]} for arrays in data_of(slice_)]
    switched = Training(slice_, variants.make_stepper(slice_, data, "cpu")).run()
    plain = job.train(make_slice("cp", "adam", axes={"data_seed": [0, 1]}), completion.generate, "cpu")
    for name, array in plain.items():
        np.testing.assert_array_equal(switched[name], array)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("taken", [3, 8, 15])  # before, in and after the deficit
def test_a_resumed_run_ends_in_the_same_bytes(small, model, taken):
    factorization, settings, _ = MODELS[model]
    slice_ = small(factorization, **settings, deficit_start=6)
    whole, first, second = (variants.make_stepper(slice_, data_of(slice_), "cpu") for _ in range(3))
    whole.advance(20)
    first.advance(taken)
    second.restore(first.state())
    second.advance(20 - taken)
    for name, array in whole.state().items():
        np.testing.assert_array_equal(second.state()[name], array)


def test_a_run_that_has_ended_is_held_on_both_tasks(small):
    slice_ = small("deep_matrix")
    stepper = variants.make_stepper(slice_, data_of(slice_), "cpu")
    before = stepper.observables()["end_to_end"]
    stepper.set_rate_factors(np.array([1.0, 0.0]))
    stepper.advance(20)
    moved = (stepper.observables()["end_to_end"] != before).any((1, 2))
    assert moved.tolist() == [True, False]


def test_both_tasks_have_compiled_steps_where_there_are_any(small):
    compiled = deep_matrix.Model.compiled
    slice_ = small("deep_matrix")
    plain = compiled(slice_.containing(slice_.runs), [], "cpu")
    assert plain is None  # the group itself has none
    stepper = variants.make_stepper(slice_, data_of(slice_), "cpu")
    assert isinstance(stepper, SwitchedStepper)
    kinds = [type(stepper.current).__name__]
    stepper.advance(8)
    assert [*kinds, type(stepper.current).__name__] == ["CompiledStepper"] * 2


def test_without_its_tasks_it_does_not_train(small):
    slice_ = small("cp")
    with pytest.raises(NotImplementedError, match=r"trained by `greedyrank\.training\.variants`"):
        job.make_stepper(slice_, data_of(slice_), "cpu")


def test_runs_of_other_deficits_train_in_groups_of_their_own(small):
    slice_ = small("deep_matrix", axes={"deficit_start": [0, 4], "deficit_steps": [2, 7], "data_seed": [0, 1]})
    found = variants.train(slice_, switched_completion.generate, "cpu")
    for index, run in enumerate(slice_.runs):
        assert found["loss"][index, -1] == pytest.approx(by_autograd(run, deep_matrix)[-1][1], rel=1e-12)


@pytest.mark.parametrize(
    "factorization", [gr.DeepMatrix(depth=2, product_std=0.1), gr.CP(components=3, factor_std=0.3)]
)
def test_in_a_notebook(factorization):
    runs = gr.train(
        gr.SwitchedCompletion(
            shape=(5, 5), target_rank=1, target_norm=5.0, observations=25, deficit_rank=2, deficit_steps=30
        ),
        factorization,
        gr.GD(learning_rate=0.1),
        stop=gr.Stop(max_steps=1000),
        record=gr.Record(every=10),
        measure="reconstruction_error",
        factors=True,
        progress=False,
    )
    errors = runs.relative_error.to_numpy()
    assert errors[3] > 0.5 > 0.1 > errors[-1]
    assert runs.parameter0.ndim == 2


# -- bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"deficit_observations": None}, "a deficit task needs `deficit_rank`, `deficit_observations`, or both"),
        ({"deficit_rank": 5}, "deficit_rank is 5; the shape [4, 4] allows at most 4"),
        ({"deficit_observations": 9}, "deficit_observations is 9; allowed: fewer than the 9 observations"),
        (
            {"observations": None, "observed_fraction": 0.5},
            "`deficit_observations` goes with `observations`",
        ),
        (
            {"target_rank": None, "target_spectrum": [2.0, 1.0], "target_norm": None, "deficit_rank": 1},
            "`deficit_rank` needs `target_norm`, which is that of its target too",
        ),
        ({"deficit_steps": 20}, "the deficit ends at step 20; allowed: before the last step, max_steps = 20"),
        ({"deficit_start": 14}, "the deficit ends at step 21; allowed: before the last step, max_steps = 20"),
        ({"deficit_start": -1}, "deficit_start is -1"),
        ({"deficit_steps": 0}, "deficit_steps is 0"),
        (
            {"stop": {"max_steps": 20, "loss": 0.1}},
            "switched_completion has no stopping rule, which the deficit task could meet: no `stop.loss`",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(sweep_block, settings, message):
    with pytest.raises(ConfigError) as error:
        load_sweep(sweep_block("deep_matrix", "gd", problem="switched_completion", **settings))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("problem", "factorization", "settings"),
    [
        ("switched_completion", "deep_matrix", {}),
        ("huber_completion", "cp", {"shape": [3, 4], "loss": "huber", "huber_threshold": 0.1}),
    ],
)
def test_only_plain_completion_has_a_baseline_of_minimum_nuclear_norm(sweep_block, problem, factorization, settings):
    block = sweep_block(factorization, "gd", problem=problem, **settings)
    with pytest.raises(ConfigError, match="goes with plain completion or sensing"):
        load_sweep({**block, "baseline": {"kind": "minimum_nuclear_norm"}})


def test_its_settings_in_python():
    made = SwitchedCompletion(
        shape=(3, 3), target_rank=1, target_norm=1.0, observations=5, deficit_rank=2, deficit_steps=9
    )
    assert (made.loss, made.deficit_start) == ("mean", 0)
