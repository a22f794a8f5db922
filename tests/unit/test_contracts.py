"""Every plug-in keeps its contract, and the checks for new ones say in words what is wrong."""

import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch

import synthetic
from combinations import FULL_BATCH
from greedyrank import plugins
from greedyrank.data import images, instances
from greedyrank.factorizations import cp, deep_matrix
from greedyrank.problems import completion
from greedyrank.training import base, protocols
from greedyrank.training.check import check_model, check_problem
from greedyrank.training.devices import denormals_flushed
from greedyrank.training.loop import LoopState
from greedyrank.training.stepper import TorchStepper

MINIBATCHES = [("binary_cp", "adam", {}), ("autoencoder", "adam", {"latent_size": 3})]


def data_of(slice_):
    generate = instances.generator(slice_.problem, Path("nowhere"))
    with mock.patch.object(images, "load", lambda data_dir, dataset: synthetic.pictures(train=40, test=20)):
        return [generate(run) for run in slice_.runs]


@pytest.mark.parametrize(
    ("kind", "contract"),
    [("problems", protocols.Problem), ("factorizations", protocols.Model), ("optimizers", protocols.Optimizer)],
)
def test_every_plug_in_has_what_its_contract_names(kind, contract):
    name_of_class = {"problems": "Problem", "factorizations": "Model", "optimizers": "Optimizer"}[kind]
    methods = {name for name, value in vars(contract).items() if callable(value) and name[0] != "_"}
    declared = {name for name, kind in contract.__annotations__.items() if str(kind).startswith("ClassVar")}
    for name in plugins.names(kind):
        module = plugins.plugin(kind, name)
        made = getattr(module, name_of_class)
        assert {part for part in methods | declared if not hasattr(made, part)} == set(), name
        if kind == "problems":
            assert callable(module.generate)
            assert module.context.__code__.co_varnames[:2] == ("run", "data")


@pytest.mark.parametrize(
    ("factorization", "optimizer", "settings"), [*FULL_BATCH, *MINIBATCHES], ids=lambda part: str(part)[:40]
)
def test_every_factorization_and_problem_keeps_its_contract(make_slice, factorization, optimizer, settings):
    small = make_slice(factorization, optimizer, axes={"seed": [0, 1]}, **settings)
    data = data_of(small)
    kinks = factorization == "autoencoder"
    assert check_model(small, data, tolerance=1e-3 if kinks else 1e-6) == []
    assert check_problem(small, data) == []


# -- faults that the checks tell --------------------------------------------------------------------


@pytest.fixture
def faults_of(make_slice, monkeypatch):
    """Return what the checks say of a method of CP, or of completion, in place of the right one."""

    def check(method, wrong, of=cp.Model):
        monkeypatch.setattr(of, method, wrong)
        small = make_slice("cp", "gd", axes={"seed": [0, 1]})
        data = data_of(small)
        return check_model(small, data) + check_problem(small, data)

    return check


RIGHT = {name: getattr(cp.Model, name) for name in ("pullback", "end_to_end", "observables", "spread")}


def test_a_wrong_factor_of_one_gradient_is_named(faults_of):
    def wrong(model, upstream):
        first, second, third = RIGHT["pullback"](model, upstream)
        return [first, second * 1.001, third]

    found = faults_of("pullback", wrong)
    assert len(found) == 2  # one a run
    assert found[0].startswith("pullback: parameter 1, shape (2, 4, 5), run 0: the slope along a random direction is ")
    assert "finite differences of end_to_end give" in found[0]


def test_a_gradient_that_is_wrong_for_one_run_is_named(faults_of):
    def wrong(model, upstream):
        first, *others = RIGHT["pullback"](model, upstream)
        return [first * torch.tensor([1.0, -1.0])[:, None, None], *others]

    (found,) = faults_of("pullback", wrong)
    assert "parameter 0" in found and "run 1" in found


@pytest.mark.parametrize(
    ("method", "wrong", "message"),
    [
        ("pullback", lambda model, g: RIGHT["pullback"](model, g)[:2], "returns 2 gradients; there are 3 parameters"),
        ("pullback", lambda model, g: [p.mT for p in RIGHT["pullback"](model, g)], "gradient 0 has shape (2, 5, 3)"),
        ("end_to_end", lambda model, inputs: torch.rand(2, 3, 4, 2), "something else at the second call"),
        ("spread", lambda model, values: [values] * 3, "does not broadcast to that of parameter 0, (2, 3, 5)"),
        (
            "observables",
            lambda model, growth, gradients: {"component_norm": torch.zeros(5, 2)},
            "`component_norm` has shape (5, 2); its first axis must be the 2 runs",
        ),
        (
            "observables",
            lambda model, growth, gradients: {"spread": torch.zeros(2, 5)},
            "`spread` has shape (2, 5), but axes names [] after the runs",
        ),
    ],
)
def test_other_faults_of_a_model_are_named(faults_of, method, wrong, message):
    assert message in "\n".join(faults_of(method, wrong))


def test_a_model_that_moves_its_parameters_is_named(faults_of):
    def wrong(model, upstream):
        found = [gradient.clone() for gradient in RIGHT["pullback"](model, upstream)]
        model.parameters[0].mul_(0.9)
        return found

    assert "changes the parameters; only the optimizer may" in faults_of("pullback", wrong)[0]


def test_faults_of_a_problem_are_named(faults_of):
    right = completion.Problem.loss_gradient

    def doubled(problem, end_to_end):
        return 2 * right(problem, end_to_end)

    found = faults_of("loss_gradient", doubled, of=completion.Problem)
    assert [fault[:22] for fault in found] == ["loss_gradient: run 0: ", "loss_gradient: run 1: "]

    def in_place(problem, end_to_end):
        found = right(problem, end_to_end)
        end_to_end.sub_(problem.values)
        return found

    assert faults_of("loss_gradient", in_place, of=completion.Problem)[-1].startswith("loss_gradient changes the end-")

    def shared(problem, end_to_end):
        right(problem, end_to_end)
        return problem._residual

    assert any("losses reads memory" in fault for fault in faults_of("loss_gradient", shared, of=completion.Problem))


# -- defaults ---------------------------------------------------------------------------------------


def test_defaults():
    assert base.FullBatchProblem().inputs(3) is None
    assert (base.FullBatchProblem.full_batch, base.MinibatchProblem.full_batch) == (True, False)
    assert base.BaseModel.compiled(None, [], "cpu") is None
    assert base.BaseModel().observables(False, None) == {}


def test_only_what_has_compiled_steps_returns_a_stepper(make_slice):
    small = make_slice("deep_matrix", "gd")
    assert deep_matrix.Model.compiled(small, data_of(small), "cpu") is not None
    assert deep_matrix.Model.compiled(small, data_of(small), "cuda") is None
    assert cp.Model.compiled(make_slice("cp", "gd"), [], "cpu") is None


def test_the_state_of_the_loop_goes_through_arrays():
    state = LoopState.at_start(3)
    state.step, state.stop_step[1] = 7, 5
    again = LoopState.from_arrays(state.to_arrays())
    assert again.step == 7 and isinstance(again.step, int)
    for name in ("active", "streak", "level", "stop_step", "losses"):
        np.testing.assert_array_equal(getattr(again, name), getattr(state, name))


# -- denormal numbers -------------------------------------------------------------------------------


def flushes():
    """Tell whether numpy and torch take half of the smallest normal number for zero."""
    found = {float(np.float64(sys.float_info.min) * np.float64(0.5)) == 0.0}
    found.add(float(torch.tensor(sys.float_info.min, dtype=torch.float64) * 0.5) == 0.0)
    (both,) = found
    return both


def test_denormal_numbers_are_flushed_within_and_the_state_is_restored():
    assert not flushes()
    with denormals_flushed():
        assert flushes()
        with denormals_flushed():
            assert flushes()
        assert flushes()  # what was set outside is set again
    assert not flushes()
    with pytest.raises(ZeroDivisionError), denormals_flushed():
        raise ZeroDivisionError
    assert not flushes()


def test_a_stepper_flushes_while_it_works_and_no_longer(make_slice):
    small = make_slice("cp", "group_rmsprop", growth={"every": 10, "offsets": [0, 1]})
    seen = []

    def watched(method):
        def call(*args):
            seen.append(flushes())
            return method(*args)

        return call

    with mock.patch.object(completion.Problem, "__init__", watched(completion.Problem.__init__)):
        stepper = TorchStepper(small, data_of(small), "cpu")
    for part, name in (
        (stepper.model, "end_to_end"), (stepper.model, "observables"), (stepper.problem, "observables"),
        (stepper.problem, "losses"), (stepper.optimizer, "step"), (stepper.optimizer, "set_rate_factors"),
    ):  # fmt: skip
        setattr(part, name, watched(getattr(part, name)))
    stepper.set_rate_factors(np.ones(1))
    stepper.advance(3)
    stepper.losses()
    stepper.observables()
    stepper.observables(growth=True)
    assert len(seen) > 10 and all(seen)
    assert not flushes()


def test_initial_factors_below_the_normal_numbers_are_zero(make_slice):
    """They are drawn under the arithmetic of the steps; see `denormals_flushed`."""
    small = make_slice("cp", "gd", factor_std=1e-310)
    assert (cp.initial(small.runs[0])[0] != 0).any()
    assert not TorchStepper(small, data_of(small), "cpu").model.parameters[0].any()
