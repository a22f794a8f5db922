"""Sweeps to runs, jobs and groups, and how overrides and scales are merged into them."""

import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greedyrank.config import schema, sweeps
from greedyrank.config.sweep_loader import load_sweep
from greedyrank.config.sweeps import Slice
from greedyrank.config.yaml_input import ConfigError


def slice_of(cases=(), axes=None, **fixed):
    return Slice("p", "f", "o", fixed, list(cases), axes or {}, [])


@pytest.fixture
def block(sweep_block):
    return sweep_block("deep_matrix", "gd", axes={"seed": [0, 1]})


def test_expand_crosses_axes_with_cases():
    runs = slice_of([{"a": [1, 2], "b": "x"}, {"a": 3}], {"c": [5, 6]}, b="y", d=[7, 8]).runs
    assert list(map(dict, runs)) == [
        {"a": a, "b": b, "c": c, "d": [7, 8]} for a, b in ((1, "x"), (2, "x"), (3, "y")) for c in (5, 6)
    ]


def test_no_cases_and_no_axes_is_one_run():
    assert list(map(dict, slice_of(a=1).runs)) == [{"a": 1}]
    assert sweeps.choices(slice_of(a=1), []) == [{}]
    assert sweeps.label({}) == "all"


def test_label():
    assert sweeps.label({"depth": 3, "dtype": "float32"}) == "depth-3_dtype-float32"


@st.composite
def small_sweeps(draw):
    """Draw a normalised sweep and the names that split it: cases and axes are lists, fixed has all."""
    values = st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True)
    axes = {name: draw(values) for name in draw(st.sets(st.sampled_from("abc")))}
    names = draw(st.sets(st.sampled_from("xyz"), min_size=1))
    cases = [
        {name: draw(values) for name in sorted(names) if draw(st.booleans())} for _ in range(draw(st.integers(0, 3)))
    ]
    varied = sorted({*axes, *(name for case in cases for name in case)})
    job_per = draw(st.lists(st.sampled_from(varied), unique=True)) if varied else []
    return slice_of(cases, axes, x=0, y=1, z=2), job_per


@given(small_sweeps())
def test_jobs_partition_the_runs(drawn):
    sweep, names = drawn
    whole = sorted(repr(sorted(run.items())) for run in sweep.runs)
    jobs = sweeps.choices(sweep, names)
    parts = []
    for job in jobs:
        runs = sweeps.narrow(sweep, job).runs
        assert runs
        assert all(run[name] == value for run in runs for name, value in job.items())
        parts += runs
    assert sorted(repr(sorted(run.items())) for run in parts) == whole
    assert len({sweeps.label(job) for job in jobs}) == len(jobs)


def apart(block):
    """Return which settings keep runs of one job in groups of their own, with and without jobs of their own."""
    resolved = load_sweep(block)
    (name,) = resolved.whole.apart
    block["job_per"] = [name]
    resolved = load_sweep(block)
    assert resolved.whole.apart == []
    return name


def test_seeds_that_go_with_the_data_seed(sweep_block):
    """Each has its value, in every case, and counted seeds are counted together."""
    cases = [{"learning_rate": 0.1}, {"learning_rate": 0.2, "factor_norm": [1.0, 2.0]}]
    block = sweep_block("psd", "gd", problem="sensing", cases=cases, axes={"data_seed": [3, 5]})
    block["with_data_seed"] = ["sensing_seed", "seed"]

    def seeds(**asked):
        names = ("learning_rate", "data_seed", "sensing_seed", "seed")
        return [tuple(run[name] for name in names) for run in load_sweep(block, **asked).whole.runs]

    assert seeds() == [(0.1, 3, 3, 3), (0.1, 5, 5, 5), *[(0.2, 3, 3, 3)] * 2, *[(0.2, 5, 5, 5)] * 2]
    assert seeds(seeds=3)[:3] == [(0.1, 3, 3, 3), (0.1, 5, 5, 5), (0.1, 0, 0, 0)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"axes": {"seed": [0, 1]}}, "sweep.with_data_seed needs `data_seed` in an axis or a case"),
        (
            {"axes": {"data_seed": [0, 1], "sensing_seed": [0]}},
            "sweep: `sensing_seed` is given, and stands in `with_data_seed`; keep one of them",
        ),
        ({"with_data_seed": ["data_seed"]}, "sweep.with_data_seed.0 is 'data_seed': "),
    ],
)
def test_what_cannot_go_with_the_data_seed(sweep_block, change, message):
    block = sweep_block("psd", "gd", problem="sensing", axes={"data_seed": [0, 1]})
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_sweep({**block, "with_data_seed": ["sensing_seed"], **change})


def test_one_job_keeps_the_groups(sweep_block):
    block = sweep_block("deep_matrix", "gd", axes={"seed": [0, 1], "learning_rate": [0.1, 0.2], "depth": [2, 3]})
    block |= {"job_per": ["learning_rate"], "one_job": True}
    resolved = load_sweep(block)
    small = resolved.whole
    assert sweeps.choices(small, resolved.job_per) == [{}]
    assert small.apart == ["depth", "learning_rate"]
    runs = small.runs
    assert [[(runs[i]["learning_rate"], runs[i]["depth"]) for i in group] for group in small.groups()] == [
        [(rate, depth)] * 2 for rate in (0.1, 0.2) for depth in (2, 3)
    ]


@pytest.mark.parametrize("name", ["shape", "measurements", "ensemble", "sensing_std", "sensing_seed"])
def test_runs_of_a_group_share_their_measurements(sweep_block, name):
    values = {
        "shape": [[4, 4], [5, 5]],
        "measurements": [5, 6],
        "ensemble": ["commuting", "gaussian"],
        "sensing_std": [0.1, 0.2],
        "sensing_seed": [0, 1],
    }[name]
    assert apart(sweep_block("deep_matrix", "gd", problem="sensing", axes={name: values})) == name


@pytest.mark.parametrize(
    ("factorization", "name", "values"),
    [
        ("deep_cp", "depth", [1, 2]),
        ("deep_cp", "components", [3, 4]),
        ("tucker", "depth", [0, 1]),
        ("tucker", "core_shape", [[2, 2, 2], [3, 4, 2]]),
        ("hierarchical", "widths", [[2, 2], [2, 3]]),
        ("tucker", "huber_threshold", [0.1, 0.2]),
    ],
)
def test_runs_of_a_group_share_what_their_arrays_depend_on(sweep_block, factorization, name, values):
    loss = {"loss": "huber"} if name == "huber_threshold" else {}
    assert apart(sweep_block(factorization, "gd", axes={name: values, "seed": [0, 1]}, **loss)) == name


@pytest.mark.parametrize("name", ["latent_size", "linear_layers", "test_size"])
def test_runs_of_a_group_of_autoencoders_have_equal_arrays(sweep_block, name):
    assert apart(sweep_block("autoencoder", "adam", axes={name: [2, 3], "seed": [0, 1]})) == name


def test_a_setting_of_job_per_may_differ_between_jobs(block):
    block["axes"]["depth"] = [2, 3]
    block["job_per"] = ["depth"]
    resolved = load_sweep(block)
    assert sweeps.choices(resolved.whole, ["depth"]) == [{"depth": 2}, {"depth": 3}]


# -- scales and overrides ----------------------------------------------------------------------------


def test_scales_override_key_by_key(block):
    block["scales"] = {"smoke": {"fixed": {"stop": {"max_steps": 3}}, "axes": {"seed": [9]}}}
    block["fixed"]["stop"] = {"loss": 0.5, "max_steps": 20}
    assert [run["stop"]["max_steps"] for run in load_sweep(block).whole.runs] == [20, 20]
    (run,) = load_sweep(block, "smoke").whole.runs
    assert (run["seed"], run["stop"]["max_steps"], run["stop"]["loss"]) == (9, 3, 0.5)


def test_an_override_of_the_user_wins_over_the_scales_of_the_paper(block):
    block["scales"] = {"smoke": {"fixed": {"learning_rate": 0.2, "target_norm": 3.0}, "axes": {"seed": [9]}}}
    override = {"fixed": {"learning_rate": 0.3}, "scales": {"smoke": {"axes": {"seed": {"count": 3}}}}}
    smoke = load_sweep(block, "smoke", override=override).whole
    assert (smoke.fixed["learning_rate"], smoke.fixed["target_norm"], smoke.axes) == (0.3, 3.0, {"seed": [0, 1, 2]})
    laptop = load_sweep(block, "laptop", override=override).whole
    assert (laptop.fixed["learning_rate"], laptop.fixed["target_norm"], laptop.axes) == (0.3, 2.0, {"seed": [0, 1]})


def test_an_override_changes_what_stands_at_the_top_too(block):
    override = {"baseline": {"kind": "minimum_nuclear_norm"}, "job_per": ["seed"], "source": "mine"}
    found = load_sweep(block, override=override)
    assert (found.source, found.job_per, found.baseline["kind"]) == ("mine", ["seed"], "minimum_nuclear_norm")


def test_a_range_is_a_list_of_equally_spaced_numbers(block):
    block["axes"]["learning_rate"] = {"count": 4, "from": 0.1, "to": 0.4}
    assert [run["learning_rate"] for run in load_sweep(block).whole.runs][:4] == [0.1, 0.2, 0.3, 0.4]


def test_a_count_is_the_list_of_so_many(block):
    block["axes"]["seed"] = {"count": 3}
    block["cases"] = [{"data_seed": {"count": 2}}, {"data_seed": 7}]
    block["scales"] = {"smoke": {"axes": {"seed": {"count": 1}}}, "paper": {"axes": {"seed": [5]}}}
    jsonschema.validate({"small": block}, schema.build()["sweeps"])
    laptop = load_sweep(block).whole
    # What jobs get is the plain list.
    assert laptop.axes == {"seed": [0, 1, 2]}
    assert laptop.cases == [{"data_seed": [0, 1]}, {"data_seed": [7]}]
    for scale, seeds in (("smoke", [0]), ("paper", [5])):
        assert load_sweep(block, scale).whole.axes == {"seed": seeds}


def test_a_resolved_sweep_is_the_same_sweep(block):
    block |= {"cases": [{"depth": [2, 3]}, {"depth": 4}], "job_per": ["depth"]}
    once = load_sweep(block)
    assert load_sweep(once.to_json()) == once


# -- the number of seeds of every sweep -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("axes", "cases", "count", "expected"),
    [
        ({"seed": [0, 1]}, [], 4, {"seed": {0, 1, 2, 3}}),
        ({"seed": [0, 1, 2]}, [], 2, {"seed": {0, 1}}),
        ({"seed": [7, 1]}, [], 4, {"seed": {7, 1, 0, 2}}),
        ({"seed": {"count": 3}}, [], 1, {"seed": {0}}),
        ({"seed": [0, 1], "data_seed": [0, 1, 2]}, [], 5, {"seed": {0, 1}, "data_seed": {0, 1, 2, 3, 4}}),
        ({}, [{"depth": 2, "seed": [0, 1]}, {"depth": 3, "seed": 4}], 3, {"seed": {0, 1, 2, 4}}),
        ({"seed": [0]}, [{"depth": 2, "data_seed": 0}], 3, {"seed": {0}, "data_seed": {0, 1, 2}}),
        ({"depth": [2, 3]}, [], 3, {"seed": {0}, "data_seed": {0}}),
    ],
)
def test_a_sweep_draws_so_many_seeds(sweep_block, axes, cases, count, expected):
    given = sweep_block("deep_matrix", "gd", axes=axes, cases=cases)
    runs = load_sweep(given, seeds=count).whole.runs
    assert {name: {run[name] for run in runs} for name in expected} == expected
    others = [{name: value for name, value in run.items() if name not in expected} for run in runs]
    before = load_sweep(given).whole.runs
    assert {repr(other) for other in others} == {
        repr({name: value for name, value in run.items() if name not in expected}) for run in before
    }


def test_a_case_has_as_many_seeds_as_the_others(sweep_block):
    cases = [{"depth": 2, "seed": [0, 1, 2]}, {"depth": 3, "seed": 4}]
    runs = load_sweep(sweep_block("deep_matrix", "gd", cases=cases), seeds=2).whole.runs
    assert [(run["depth"], run["seed"]) for run in runs] == [(2, 0), (2, 1), (3, 4), (3, 0)]


def test_an_override_of_seeds_yields_to_their_number(sweep_block):
    given = sweep_block("deep_matrix", "gd", axes={"seed": [0]})
    runs = load_sweep(given, override={"axes": {"seed": [3, 5]}}, seeds=3).whole.runs
    assert [run["seed"] for run in runs] == [3, 5, 0]
