"""What a notebook calls: the same numbers as the pipeline's, labelled, and one line for a wrong argument."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
import xarray as xr

import greedyrank as gr
import synthetic
from greedyrank import plugins, stages
from greedyrank.api.experiment import experiment
from greedyrank.config import defaults
from greedyrank.config.settings.factorizations import FACTORIZATIONS
from greedyrank.config.settings.optimizers import OPTIMIZERS
from greedyrank.config.settings.problems import PROBLEMS
from greedyrank.config.settings.training import Training
from greedyrank.config.sweep_loader import load_sweep
from greedyrank.data import images
from greedyrank.factorizations import autoencoder
from greedyrank.plan.graph import Plan
from greedyrank.problems import autoencoding
from greedyrank.spectra import extraction
from greedyrank.training.loop import Training as Loop

WORKFLOW = Path(__file__).parents[2] / "workflow"
COMPLETION = gr.Completion(shape=(4, 4), target_rank=1, target_norm=4, observations=10)
DEEP = gr.DeepMatrix(depth=2, product_std=0.1)
SCHEDULE = {"stop": gr.Stop(max_steps=20), "record": gr.Record(every=5), "progress": False}


def train(**changes):
    arguments = {"problem": COMPLETION, "factorization": DEEP, "optimizer": gr.GD(learning_rate=0.1), **SCHEDULE}
    return gr.train(**(arguments | changes))


def arguments_of(block):
    """Return a sweep's block as the arguments of `gr.train`."""
    names = {"problem": PROBLEMS, "factorization": FACTORIZATIONS, "optimizer": OPTIMIZERS}
    found = {}
    for kind, known in names.items():
        model = known[block[kind]]
        found[kind] = model(**{k: v for k, v in block["fixed"].items() if k in model.model_fields})
    training = {name: value for name, value in block["fixed"].items() if name in Training.model_fields}
    return {**found, **training, "stop": gr.Stop(**training["stop"]), "record": gr.Record(**training["record"])}


# -- the pipeline's numbers -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factorization", "optimizer", "settings"),
    [
        ("deep_matrix", "gd", {"depth": 3}),  # compiled
        ("deep_matrix", "adam", {"depth": 3}),  # torch
        ("deep_matrix", "gd", {"problem": "sensing"}),
        ("psd", "gd", {}),
        ("cp", "group_rmsprop", {}),
        ("deep_cp", "group_rmsprop", {}),
        ("tucker", "adam", {}),
        ("hierarchical", "group_rmsprop", {}),
        ("linear_network", "gd", {}),
        ("tubal", "gd", {"problem": "sensing"}),
        ("binary_cp", "adam", {}),
        ("autoencoder", "adam", {}),
    ],
)
def test_a_run_is_the_pipelines_run_bit_for_bit(sweep_block, tmp_path, factorization, optimizer, settings):
    """Every array that a training job and the extraction write, through files, against what `gr.train` returns."""
    block = sweep_block(factorization, optimizer, dtype="float32", axes={"seed": [0, 1]}, **settings)
    slice_ = load_sweep(block).whole
    with mock.patch.object(images, "load", lambda data_dir, dataset: synthetic.pictures(train=40, test=20)):
        names = PROBLEMS[slice_.problem].data_settings
        instance = defaults.instance_without(slice_.problem, {name: slice_.runs[0][name] for name in names})
        data, runs = tmp_path / "data.npz", tmp_path / "runs.npz"
        stages.generate({"problem": slice_.problem, "instances": [instance]}, tmp_path, data)
        stages.train(defaults.without(slice_).to_json(), [data], runs, checkpoints=tmp_path)
        ours = gr.train(**arguments_of(block), axes={"seed": [0, 1]}, progress=False)
    pipelines = np.load(runs)
    compared = set(pipelines.files) - {"meta"}
    assert {"step", "flow_time", "loss", "stop_step"} < compared
    for name in compared:
        np.testing.assert_array_equal(ours[name].broadcast_like(ours.seed).transpose("seed", ...), pipelines[name])
        assert ours[name].dtype == pipelines[name].dtype
    extracted = extraction.extract([runs], [data], [], [])
    np.testing.assert_array_equal(extracted.loss, ours.loss)


def test_the_test_above_covers_every_factorization():
    (mark,) = test_a_run_is_the_pipelines_run_bit_for_bit.pytestmark
    assert {case[0] for case in mark.args[1]} == set(FACTORIZATIONS)


@pytest.mark.parametrize("scale", ["smoke", "laptop"])
def test_every_sweep_of_the_papers_is_the_same_runs_in_python(scale):
    with mock.patch.dict(os.environ):
        project = Plan({"scale": scale, "papers": [str(plugins.PAPERS)]}, here=False)
        with mock.patch("greedyrank.api.sweep.Plan", lambda *args, **kwargs: project):
            for name, resolved in project.sweeps.items():
                arguments = gr.sweep(name, scale)
                made = experiment(**{argument: value for argument, value in arguments.items() if argument != "measure"})
                assert [dict(run) for run in made.whole.runs] == [dict(run) for run in resolved.whole.runs], name
                assert made.baseline == resolved.baseline


def test_an_interpreter_that_no_job_set_up_gets_the_same_numbers():
    """Threads are the process's own where nothing sets them, as in a notebook; a run takes one."""
    script = """
import hashlib, torch
import greedyrank as gr
runs = gr.train(
    gr.Completion(shape=(64, 64), target_rank=3, target_norm=64, observations=2000),
    gr.DeepMatrix(depth=3, product_std=1e-2), gr.Adam(learning_rate=1e-2),
    stop=gr.Stop(max_steps=20), record=gr.Record(every=20), measure=["effective_rank"],
)
print(hashlib.sha256(runs.end_to_end.to_numpy().tobytes() + runs.effective_rank.to_numpy().tobytes()).hexdigest())
"""
    found = set()
    for threads in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONPATH": str(WORKFLOW),
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
        }
        found.add(
            subprocess.run(
                [sys.executable, "-c", script], env=environment, capture_output=True, encoding="utf-8", check=True
            ).stdout
        )
    assert len(found) == 1


# -- the data set -----------------------------------------------------------------------------------


def test_axes_cases_and_seeds_are_dimensions():
    runs = train(
        seeds=[3, 5],
        axes={"depth": [2, 3], "dtype": ["float64", "float32"]},
        cases=[{"observations": 8}, {"observations": [9, 10], "product_std": 0.2}],
        measure=["singular_values", "nuclear_norm"],
    )
    assert runs.loss.dims == ("depth", "dtype", "case", "seed", "record")
    assert runs.loss.shape == (2, 2, 3, 2, 5)
    assert runs.seed.to_numpy().tolist() == [3, 5]
    assert runs.dtype.to_numpy().tolist() == ["float64", "float32"]
    assert runs.observations.to_numpy().tolist() == [8, 9, 10]
    assert runs.product_std.to_numpy().tolist() == [0.1, 0.2, 0.2]
    assert runs.singular_values.dims == (*runs.loss.dims, "component")
    assert runs.step.dims == ("record",) and runs.step.to_numpy().tolist() == [0, 5, 10, 15, 20]
    one = train(
        problem=COMPLETION.replace(observations=9, data_seed=5),
        factorization=DEEP.replace(depth=3, product_std=0.2, seed=5),
        measure=["singular_values"],
    )
    picked = runs.sel(depth=3, dtype="float32", case=1, seed=5)
    np.testing.assert_array_equal(picked.loss, one.loss)
    np.testing.assert_array_equal(picked.singular_values, one.singular_values)
    np.testing.assert_allclose(picked.nuclear_norm, one.singular_values.sum("component"))


def test_values_that_are_lists_can_be_axes_and_cases():
    tensor = gr.Completion(shape=(3, 3, 3), target_rank=1, target_norm=3, observations=20)
    tucker = gr.Tucker(depth=1, core_std=0.1, core_shape=[2, 2, 2])
    shapes = [[1, 1, 1], [2, 2, 2]]
    axes = train(problem=tensor, factorization=tucker, axes={"core_shape": shapes})
    assert axes.core_shape.to_numpy().tolist() == ["[1, 1, 1]", "[2, 2, 2]"]
    cases = train(problem=tensor, factorization=tucker, cases=[{"core_shape": [shape]} for shape in shapes])
    np.testing.assert_array_equal(axes.loss, cases.loss)


def test_variables_say_what_they_are_and_where_they_are_from(tmp_path):
    runs = train(measure=["effective_rank"])
    assert runs.effective_rank.attrs["long_name"] == "effective rank"
    assert runs.effective_rank.attrs["description"].startswith("Effective rank (Roy & Vetterli)")
    assert {variable.attrs["units"] for variable in runs.variables.values()} == {"1"}
    settings = json.loads(runs.attrs["settings"])
    assert (settings["problem"], settings["fixed"]["depth"], settings["fixed"]["shape"]) == ("completion", 2, [4, 4])
    assert runs.attrs["result"] == "finished"
    assert json.loads(runs.attrs["versions"])["greedyrank"] == gr.__version__
    runs.to_netcdf(tmp_path / "runs.nc", engine="h5netcdf")  # every attribute can be saved
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "runs.nc", engine="h5netcdf"), runs)


def test_runs_that_end_by_themselves_have_steps_of_their_own():
    runs = train(seeds=range(3), stop=gr.Stop(loss=0.1, max_steps=2000), record=gr.Record(every=20))
    assert len(set(runs.stop_step.to_numpy().tolist())) == 3
    assert runs.step.dims == ("seed", "record")
    for seed in runs.seed:
        assert runs.step.sel(seed=seed).max() == runs.stop_step.sel(seed=seed)
        ended = runs.step.sel(seed=seed) < 0
        assert runs.loss.sel(seed=seed)[ended].isnull().all() and runs.loss.sel(seed=seed)[~ended].notnull().all()


def test_final_factors_multiply_to_the_end_to_end_matrix():
    runs = train(seeds=range(2), axes={"depth": [1, 3]}, factors=True)
    last = runs.end_to_end.isel(record=-1).sel(depth=3)
    for seed in range(2):
        first, second, third = (runs[f"parameter{i}"].sel(depth=3, seed=seed).to_numpy() for i in range(3))
        np.testing.assert_allclose(third @ second @ first, last.sel(seed=seed), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(runs.parameter0.sel(depth=1), runs.end_to_end.isel(record=-1).sel(depth=1))
    assert runs.parameter1.sel(depth=1).isnull().all()
    assert not [name for name in train().variables if str(name).startswith("parameter")]


@pytest.mark.parametrize(
    ("factorization", "optimizer"),
    [
        ("deep_matrix", "gd"),  # compiled
        ("deep_matrix", "adam"),  # torch
        ("psd", "gd"),
        ("cp", "group_rmsprop"),
        ("deep_cp", "group_rmsprop"),
        ("tucker", "adam"),
        ("hierarchical", "group_rmsprop"),
        ("linear_network", "gd"),
        ("tubal", "gd"),
    ],
)
def test_final_factors_compose_to_the_end_to_end_object(sweep_block, factorization, optimizer):
    """By the definition of the factorization, which no stepper uses."""
    block = sweep_block(factorization, optimizer, record={"every": 5, "end_to_end": True})
    runs = gr.train(**arguments_of(block), seeds=range(2), factors=True, progress=False)
    assert not np.array_equal(*runs.parameter0)
    parameters = [torch.from_numpy(array) for array in parameters_of(runs)]
    found = plugins.plugin("factorizations", factorization).compose(2 * load_sweep(block).whole.runs, parameters)
    np.testing.assert_allclose(runs.end_to_end.isel(record=-1), found, rtol=1e-12, atol=1e-15)


def parameters_of(runs):
    names = sorted(
        (name for name in map(str, runs.data_vars) if name.startswith("parameter")), key=lambda n: int(n[9:])
    )
    return [runs[name].to_numpy() for name in names]


@pytest.mark.parametrize("optimizer", ["adam", "keras_adam"])  # compiled; torch
def test_final_factors_of_a_classifier_make_the_errors_that_were_recorded(sweep_block, optimizer):
    pictures = synthetic.pictures(train=40, test=20)
    arguments = arguments_of(sweep_block("binary_cp", optimizer))
    with mock.patch.object(images, "load", lambda data_dir, dataset: pictures):
        runs = gr.train(**arguments, axes={"tensor_rank": [3, 1]}, seeds=range(2), factors=True, progress=False)
    pixels, labels = pictures["test"]
    bits = (pixels.reshape(len(pixels), -1) >= 128)[:, :, None]
    for rank in (3, 1):
        for seed in range(2):
            zero, one = (runs[f"parameter{i}"].sel(tensor_rank=rank, seed=seed).to_numpy() for i in range(2))
            assert np.isnan(zero[:, rank:]).all() and np.isnan(one[:, rank:]).all()
            predictions = np.where(bits, one[:, :rank], zero[:, :rank]).prod(axis=1).sum(axis=1)
            errors = np.minimum((predictions / 2 - (labels == 6)) ** 2, 1)
            recorded = runs.test_error.sel(tensor_rank=rank, seed=seed)[-1]
            np.testing.assert_allclose(errors.mean(), recorded, rtol=1e-9)


def test_final_factors_of_an_autoencoder_make_the_errors_that_were_recorded(sweep_block):
    pictures = synthetic.pictures(train=40, test=20)
    with mock.patch.object(images, "load", lambda data_dir, dataset: pictures):
        runs = gr.train(**arguments_of(sweep_block("autoencoder", "adam")), factors=True, progress=False)
    parameters = [torch.from_numpy(array) for array in parameters_of(runs)]
    images_ = torch.from_numpy(autoencoding.resized(pictures["test"][0])).double() / 255
    found = autoencoder.decode(autoencoder.encode(images_, parameters), parameters)
    np.testing.assert_allclose((found - images_).square().mean(), runs.test_error[-1], rtol=1e-9)


def test_the_three_tests_above_cover_every_factorization():
    (mark,) = test_final_factors_compose_to_the_end_to_end_object.pytestmark
    assert {case[0] for case in mark.args[1]} | {"binary_cp", "autoencoder"} == set(FACTORIZATIONS)


def test_training_changes_nothing_that_it_was_given_and_no_state():
    axes, cases, measure = {"depth": [2, 3]}, [{"observations": [8, 9]}], ["effective_rank"]
    before, state = repr((COMPLETION, DEEP, axes, cases, measure)), np.random.get_state()[1].tolist()  # noqa: NPY002
    first = train(axes=axes, cases=cases, seeds=range(2), measure=measure)
    assert repr((COMPLETION, DEEP, axes, cases, measure)) == before
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    xr.testing.assert_identical(train(axes=axes, cases=cases, seeds=range(2), measure=measure), first)


# -- seeds ------------------------------------------------------------------------------------------


def test_seeds_draw_data_and_initial_factors_anew_except_what_is_set():
    both, factors, data = (
        train(seeds=range(2), problem=problem, factorization=factorization)
        for problem, factorization in (
            (COMPLETION, DEEP), (COMPLETION.replace(data_seed=4), DEEP), (COMPLETION, DEEP.replace(seed=4)),
        )
    )  # fmt: skip

    def differ(variable):
        return not np.array_equal(variable.sel(seed=0), variable.sel(seed=1))

    start = [runs.end_to_end.isel(record=0) for runs in (both, factors, data)]
    assert [differ(runs.target) for runs in (both, factors, data)] == [True, False, True]
    assert list(map(differ, start)) == [True, True, False]


# -- interrupts -------------------------------------------------------------------------------------


def interrupted_at(step, how):
    """Let the loop be interrupted once it is at a step of its second group, after the one that is tried out."""
    event, groups = Loop._event, []

    def watched(loop):
        if loop not in groups:
            groups.append(loop)
        event(loop)
        if len(groups) == 3 and loop.state.step == step:
            how()

    return mock.patch.object(Loop, "_event", watched)


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize("how", [interrupt, lambda: signal.raise_signal(signal.SIGINT)], ids=["raised", "signal"])
def test_an_interrupt_keeps_what_there_is(how):
    arguments = {"axes": {"depth": [2, 3, 4]}, "seeds": range(2)}
    whole = train(**arguments, measure=["effective_rank"])
    with interrupted_at(10, how):
        runs = train(**arguments)
    assert runs.attrs["result"] == "interrupted"
    assert runs.sizes["depth"] == 3
    np.testing.assert_array_equal(runs.loss.sel(depth=2), whole.loss.sel(depth=2))
    np.testing.assert_array_equal(runs.loss.sel(depth=3)[:, :3], whole.loss.sel(depth=3)[:, :3])
    assert runs.loss.sel(depth=3)[:, 3:].isnull().all() and runs.loss.sel(depth=4).isnull().all()
    assert runs.stop_step.to_numpy().tolist() == [[20, 20], [-1, -1], [-1, -1]]


def test_an_interrupt_before_anything_is_trained_is_passed_on():
    with mock.patch.object(Loop, "_event", lambda loop: interrupt()), pytest.raises(KeyboardInterrupt):
        train()
    event = Loop._event  # while the measures are tried out

    def at_once(loop):
        event(loop)
        raise KeyboardInterrupt

    with mock.patch.object(Loop, "_event", at_once), pytest.raises(KeyboardInterrupt):
        train()


# -- wrong arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problem": gr.Completion}, "problem is the class Completion; allowed: Completion(...), "),
        ({"problem": "completion"}, "problem is 'completion'; allowed: Completion(...), "),
        ({"optimizer": DEEP}, "optimizer is DeepMatrix(depth=2, product_std=0.1); allowed: GD(...), "),
        ({"stop": 100}, "stop is 100; allowed: Stop(...)"),
        ({"growth": 5}, "growth is 5; allowed: Growth(...)"),
        ({"baseline": "least_squares"}, "baseline is 'least_squares'; allowed: LeastSquares(...), "),
        (
            {"problem": COMPLETION.replace(shape=(3, 4)), "factorization": gr.PSD(factor_norm=1)},
            "takes square matrices",
        ),
        ({"axes": {"depht": [2]}}, "train.axes.depht: unknown key; did you mean `depth`?"),
        ({"axes": {"depth": [2, 2]}}, "train.axes.depth has 2 twice; give each value once"),
        ({"axes": {"depth": []}}, "train.axes.depth is an empty list; give at least one value"),
        ({"axes": {"depth": [0, 2]}}, "train.axes.depth is 0: Input should be greater than 0"),
        ({"axes": {"target_rank": [1, 9]}}, "target_rank is 9; the shape [4, 4] allows at most 4"),
        ({"axes": [2, 3]}, "axes is [2, 3]; allowed: values by the names of settings"),
        ({"cases": [3]}, "cases.0 is 3; allowed: values by the names of settings"),
        ({"seeds": [0, 1, 0]}, "seeds has 0 twice; give each seed once"),
        ({"seeds": 3}, "seeds is 3; allowed: whole numbers from 0 on, such as range(3)"),
        ({"seeds": [-1]}, "seeds is [-1]; allowed: whole numbers from 0 on"),
        ({"seeds": range(2), "axes": {"seed": [4, 5]}}, "seeds are given twice: as `seeds`, and by `seed`; keep one"),
        (
            {"seeds": range(2), "problem": COMPLETION.replace(data_seed=1), "factorization": DEEP.replace(seed=1)},
            "seeds are given twice: as `seeds`, and by `data_seed`, `seed`; keep one",
        ),
        ({"measure": ["efective_rank"]}, "measure has 'efective_rank'; did you mean `effective_rank`?"),
        ({"measure": [3]}, "measure has 3; allowed: alignment, "),
        ({"measure": ["component_norms"]}, "measure component_norms does not apply: 'Dataset' object has no attribute"),
        ({"measure": ["unobserved_entry"]}, "unobserved_entry needs one unobserved entry a run"),
        ({"dtype": "float16"}, "train.fixed.dtype is 'float16': Input should be 'float32' or 'float64'"),
        ({"device": "gpu"}, "device is 'gpu'; allowed: cpu, cuda"),
        ({"batch_size": 3}, "completion counts in steps: no `batch_size`"),
        ({"optimizer": gr.GD(learning_rate=1e9)}, "the loss is "),
        ({"axes": {"shape": [[5, 5], [4, 4]]}}, "shape is [4, 4] and [5, 5]; allowed: one, where whole matrices are"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_named_in_one_line(changes, message):
    with pytest.raises(gr.UserError) as raised:
        train(**changes)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (gr.Completion, {"shape": (3,)}, "Completion.shape is [3]: List should have at least 2 items"),
        (
            gr.Completion,
            {"shape": (3, 4), "target_rank": 9, "target_norm": 1, "observations": 5},
            "target_rank is 9; the",
        ),
        (
            gr.Completion,
            {"shape": (3, 4), "target_norm": np.nan},
            "Completion.target_norm is nan; allowed: finite numbers",
        ),
        (
            gr.Completion,
            {"shape": (3, 4), "observed": [(0, 0, np.inf)]},
            "Completion.observed.0.2 is inf; allowed: finite",
        ),
        (gr.DeepMatrix, {"dept": 3}, "DeepMatrix.dept: unknown key; did you mean `depth`?"),
        (gr.DeepMatrix, {"depth": 2.5, "product_std": 1.0}, "DeepMatrix.depth is 2.5: Input should be a valid integer"),
        (gr.Stop, {"loss": 1e-3}, "Stop: give exactly one of `max_steps` and `max_epochs`"),
        (gr.GD, {"learning_rate": len}, "GD.learning_rate is <built-in function len>"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named_where_it_is_made(model, settings, message):
    with pytest.raises(gr.UserError, match="^" + model.__name__) as raised:
        model(**settings)
    assert message in str(raised.value)


def test_every_problem_with_a_target_has_its_usual_loss():
    common = {"shape": (3, 4), "target_rank": 1, "target_norm": 2, "observations": 5}
    assert gr.Completion(**common).loss == "mean"
    assert gr.HuberCompletion(**common, huber_threshold=0.1).loss == "huber"
    assert gr.Completion(**common, loss="half_sum").loss == "half_sum"


def test_settings_take_what_python_has_for_lists_and_numbers():
    plain = gr.Completion(shape=[3, 4], target_rank=1, target_norm=2.0, observations=5)
    assert plain == gr.Completion(
        shape=np.array([3, 4]), target_rank=np.int64(1), target_norm=np.float32(2), observations=5
    )
    assert plain == gr.Completion(shape=(3, 4), target_rank=1, target_norm=2, observations=5)
    assert plain.replace(observations=6).observations == 6 and plain.observations == 5
    with pytest.raises(gr.UserError, match="observations is 13"):
        plain.replace(observations=13)


# -- the public names -------------------------------------------------------------------------------


def test_the_library_is_imported_lazily():
    script = (
        "import sys, greedyrank as gr\n"
        "assert set(gr.__all__) <= set(dir(gr))\n"
        "assert not {'torch', 'numpy', 'pydantic', 'xarray', 'matplotlib'} & set(sys.modules), 'at once'\n"
        "gr.Completion, gr.DeepMatrix, gr.GD, gr.Stop, gr.Record, gr.UserError\n"
        "assert 'torch' not in sys.modules, 'with settings'\n"
        "print(*(getattr(gr, name).__name__ for name in gr.__all__))"
    )
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW)}
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, encoding="utf-8")
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == gr.__all__
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        gr.trian  # noqa: B018


def test_every_settings_class_of_the_grammar_is_public():
    assert {model.__name__ for known in (PROBLEMS, FACTORIZATIONS, OPTIMIZERS) for model in known.values()} < set(
        gr.__all__
    )
