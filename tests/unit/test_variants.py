"""Training in other ways: what runs show must not depend on the engine, the groups, or the last place of a number."""

import numpy as np
import pytest
import torch

from greedyrank.benchmarks import device_parity, engine_parity
from greedyrank.config.sweeps import Run
from greedyrank.factorizations import cp
from greedyrank.plugins import plugin
from greedyrank.problems import completion
from greedyrank.training import job, variants
from greedyrank.training.loop import Training
from greedyrank.training.stepper import TorchStepper

FACTORIZATIONS = [
    "deep_matrix",
    "linear_network",
    "psd",
    "cp",
    "deep_cp",
    "tucker",
    "hierarchical",
    "tubal",
    "binary_cp",
    "autoencoder",
]
SHAPES = {"deep_matrix": {"shape": [3, 5]}, "tucker": {"shape": [3, 4, 3]}, "deep_cp": {"shape": [3, 4, 3]}}
MORE = {
    "deep_matrix": [{"depth": 1}, {"depth": 4}],
    "linear_network": [{"shape": [4, 4], "observations": 16, "compressed_width": 4}],
    "cp": [{"shape": [3, 4]}, {"shape": [2, 3, 2, 3]}],
    "deep_cp": [{"depth": 1}, {"depth": 3}],
    "tucker": [{"depth": 0}, {"depth": 3, "core_shape": [2, 4, 3]}],
    "hierarchical": [{"shape": [3, 4], "widths": [3]}],
    "tubal": [{"shape": [3, 3, 4], "columns": 2}, {"columns": 4, "width": 9}],
    "binary_cp": [{"tensor_rank": 1}],
}
CASES = [(name, settings) for name in FACTORIZATIONS for settings in ({}, *MORE.get(name, []))]


@pytest.fixture
def images(monkeypatch):
    """Make-believe images for `problems.image_classification` and `problems.autoencoding`."""
    import synthetic
    from greedyrank.data import images as files

    monkeypatch.setattr(files, "load", lambda data_dir, dataset: synthetic.pictures(train=40, test=20))


def data_of(small):
    generate = plugin("problems", small.problem).generate
    return [generate(run, None) for run in small.runs]


@pytest.mark.parametrize(("factorization", "settings"), CASES, ids=str)
def test_the_definition_is_what_the_model_computes_and_autograd_finds_its_pullback(
    make_slice, images, relative, factorization, settings
):
    optimizer = "adam" if factorization in ("binary_cp", "autoencoder") else "gd"
    axes = {"seed": [0, 1, 2]}
    small = make_slice(factorization, optimizer, axes=axes, **{**SHAPES.get(factorization, {}), **settings})
    stepper = TorchStepper(small, data_of(small), "cpu")
    inputs = stepper.problem.inputs(0)
    ours = stepper.model.end_to_end(inputs).clone()
    leaves = [parameter.clone().requires_grad_() for parameter in stepper.model.parameters]
    found = plugin("factorizations", factorization).compose(small.runs, leaves, inputs)
    assert relative(found.detach(), ours) <= 1e-12
    upstream = torch.randn(ours.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.autograd.grad(found, leaves, upstream)
    for gradient, oracle in zip(stepper.model.pullback(upstream.clone()), expected, strict=True):
        assert relative(gradient.detach(), oracle) <= 1e-10


# -- engines ------------------------------------------------------------------------------------------


OPTIMIZERS = ("gd", "group_rmsprop", "adam")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("factorization", "optimizer"),
    [(name, optimizer) for name in FACTORIZATIONS[:6] for optimizer in OPTIMIZERS] + [("binary_cp", "adam")],
)
def test_engines_agree_until_rounding_parts_them(make_slice, images, factorization, optimizer, dtype):
    small = make_slice(factorization, optimizer, axes={"seed": [0, 1, 2]}, dtype=dtype)
    if small.problem == "completion":
        small = device_parity.shortened(small, 200)
    found = engine_parity.compare(small, lambda run: plugin("problems", small.problem).generate(run, None))
    assert {"loss", "flow_time"} <= set(found["invariants"])
    for name, row in found["invariants"].items():
        assert row["passed"], (name, row)


@pytest.mark.parametrize("ensemble", ["gaussian", "rank_one"])
def test_engines_agree_in_sensing(make_slice, ensemble):
    small = device_parity.shortened(
        make_slice(
            "cp",
            "gd",
            problem="sensing",
            ensemble=ensemble,
            sensing_std=None if ensemble == "rank_one" else 0.5,
            axes={"seed": [0, 1]},
        ),
        200,
    )
    found = engine_parity.compare(small, plugin("problems", "sensing").generate)
    assert all(row["passed"] for row in found["invariants"].values())


def test_a_wrong_pullback_is_found(make_slice, monkeypatch):
    """The comparison can fail: a closed form that is off by one part in a million."""
    small = device_parity.shortened(make_slice("cp", "gd", axes={"seed": [0, 1]}, dtype="float64"), 200)
    right = cp.Model.pullback
    monkeypatch.setattr(cp.Model, "pullback", lambda *given: [right(*given)[0] * (1 + 1e-6), *right(*given)[1:]])
    found = engine_parity.compare(small, completion.generate)
    assert not found["invariants"]["norm"]["passed"]


def test_autograd_takes_no_closed_form_and_no_compiled_step(make_slice, monkeypatch, images):
    def refuse(*given):
        raise AssertionError("a closed form is used")

    for name in ("cp", "deep_matrix"):
        model = plugin("factorizations", name).Model
        monkeypatch.setattr(model, "pullback", refuse)
        monkeypatch.setattr(model, "compiled", refuse)
        small = make_slice(name, "gd", axes={"seed": [0, 1]}, engine="autograd")
        stepper = variants.make_stepper(small, data_of(small), "cpu")
        stepper.advance(5)
        assert np.isfinite(stepper.losses()).all()


def test_growth_is_recorded_by_both_engines(make_slice):
    growth = {"every": 10, "offsets": [0, 1]}
    small = make_slice("deep_cp", "gd", axes={"seed": [0, 1]}, growth=growth)
    plain = job.train(small, completion.generate, "cpu")
    other = variants.train(_with(small, engine="autograd"), completion.generate, "cpu")
    np.testing.assert_allclose(other["growth_component_gamma"], plain["growth_component_gamma"], rtol=1e-9)


# -- nudges and groups --------------------------------------------------------------------------------


def _with(small, **settings):
    return small.containing([Run({**run, **settings}) for run in small.runs])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("factorization", ["deep_matrix", "tucker"])
def test_a_nudge_moves_every_number_by_one_unit_in_the_last_place(make_slice, factorization, dtype):
    small = make_slice(factorization, "gd", axes={"seed": [0, 1]}, dtype=dtype)
    plain, moved = (
        variants.make_stepper(_with(small, nudge_seed=seed), data_of(small), "cpu").state() for seed in (None, 3)
    )
    again = variants.make_stepper(_with(small, nudge_seed=3), data_of(small), "cpu").state()
    other = variants.make_stepper(_with(small, nudge_seed=4), data_of(small), "cpu").state()
    directions = []
    for name, before in plain.items():
        np.testing.assert_array_equal(moved[name], again[name])
        if before.dtype.kind == "f":
            one = np.abs(moved[name] - before) == np.spacing(np.minimum(np.abs(before), np.abs(moved[name])))
            assert (one | ((before == 0) & (moved[name] == 0))).all()
            directions.append((moved[name] > before)[before != 0])
    assert 0.3 < np.concatenate(directions).mean() < 0.7
    assert any((other[name] != moved[name]).any() for name in plain)


def test_zeros_of_an_init_stay(make_slice):
    small = make_slice("deep_matrix", "gd", product_std=None, identity_scale=0.1, depth=3, nudge_seed=0)
    state = variants.make_stepper(small, data_of(small), "cpu").state()
    assert (state["first"][0] == 0).sum() == 12


@pytest.mark.parametrize(("size", "groups"), [(1, 6), (2, 4), (4, 2), (None, 2)])
def test_groups_have_at_most_so_many_runs_and_records_keep_their_order(make_slice, monkeypatch, size, groups):
    stop = {"loss": 1e-2, "max_steps": 400}
    axes = {"dtype": ["float32", "float64"], "seed": [2, 0, 1]}
    small, grouped = (make_slice("cp", "gd", axes=axes, stop=stop, group_size=most) for most in (None, size))
    whole = job.train(small, completion.generate, "cpu")
    made, make = [], variants.make_stepper

    def counted(part, *given):
        made.append(len(part.runs))
        return make(part, *given)

    monkeypatch.setattr(variants, "make_stepper", counted)
    found = variants.train(grouped, completion.generate, "cpu")
    assert len(made) == groups
    assert max(made) <= (size or 3)
    assert set(found) == set(whole)
    np.testing.assert_array_equal(found["stop_step"], whole["stop_step"])
    assert len(set(whole["stop_step"])) > 2
    for name in set(whole) - {"stop_step"}:
        np.testing.assert_allclose(found[name], whole[name], rtol=1e-4, atol=1e-5)


def test_a_variant_goes_on_from_its_checkpoints(make_slice, tmp_path, monkeypatch):
    small = make_slice("cp", "gd", axes={"seed": [0, 1, 2]}, engine="autograd", group_size=2, nudge_seed=1)
    undisturbed = variants.train(small, completion.generate, "cpu")
    checkpoint = tmp_path / "checkpoint.npz"
    killed = Training._save

    def save_and_die(self, path):
        killed(self, path)
        if self.state.step >= 10 and path.stem.endswith("1"):
            raise KeyboardInterrupt

    monkeypatch.setattr(Training, "_save", save_and_die)
    with pytest.raises(KeyboardInterrupt):
        variants.train(small, completion.generate, "cpu", checkpoint=checkpoint, checkpoint_seconds=0.0)
    monkeypatch.setattr(Training, "_save", killed)
    resumed = variants.train(small, completion.generate, "cpu", checkpoint=checkpoint)
    for name, column in undisturbed.items():
        np.testing.assert_array_equal(resumed[name], column)
    job.remove_checkpoints(checkpoint)
    assert not list(tmp_path.iterdir())
