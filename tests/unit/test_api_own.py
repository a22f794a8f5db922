"""One's own in a notebook and in a paper: targets, factorizations, optimisers and measures."""

import inspect
from importlib.metadata import EntryPoint
from unittest import mock

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure

import greedyrank as gr
from greedyrank.config.settings import registry
from greedyrank.plan import jobs
from greedyrank.plan.graph import Plan

MATRIX = np.random.default_rng(0).standard_normal((6, 2)) @ np.random.default_rng(1).standard_normal((2, 5))
INDICES = np.argwhere(MATRIX)[::2]
VALUES = MATRIX[tuple(INDICES.T)]
DEEP, GD = gr.DeepMatrix(depth=2, product_std=0.1), gr.GD(learning_rate=0.05)
SCHEDULE = {"stop": gr.Stop(max_steps=30), "record": gr.Record(every=10), "progress": False}


def train(problem, factorization=DEEP, optimizer=GD, **others):
    return gr.train(problem, factorization, optimizer, **SCHEDULE, **others)


# -- data -------------------------------------------------------------------------------------------


def test_an_array_is_the_same_as_a_file_of_it(tmp_path):
    np.savetxt(tmp_path / "matrix.csv", MATRIX, delimiter=",")
    file = gr.Completion(shape=(6, 5), target_file="matrix.csv", observations=20)
    ours = train(gr.Completion(target=MATRIX, observations=20), seeds=range(2))
    theirs = train(file, seeds=range(2), data_dir=tmp_path)
    np.testing.assert_array_equal(ours.end_to_end, theirs.end_to_end)
    np.testing.assert_array_equal(ours.target[0], MATRIX)
    assert not np.array_equal(ours.observed_mask.sel(seed=0), ours.observed_mask.sel(seed=1))


def test_entries_that_are_known_are_what_is_seen():
    runs = train(gr.Completion(target=(INDICES, VALUES), shape=MATRIX.shape))
    seen = np.zeros(MATRIX.shape)
    seen[tuple(INDICES.T)] = 1
    np.testing.assert_array_equal(runs.observed_mask, seen)
    np.testing.assert_array_equal(runs.observed_values, seen * MATRIX)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_targets_of_any_order_are_sensed(order):
    tensor = np.random.default_rng(2).standard_normal([3] * order)
    runs = train(gr.Sensing(target=tensor, measurements=20, sensing_std=0.3), gr.CP(components=4, factor_std=0.3))
    assert runs.loss[-1] < runs.loss[0]


def test_an_array_is_copied_and_kept_by_replace():
    matrix = MATRIX.copy()
    problem = gr.Completion(target=matrix, observations=20)
    matrix[:] = 0
    for given in (problem, problem.replace(observations=20)):
        np.testing.assert_array_equal(train(given).target, MATRIX)
    assert problem.replace(target=2 * MATRIX).target_file != problem.target_file


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": np.where(MATRIX > 0, MATRIX, np.nan), "observations": 5}, "the target is nan at "),
        ({"target": MATRIX, "shape": (5, 6), "observations": 5}, "target has the shape [6, 5]; `shape` is [5, 6]"),
        ({"target": MATRIX, "observations": 31}, "observations is 31; a tensor of shape [6, 5] has 30 entries"),
        ({"target": [[1, 2], [3]], "observations": 1}, "target is no array: "),
        ({"target": MATRIX, "target_file": "m.csv"}, "`target` and `target_file` are both given; keep one"),
        (
            {"target": (INDICES, VALUES), "shape": (6, 5), "observations": 16},
            "target lists 15 entries; the sweep asks for",
        ),
        ({"target": (INDICES, VALUES[:1]), "shape": (6, 5)}, "`indices` has the shape [15, 2] and `values` [1]"),
        ({"target": (INDICES + 5, VALUES), "shape": (6, 5)}, "target has the entry "),
        ({"target": (INDICES, VALUES)}, "Completion.shape: missing key"),
        ({"target": MATRIX, "target_rank": 1, "observations": 5}, "target has the rank 2; `target_rank` is 1"),
        ({"target": MATRIX, "target_norm": 1.0, "observations": 5}, "`target_norm` is 1.0"),
        ({"shape": (6, 5), "target_file": "nowhere.csv", "observations": 5}, "there is no file "),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_wrong_target_is_named(settings, message):
    with pytest.raises(gr.UserError) as raised:
        train(gr.Completion(**settings))
    assert message in str(raised.value)


# -- a factorization, an optimiser, a measure -------------------------------------------------------


class Hadamard(gr.FactorizationSettings):
    """Entrywise product."""

    factor_std: float = gr.Field(default=0.3, gt=0)
    seed: int = gr.Field(default=0, ge=0)

    class Model(gr.AutogradModel):
        @staticmethod
        def initial(run):
            return run["factor_std"] * np.random.default_rng([run["seed"], 1]).standard_normal((2, *run["shape"]))

        @staticmethod
        def product(left, right):
            """Multiply them."""
            return left * right


def with_model(**parts):
    """Return a factorization like the one above, with some parts of its model replaced."""

    class Changed(Hadamard):
        class Model(Hadamard.Model):
            pass

    for name, part in parts.items():
        setattr(Changed.Model, name, part)
    return Changed


def closed(model, upstream):
    left, right = model.parameters
    return [upstream * right, upstream * left]


def test_a_closed_form_trains_as_autograd_does():
    problem = gr.Completion(target=MATRIX, observations=20)
    ours = train(problem, with_model(pullback=closed)(), seeds=range(2), dtype="float64", measure="effective_rank")
    theirs = train(problem, Hadamard(), seeds=range(2), dtype="float64", measure="effective_rank")
    np.testing.assert_allclose(ours.end_to_end, theirs.end_to_end, rtol=1e-12, atol=1e-14)
    assert ours.loss[0, -1] < ours.loss[0, 0]
    assert '"factorization": "test_api_own:Hadamard"' in theirs.attrs["settings"]


def test_a_class_that_changes_in_a_notebook_is_taken_as_it_is_now():
    problem = gr.Completion(target=MATRIX, observations=20)
    first = train(problem, with_model()())
    second = train(problem, with_model(product=staticmethod(lambda left, right: left * right * 2))())
    assert not np.allclose(first.end_to_end, second.end_to_end)


@pytest.mark.parametrize(
    ("factorization", "fault"),
    [
        (Hadamard, None),
        (Hadamard(factor_std=1.0), None),
        (with_model(pullback=closed), None),
        (gr.DeepMatrix(depth=3, product_std=0.3), None),
        (gr.Tucker(depth=2, core_std=0.3), None),
        (
            with_model(pullback=lambda model, upstream: [upstream * model.parameters[1]] * 2),
            "pullback: gradient 1, shape (3, 4, 3), is off autograd's by ",
        ),
        (
            with_model(pullback=lambda model, upstream: [upstream]),
            "pullback returns 1 gradients; there are 2 parameters",
        ),
        (
            with_model(pullback=lambda model, upstream: [part.mT for part in closed(model, upstream)]),
            "pullback: gradient 0 has shape (3, 3, 4); its parameter has (3, 4, 3)",
        ),
        (
            with_model(product=staticmethod(lambda left, right: left * right[:1])),
            "gradient 1 of run 0 in a group is off that of the run alone",
        ),
        (
            with_model(product=staticmethod(lambda left, right: left * right * torch.ones(1, dtype=torch.float64))),
            "end_to_end is torch.float64 in a training in float32",
        ),
        (
            with_model(product=staticmethod(lambda left, right: left @ right.mT)),
            "end_to_end has shape (3, 4, 4); the problem looks for (3, 4, 3), the runs first",
        ),
        (with_model(product=staticmethod(lambda left, right: 2 * left)), "product does not depend on parameter 1"),
        (with_model(product=staticmethod(lambda left: left)), "end_to_end, line "),
        (
            with_model(initial=staticmethod(lambda run: np.random.default_rng().standard_normal((2, *run["shape"])))),
            "the initial parameters differ from one construction to the next",
        ),
    ],
)
def test_check_says_in_words_what_is_wrong(factorization, fault):
    found = gr.check(factorization)
    assert found == [] if fault is None else found[0].startswith(fault)


def test_a_model_that_keeps_numbers_apart_does_not_resume():
    def stepped(model, upstream):
        model.steps = vars(model).get("steps", 0) + 1
        return [gradient * (1 + model.steps) for gradient in closed(model, upstream)]

    with (
        mock.patch("greedyrank.api.checking._autograd_faults", return_value=[]),
        mock.patch("greedyrank.api.checking.check_model", return_value=[]),
    ):
        found = gr.check(with_model(pullback=stepped))
    assert found[0] == "after a resume `parameter0` is another one: keep in `parameters` all that a step changes"


def test_a_wrong_class_is_named():
    class Nothing(gr.FactorizationSettings):
        seed: int = 0

    class Twice(Hadamard):
        shape: int = 3

    problem = gr.Completion(target=MATRIX, observations=20)
    for made, message in ((Nothing(), "Nothing has no class `Model`"), (Twice(), "setting `shape`, which ")):
        with pytest.raises(gr.UserError, match=message):
            train(problem, made)


PLUGINS = f'''"""Plug-ins of a paper."""

import numpy as np
import xarray as xr

import greedyrank as gr
from greedyrank.optimizers import gd


{inspect.getsource(Hadamard)}

class Half(gr.OptimizerSettings):
    """Gradient descent of half the rate."""

    class Optimizer(gd.Optimizer):
        """Half the factors."""

        def set_rate_factors(self, factors):
            """Halve them."""
            super().set_rate_factors(factors / 2)


def largest(runs):
    """Return the largest entry."""
    return xr.Dataset({{"largest": abs(runs.end_to_end).max(("row", "column"))}})
'''


CLAIMS = """
- {id: one, statement: s, source: s, basis: ours, statistic: last, expect: {above: 0.0}, reason: r,
   control: {statistic: last, at: {}}}
"""


@pytest.fixture
def paper(tmp_path, request):
    """Write a paper with plug-ins, one sweep and one figure; packages stay imported, so it has the test's name."""
    folder = tmp_path / request.node.name
    figure = folder / f"{folder.name}_figure"
    figure.mkdir(parents=True)
    (folder / "plugins.py").write_text(PLUGINS, encoding="utf-8")
    place = f"{folder.name}.plugins"
    (folder / "sweeps.yaml").write_text(
        f"own_sweep: {{source: ours, problem: completion, factorization: '{place}:Hadamard', optimizer: '{place}:Half',"
        " fixed: {shape: [4, 4], target_rank: 1, target_norm: 4.0, observations: 12, loss: mean, learning_rate: 0.1,"
        " stop: {max_steps: 20}, record: {every: 5}}}\n",
        encoding="utf-8",
    )
    (figure / "figure.yaml").write_text(
        f"{{title: ours, paper: ours, minutes: 1, sweeps: [own_sweep], measures: ['{place}:largest']}}",
        encoding="utf-8",
    )
    (figure / "draw.py").write_text(
        "from greedyrank.figures.canvas import Canvas\n\n\ndef draw(sweeps, published):\n"
        "    canvas = Canvas(1, 1)\n    runs = sweeps['own_sweep']\n"
        "    canvas.each_run(0, runs, runs.step, runs.largest, 'ours')\n    return canvas\n",
        encoding="utf-8",
    )
    (figure / "caption.rst").write_text("Ours.\n", encoding="utf-8")
    (figure / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    (figure / "statistics.py").write_text(
        "def last(runs):\n    return runs.largest[:, -1].to_numpy()\n", encoding="utf-8"
    )
    return folder


def test_a_papers_own_plug_ins_are_built_opened_drawn_and_trained(paper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = Plan({"papers": [str(paper)], "results_dir": "built"}, here=False)
    for rule in ("generate", "train", "extract"):
        for name in jobs.names(plan, rule):
            jobs.job(plan, rule, name).run()
    built = gr.open("own_sweep", results="built", papers=[paper])
    assert isinstance(gr.figure(f"{paper.name}_figure", results="built", papers=[paper]), Figure)
    trained = gr.train(**gr.sweep("own_sweep", papers=[paper]), progress=False)
    np.testing.assert_array_equal(built.loss[0], trained.loss)
    np.testing.assert_array_equal(built.largest[0], trained.largest)
    whole = gr.train(
        **{**gr.sweep("own_sweep", papers=[paper]), "optimizer": gr.GD(learning_rate=0.05), "progress": False}
    )
    np.testing.assert_allclose(trained.loss, whole.loss, rtol=1e-6)  # half the rate
    with pytest.raises(gr.UserError, match=r"built/smoke/spectra/own_sweep.nc is missing; make it with: "):
        gr.open("own_sweep", "smoke", results="built", papers=[paper])
    with pytest.raises(gr.UserError, match="no sweep own_swep; did you mean `own_sweep`"):
        gr.sweep("own_swep", papers=[paper])


def test_the_code_of_a_papers_plug_ins_is_part_of_its_jobs(paper):
    def digests():
        slices = Plan({"papers": [str(paper)]}, here=False).slices
        return slices.training_code("own_sweep"), slices.spectra_code("own_sweep")

    before, path = digests(), paper / "plugins.py"
    path.write_text(PLUGINS.replace("Multiply them", "Multiply the two"), encoding="utf-8")
    assert digests() == before
    path.write_text(PLUGINS.replace("left * right", "left * right * 2"), encoding="utf-8")
    changed = digests()
    assert changed[0] != before[0] and changed[1] == before[1]
    path.write_text(PLUGINS.replace("abs(runs", "2 * abs(runs"), encoding="utf-8")
    changed = digests()
    assert changed[0] == before[0] and changed[1] != before[1]


def test_entry_points_name_plug_ins():
    point = EntryPoint("hadamard", "test_api_own:Hadamard", "greedyrank.factorizations")
    found = mock.Mock(side_effect=lambda group, name: [point] if (group, name) == (point.group, point.name) else [])
    with mock.patch.object(registry, "entry_points", found):
        assert registry.full_name("factorizations", "hadamard") == "test_api_own:Hadamard"
        assert registry.full_name("factorizations", "cp") == "cp"
        assert registry.full_name("factorizations", "other") == "other"
    assert registry.settings_class("factorization", "test_api_own:Hadamard") is Hadamard
    for name, message in (
        ("nowhere:Hadamard", "nowhere:Hadamard is no plug-in: No module"),
        ("cpp", "did you mean `cp`"),
    ):
        with pytest.raises(gr.UserError, match=message):
            registry.settings_class("factorization", name)


def test_a_measure_of_ones_own_is_a_function_of_runs():
    def doubled(runs):
        """Return twice the loss."""
        return xr.Dataset({"twice": 2 * runs.loss})

    runs = train(gr.Completion(target=MATRIX, observations=20), seeds=range(2), measure=["nuclear_norm", doubled])
    np.testing.assert_array_equal(runs.twice, 2 * runs.loss)
    assert runs.twice.attrs["description"] == "Return twice the loss."
    with pytest.raises(gr.UserError, match="measure wrong does not apply: "):
        train(gr.Completion(target=MATRIX, observations=20), measure=wrong)


def wrong(runs):
    return runs.target_of_another_problem
