"""Sweeps to runs and batches, and one clear message for everything wrong in a config."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import psutil
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from greedyrank.claims import judging
from greedyrank.config import loading, schema, sweeps
from greedyrank.config.loading import ConfigError
from greedyrank.plan import graph, memory

ROOT = Path(__file__).resolve().parents[2]

# -- sweeps -----------------------------------------------------------------------------------------


def block(cases=(), axes=None, **fixed):
    return {
        "problem": "p",
        "factorization": "f",
        "optimizer": "o",
        "fixed": fixed,
        "cases": list(cases),
        "axes": axes or {},
        "apart": [],
    }


def test_expand_crosses_axes_with_cases():
    runs = EXPAND(block([{"a": [1, 2], "b": "x"}, {"a": 3}], {"c": [5, 6]}, b="y", d=[7, 8]))
    assert runs == [{"a": a, "b": b, "c": c, "d": [7, 8]} for a, b in ((1, "x"), (2, "x"), (3, "y")) for c in (5, 6)]


def test_no_cases_and_no_axes_is_one_run():
    assert EXPAND(block(a=1)) == [{"a": 1}]
    assert sweeps.choices(block(a=1), []) == [{}]
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
    batch = draw(st.lists(st.sampled_from(varied), unique=True)) if varied else []
    return block(cases, axes, x=0, y=1, z=2), batch


@given(small_sweeps())
def test_batches_partition_the_runs(drawn):
    sweep, names = drawn
    whole = sorted(map(repr, map(lambda run: sorted(run.items()), sweep.runs)))
    batches = sweeps.choices(sweep, names)
    parts = []
    for batch in batches:
        runs = EXPAND(sweeps.narrow(sweep, batch))
        assert runs
        assert all(run[name] == value for run in runs for name, value in batch.items())
        parts += runs
    assert sorted(repr(sorted(run.items())) for run in parts) == whole
    assert len({sweeps.label(batch) for batch in batches}) == len(batches)


# -- config: what is wrong --------------------------------------------------------------------------


def errors_of(raw):
    with pytest.raises(ConfigError) as error:
        loading.load(raw)
    return error.value.messages


@pytest.fixture
def raw(raw_config):
    return raw_config("deep_matrix", "gd", axes={"seed": [0, 1]})


def test_a_config_fills_in_defaults(raw):
    loaded, resolved = loading.load(raw)
    assert (loaded.scale, loaded.device, loaded.data_dir, loaded.results_dir) == ("laptop", "auto", "data", "results")
    runs = EXPAND(resolved["small"])
    assert [run["seed"] for run in runs] == [0, 1]
    assert runs[0]["stop"] == {"loss": 0.0, "checks": 0, "every": 1, "max_steps": 20, "max_epochs": None}
    assert runs[0]["det"] == "any"


def spoil(raw, path, value):
    """Set a value deep inside a config."""
    *parents, last = path.split("/")
    for key in parents:
        raw = raw[key]
    raw[last] = value


FIXED = "sweeps/small/fixed"
NUMBER = ": Input should be a valid number (YAML reads 1e-4 as text: write 1.0e-4)"

WRONG = {
    "top-level key": ("scal", "smoke", "scal: unknown key; did you mean `scale`?"),
    "sweep key": ("sweeps/small/fixd", {}, "sweeps.small.fixd: unknown key; did you mean `fixed`?"),
    "setting": (
        f"{FIXED}/learning_rte",
        0.1,
        "sweeps.small.fixed.learning_rte: unknown key; did you mean `learning_rate`?",
    ),
    "setting of a case": (
        "sweeps/small/cases",
        [{"dept": 2}],
        "sweeps.small.cases.0.dept: unknown key; did you mean `depth`?",
    ),
    "axis": ("sweeps/small/axes/sed", [0], "sweeps.small.axes.sed: unknown key; did you mean `seed`?"),
    "key of a block": (
        f"{FIXED}/stop",
        {"max_step": 9},
        "sweeps.small.fixed.stop.max_step: unknown key; did you mean `max_steps`?",
    ),
    "key of an optional block": (
        f"{FIXED}/growth",
        {"evry": 9, "every": 9, "offsets": [0, 1]},
        "sweeps.small.fixed.growth.evry: unknown key; did you mean `every`?",
    ),
    "figure key": ("figures/det_sign/measure", [], "figures.det_sign.measure: unknown key; did you mean `measures`?"),
    "text for a number": (
        f"{FIXED}/learning_rate",
        "1e-4",
        "sweeps.small.fixed.learning_rate is '1e-4'" + NUMBER,
    ),
    "text for a number in a block": (
        f"{FIXED}/stop",
        {"loss": "1e-4", "max_steps": 9},
        "sweeps.small.fixed.stop.loss is '1e-4'" + NUMBER,
    ),
    "text for an optional number": (
        f"{FIXED}/target_norm",
        "1e2",
        "sweeps.small.fixed.target_norm is '1e2'" + NUMBER,
    ),
    "fraction for a count": (f"{FIXED}/depth", 2.5, "sweeps.small.fixed.depth is 2.5: Input should be a valid integer"),
    "truth value for a count": (
        f"{FIXED}/depth",
        True,
        "sweeps.small.fixed.depth is True: Input should be a valid integer",
    ),
    "word": (
        f"{FIXED}/det",
        "plus",
        "sweeps.small.fixed.det is 'plus': Input should be 'any', 'positive' or 'negative'",
    ),
    "scale": ("scale", "tiny", "scale is 'tiny': Input should be 'smoke', 'laptop' or 'paper'"),
    "target rank": (f"{FIXED}/target_rank", 5, "sweeps.small: target_rank is 5; the shape [4, 4] allows at most 4"),
    "observations": (
        f"{FIXED}/observations",
        17,
        "sweeps.small: observations is 17; a tensor of shape [4, 4] has 16 entries",
    ),
    "no seed": ("sweeps/small/axes/seed", [], "sweeps.small.axes.seed is an empty list; give at least one value"),
    "count of an axis": (
        "sweeps/small/axes/seed",
        {"count": 0},
        "sweeps.small.axes.seed: {'count': 0} is no count;"
        " write {count: n}, n a whole number above 0, for 0, 1, ... n - 1",
    ),
    "count of a case": (
        "sweeps/small/cases",
        [{"data_seed": {"count": True}}],
        "sweeps.small.cases.0.data_seed: {'count': True} is no count;"
        " write {count: n}, n a whole number above 0, for 0, 1, ... n - 1",
    ),
    "count and more": (
        "sweeps/small/scales",
        {"laptop": {"axes": {"seed": {"count": 2, "first": 1}}}},
        "sweeps.small.scales.laptop.axes.seed: {'count': 2, 'first': 1} is no count;"
        " write {count: n}, n a whole number above 0, for 0, 1, ... n - 1",
    ),
    "huge count": (
        "sweeps/small/axes/seed",
        {"count": 10**9},
        "sweeps.small.axes.seed: {'count': 1000000000} are more than the 1000000 runs that a sweep may have",
    ),
    "huge product": (
        "sweeps/small/axes",
        {"seed": {"count": 10_000}, "data_seed": {"count": 101}},
        "sweeps.small: its cases and axes make 1010000 runs; allowed: up to 1000000",
    ),
    "seed out of range": (
        "sweeps/small/axes/seed",
        [0, -1],
        "sweeps.small.axes.seed is -1: Input should be greater than or equal to 0",
    ),
    "a run of two cases": (
        "sweeps/small/cases",
        [{"depth": [3, 2]}, {"depth": 1}, {"observations": [8, 9]}],
        "sweeps.small.cases.2 has a run that cases.0 has too; give each run once",
    ),
    "baseline": (
        "sweeps/small/baseline",
        {"kind": ["least_squares"]},
        "sweeps.small.baseline.kind is ['least_squares']; did you mean `least_squares`?",
    ),
    "not finite": (
        "figures/det_sign/draw",
        {"entry_max": float("nan")},
        "figures.det_sign.draw.entry_max is nan; allowed: finite numbers",
    ),
    "batch name": (
        "sweeps/small/batch",
        ["sead"],
        "sweeps.small.batch: `sead` is neither an axis nor a case; did you mean `seed`?",
    ),
    "duplicate": (
        "sweeps/small/axes/seed",
        [3, 4, 3],
        "sweeps.small.axes.seed has 3 twice; give each value once",
    ),
    "measure": (
        "figures/det_sign/measures",
        ["determinent"],
        "figures.det_sign.measures: no measure `determinent`; did you mean `determinant`?",
    ),
    "sweep of a figure": (
        "figures/det_sign/sweeps",
        ["smal"],
        "figures.det_sign.sweeps: no sweep `smal`; did you mean `small`?",
    ),
    "draw key": (
        "figures/det_sign/draw",
        {"entry_mx": 3},
        "figures.det_sign.draw.entry_mx: unknown key; did you mean `entry_max`?",
    ),
    "factorization": (
        "sweeps/small/factorization",
        "deep_matrx",
        "sweeps.small.factorization is 'deep_matrx'; did you mean `deep_matrix`?",
    ),
    "two inits": (
        f"{FIXED}/identity_scale",
        0.1,
        "sweeps.small: give exactly one of `identity_scale`, `layer_alpha` and `product_std`",
    ),
    "two caps": (
        f"{FIXED}/stop",
        {"max_steps": 5, "max_epochs": 5},
        "sweeps.small.fixed.stop: give exactly one of `max_steps` and `max_epochs`",
    ),
    "shape": (f"{FIXED}/shape", [4, 5, 2], "sweeps.small: shape is [4, 5, 2]; deep_matrix takes matrices"),
    "scale override": (
        "sweeps/small/scales",
        {"laptop": {"axis": {}}},
        "sweeps.small.scales.laptop.axis: unknown key; did you mean `axes`?",
    ),
    "key that no scale overrides": (
        "sweeps/small/scales",
        {"laptop": {"problem": "completion"}},
        "sweeps.small.scales.laptop.problem: unknown key; allowed: axes, batch, cases, fixed",
    ),
    "stencil": (
        f"{FIXED}/growth",
        {"every": 5, "offsets": [0, 5]},
        "sweeps.small.fixed.growth: offsets is [0, 5]; allowed: 0, then rising, all below every = 5",
    ),
}


@pytest.mark.parametrize("name", ["$(touch x)", "../small", "small\n", "{small}", "1", "klein groß", "s" * 201])
def test_names_of_sweeps_and_figures(raw, name):
    for key, known in (("sweeps", "small"), ("figures", "det_sign")):
        (message,) = errors_of({**raw, key: {**raw[key], name: raw[key][known]}})
        assert message.startswith(f"{key}.")
        assert message.endswith("is no name; allowed: up to 200 letters, digits and _, a letter first")


@pytest.mark.parametrize("name", ["", "a\nb", "{results}", "-rf", "~/results", "a/" + "b" * 201, "a/" * 600])
@pytest.mark.parametrize("key", ["data_dir", "results_dir"])
def test_names_of_folders(raw, key, name):
    raw[key] = name
    (message,) = errors_of(raw)
    assert message.startswith(f"{key} is ''" if name == "" else f"{key}: ")
    raw[key] = "/data of/ünï's $(x); <b>&"
    loading.load(raw)


def test_jobs_of_a_sweep_are_counted(raw):
    raw["sweeps"]["small"] |= {"axes": {"seed": {"count": 30_000}}, "batch": ["seed"]}
    assert errors_of(raw) == ["sweeps.small.batch makes 30000 jobs; allowed: up to 20000"]


def test_names_of_jobs_are_no_longer_than_names_of_files(raw_config, monkeypatch):
    monkeypatch.setattr(loading, "load_claims", lambda *given: [])
    entries = [[[row, column, value] for row in range(6) for column in range(6)] for value in (0.0, 1.0)]
    raw = raw_config("deep_matrix", "gd", shape=[6, 6], axes={"observed": entries}, batch=["observed"],
                     target_rank=None, target_norm=None, observations=None)  # fmt: skip
    with pytest.raises(ConfigError) as error:
        graph.Plan(raw)
    (message,) = error.value.messages
    assert message.startswith("sweeps.small.batch gives a job the name observed--0.0-0.0-0.0-0.0-1.0-0.0-")
    assert message.endswith("allowed: 200 characters")
    raw["sweeps"]["small"] |= {"batch": []}
    assert list(graph.Plan(raw).instances["small"]) == ["all"]
    # Files need no names that tell what is in them.
    cases = [{"seed": seed, "observed": entries[seed : seed + 1]} for seed in (0, 1)]
    raw["sweeps"]["small"] |= {"batch": ["seed"], "cases": cases, "axes": {}}
    assert list(graph.Plan(raw).instances["small"]) == ["file-0", "file-1"]


@pytest.mark.parametrize("wrong", WRONG)
def test_message(raw, wrong):
    path, value, message = WRONG[wrong]
    spoil(raw, path, value)
    assert errors_of(raw) == [message]


KINDS = "give exactly one of target_rank, target_spectrum, target_decay, target_multilinear_rank, target_widths"
NORM = "a target needs `target_norm`; only `target_spectrum` has its own norm"
OBSERVED = "give either `observed`, or a target and one of `observations` and `observed_fraction`"
SPECTRUM = {"target_rank": None, "target_norm": None, "target_spectrum": [2.0, 1.0]}
DECAY = {"target_rank": None, "target_decay": 1.0}
MULTILINEAR = {"target_rank": None, "target_multilinear_rank": [2, 2, 2]}
TREE = {"target_rank": None, "target_widths": [3, 3]}  # of the small hierarchical shape, [3, 2, 2, 3]
SENSING = {"problem": "sensing"}
RANK_ONE = {**SENSING, "ensemble": "rank_one", "sensing_std": None}
HUBER = {"loss": "huber", "huber_threshold": 0.5}
HUBER_ALONE = "`huber_threshold` goes with the loss huber, and only with it"
SENSING_STD = "`sensing_std` goes with every ensemble but rank_one, whose A_i have Frobenius norm 1"
ALPHA = {"product_std": None, "layer_alpha": 0.5}
DRAWN = "`balanced` and `det` go with `product_std`; the other inits are not drawn"
ONE_INIT = "give exactly one of `identity_scale`, `layer_alpha` and `product_std`"

# Factorization, settings in place of the small ones, and what is wrong with them together.
WRONG_TOGETHER = {
    "rank and decay": ("deep_matrix", {"target_decay": 1.0}, KINDS),
    "rank and spectrum": ("deep_matrix", {"target_spectrum": [1.0]}, KINDS),
    "spectrum and decay": ("deep_matrix", {**SPECTRUM, "target_decay": 1.0}, KINDS),
    "no target": ("deep_matrix", {"target_rank": None}, KINDS),
    "no target of sensing": ("deep_matrix", {**SENSING, "target_rank": None}, KINDS),
    "rank without norm": ("deep_matrix", {"target_norm": None}, NORM),
    "decay without norm": ("deep_matrix", {**DECAY, "target_norm": None}, NORM),
    "spectrum with norm": ("deep_matrix", {**SPECTRUM, "target_norm": 2.0}, NORM),
    "rank above columns": (
        "deep_matrix",
        {"shape": [5, 3], "target_rank": 4},
        "target_rank is 4; the shape [5, 3] allows at most 3",
    ),
    "rank above rows": (
        "deep_matrix",
        {**SENSING, "shape": [3, 5], "target_rank": 4},
        "target_rank is 4; the shape [3, 5] allows at most 3",
    ),
    "rank of a tensor": (
        "cp",
        {"shape": [3, 4, 2], "target_rank": 7},
        "target_rank is 7; the shape [3, 4, 2] allows at most 6",
    ),
    "long spectrum": (
        "deep_matrix",
        {**SPECTRUM, "target_spectrum": [5.0, 4.0, 3.0, 2.0, 1.0]},
        "target_spectrum has 5 eigenvalues; the shape [4, 4] allows at most 4",
    ),
    "symmetric rectangle": (
        "deep_matrix",
        {"shape": [3, 5], "target_symmetric": True},
        "shape is [3, 5]; a symmetric target needs a square matrix",
    ),
    "spectrum of a rectangle": (
        "deep_matrix",
        {"shape": [3, 5], **SPECTRUM},
        "shape is [3, 5]; a symmetric target needs a square matrix",
    ),
    "decay of a rectangle": (
        "deep_matrix",
        {"shape": [5, 3], **DECAY},
        "shape is [5, 3]; a symmetric target needs a square matrix",
    ),
    "symmetric tensor": (
        "cp",
        {"shape": [3, 3, 3], "target_symmetric": True},
        "shape is [3, 3, 3]; a symmetric target needs a square matrix",
    ),
    "length of a mode": (
        "deep_matrix",
        {"shape": [0, 4]},
        "shape is [0, 4]; every mode needs a length of at least 1",
    ),
    "nothing observed": ("deep_matrix", {"observations": None}, OBSERVED),
    "a number and a fraction": ("cp", {"observed_fraction": 0.5}, OBSERVED),
    "entry twice": (
        "deep_matrix",
        {"observed": [[0, 1, 1.0], [2, 3, 0.0], [0, 1, 1.0]]},
        "observed has the entry [0, 1] twice",
    ),
    "entry outside": (
        "deep_matrix",
        {"observed": [[0, 1, 1.0], [4, 0, 1.0]]},
        "observed has the row [4.0, 0.0, 1.0]; allowed: 2 indices within [4, 4], then a value",
    ),
    "negative entry": (
        "deep_matrix",
        {"observed": [[0, -1, 1.0]]},
        "observed has the row [0.0, -1.0, 1.0]; allowed: 2 indices within [4, 4], then a value",
    ),
    "entry between": (
        "deep_matrix",
        {"observed": [[0, 0.5, 1.0]]},
        "observed has the row [0.0, 0.5, 1.0]; allowed: 2 indices within [4, 4], then a value",
    ),
    "entry without value": (
        "deep_matrix",
        {"observed": [[0, 1]]},
        "observed has the row [0.0, 1.0]; allowed: 2 indices within [4, 4], then a value",
    ),
    "commuting on a rectangle": (
        "deep_matrix",
        {**SENSING, "shape": [3, 5], "ensemble": "commuting"},
        "shape is [3, 5]; commuting measurements need a square matrix",
    ),
    "commuting on a tensor": (
        "cp",
        {**SENSING, "shape": [3, 3, 3], "ensemble": "commuting"},
        "shape is [3, 3, 3]; commuting measurements need a square matrix",
    ),
    "beta as large as alpha": (
        "deep_matrix",
        {**ALPHA, "layer_beta": 0.5},
        "layer_beta is 0.5; allowed: 0 to below layer_alpha = 0.5",
    ),
    "beta without alpha": (
        "deep_matrix",
        {"layer_beta": 0.5},
        "`layer_beta` goes with `layer_alpha`",
    ),
    "alpha and product": ("deep_matrix", {"layer_alpha": 0.5}, ONE_INIT),
    "alpha and identity": ("deep_matrix", {**ALPHA, "identity_scale": 0.5}, ONE_INIT),
    "no init": ("deep_matrix", {"product_std": None}, ONE_INIT),
    "det of a rectangle": (
        "deep_matrix",
        {"shape": [3, 5], "det": "negative"},
        "shape is [3, 5]; only a square matrix has a determinant: leave out `det`",
    ),
    "det of the identity": ("deep_matrix", {"product_std": None, "identity_scale": 0.1, "det": "positive"}, DRAWN),
    "det of layers": ("deep_matrix", {**ALPHA, "det": "negative"}, DRAWN),
    "balanced layers": ("deep_matrix", {**ALPHA, "balanced": True}, DRAWN),
    "psd rectangle": ("psd", {"shape": [3, 5]}, "shape is [3, 5]; psd takes square matrices"),
    "psd rectangle of sensing": ("psd", {**SENSING, "shape": [5, 3]}, "shape is [5, 3]; psd takes square matrices"),
    "psd tensor": ("psd", {"shape": [3, 3, 3]}, "shape is [3, 3, 3]; psd takes square matrices"),
    "multilinear rank and rank": ("cp", {**MULTILINEAR, "target_rank": 2}, KINDS),
    "widths and spectrum": ("hierarchical", {**TREE, "target_spectrum": [1.0]}, KINDS),
    "multilinear rank without norm": ("cp", {**MULTILINEAR, "target_norm": None}, NORM),
    "widths without norm": ("hierarchical", {**TREE, "target_norm": None}, NORM),
    "symmetric multilinear rank": (
        "deep_matrix",
        {"target_rank": None, "target_multilinear_rank": [2, 2], "target_symmetric": True},
        "`target_symmetric` goes with `target_rank`; target_multilinear_rank draws no symmetric target",
    ),
    "symmetric widths": (
        "deep_matrix",
        {"target_rank": None, "target_widths": [2], "target_symmetric": True},
        "`target_symmetric` goes with `target_rank`; target_widths draws no symmetric target",
    ),
    "multilinear rank of another order": (
        "cp",
        {**MULTILINEAR, "target_multilinear_rank": [2, 2]},
        "target_multilinear_rank is [2, 2]; allowed: one rank for each mode of [3, 4, 2]",
    ),
    **{
        f"multilinear rank {ranks}": (
            "cp",
            {**MULTILINEAR, "target_multilinear_rank": ranks},
            f"target_multilinear_rank is {ranks}; the shape [3, 4, 2] does not allow {wrong}",
        )
        # Above the length of a mode; none; above the product of the others.
        for ranks, wrong in (([3, 4, 3], 3), ([0, 2, 2], 0), ([1, 3, 2], 3))
    },
    "widths of a tensor of order 3": (
        "cp",
        {**TREE, "target_widths": [2]},
        "shape is [3, 4, 2], of order 3; a binary tree needs an order of 2, 4, 8, ...",
    ),
    "few widths": (
        "hierarchical",
        {**TREE, "target_widths": [2]},
        "target_widths is [2]; allowed: 2 widths, one for each level of [3, 2, 2, 3]",
    ),
    "width of none": (
        "hierarchical",
        {**TREE, "target_widths": [2, 0]},
        "target_widths is [2, 0]; the shape [3, 2, 2, 3] allows widths from 1 to its 36 entries",
    ),
    "width above the entries": (
        "hierarchical",
        {**TREE, "target_widths": [37, 2]},
        "target_widths is [37, 2]; the shape [3, 2, 2, 3] allows widths from 1 to its 36 entries",
    ),
    "root spectrum of another length": (
        "hierarchical",
        {**TREE, "target_root_spectrum": [2.0, 1.0]},
        "target_root_spectrum is [2.0, 1.0]; it needs `target_widths`, and one value for each of the last",
    ),
    "root spectrum without widths": (
        "hierarchical",
        {"target_root_spectrum": [2.0, 1.0]},
        "target_root_spectrum is [2.0, 1.0]; it needs `target_widths`, and one value for each of the last",
    ),
    "root spectrum with a zero": (
        "hierarchical",
        {**TREE, "target_root_spectrum": [2.0, 1.0, 0.0]},
        "target_root_spectrum is [2.0, 1.0, 0.0]; allowed: singular values above 0",
    ),
    **{
        f"root spectrum of widths {widths}": (
            "hierarchical",
            {"shape": shape, "widths": widths, **TREE, "target_widths": widths, "target_root_spectrum": [1.0] * number},
            f"target_root_spectrum has {number} values; target_widths {widths} and the shape {shape} allow at most"
            f" {most}",
        )
        # Narrow leaves; a narrow level between; short modes on one side.
        for shape, widths, number, most in (
            ([3, 2, 2, 3], [2, 3], 3, 2),
            ([2] * 8, [4, 2, 3], 3, 2),
            ([3, 3, 1, 2], [4, 4], 4, 2),
            ([5, 3], [4], 4, 3),
        )
    },
    "huber without threshold": ("cp", {"loss": "huber"}, HUBER_ALONE),
    "threshold without huber": ("cp", {"huber_threshold": 0.5}, HUBER_ALONE),
    "threshold without huber of sensing": ("cp", {**SENSING, "huber_threshold": 0.5}, HUBER_ALONE),
    "huber of deep_matrix": (
        "deep_matrix",
        HUBER,
        "deep_matrix has no huber loss: its growth laws are measured with squares",
    ),
    "huber of deep_matrix in sensing": (
        "deep_matrix",
        {**SENSING, **HUBER},
        "deep_matrix has no huber loss: its growth laws are measured with squares",
    ),
    "sensing_std with rank_one": ("cp", {**RANK_ONE, "sensing_std": 0.5}, SENSING_STD),
    "gaussian without sensing_std": ("cp", {**SENSING, "sensing_std": None}, SENSING_STD),
    "too many components": (
        "deep_cp",
        {"components": 25},
        "components is 25; the shape [3, 4, 2] has 24 entries",
    ),
    **{
        f"core_shape {core}": (
            "tucker",
            {"core_shape": core},
            f"core_shape is {core}; allowed: one length a mode, each from 1 to that of [3, 4, 2]",
        )
        for core in ([3, 4], [3, 4, 2, 1], [3, 5, 2], [3, 0, 2])
    },
    "core_shape at depth 0": (
        "tucker",
        {"core_shape": [3, 3, 2], "depth": 0},
        "core_shape is [3, 3, 2]; at depth 0 the core is the tensor, of shape [3, 4, 2]",
    ),
    **{
        f"tree of order {len(shape)}": (
            "hierarchical",
            {"shape": shape},
            f"shape is {shape}, of order {len(shape)}; a binary tree needs an order of 2, 4, 8, ...",
        )
        for shape in ([3, 4, 2], [3, 2, 2, 2, 2, 3])
    },
    "many widths of a factorization": (
        "hierarchical",
        {"widths": [2, 2, 2]},
        "widths is [2, 2, 2]; allowed: 2 widths, one for each level of [3, 2, 2, 3]",
    ),
    "widths of a factorization": (
        "hierarchical",
        {"widths": [2, -1]},
        "widths is [2, -1]; the shape [3, 2, 2, 3] allows widths from 1 to its 36 entries",
    ),
    **{
        f"{name} beside entries by hand": (
            "deep_matrix",
            {"observed": [[0, 1, 1.0]], name: value},
            f"`observed` excludes {name}",
        )
        for name, value in (
            ("observations", 1),
            ("replacement", True),
            ("noise_std", 0.1),
            ("target_symmetric", True),
            ("target_rank", 2),
            ("target_norm", 2.0),
            ("target_spectrum", [1.0]),
            ("target_decay", 1.0),
            ("target_multilinear_rank", [2, 2]),
            ("target_widths", [2]),
            ("target_root_spectrum", [1.0]),
            ("observed_fraction", 0.5),
        )
    },
}


@pytest.mark.parametrize("wrong", WRONG_TOGETHER)
def test_message_of_settings_together(raw_config, wrong):
    factorization, overrides, message = WRONG_TOGETHER[wrong]
    raw = raw_config(factorization, "gd", **overrides)
    # The fixture clears what entries by hand exclude.
    raw["sweeps"]["small"]["fixed"] |= {name: value for name, value in overrides.items() if name != "problem"}
    assert errors_of(raw) == [f"sweeps.small: {message}"]


ABOVE = "Input should be greater than 0"
OUT_OF_RANGE = {
    "measurements": ("deep_matrix", {**SENSING, "measurements": 0}, f"measurements is 0: {ABOVE}"),
    "sensing_std": ("deep_matrix", {**SENSING, "sensing_std": 0.0}, f"sensing_std is 0.0: {ABOVE}"),
    "noise_std": ("cp", {"noise_std": -0.1}, "noise_std is -0.1: Input should be greater than or equal to 0"),
    "target_decay": ("deep_matrix", {**DECAY, "target_decay": 0.0}, f"target_decay is 0.0: {ABOVE}"),
    "observed_fraction": ("cp", {"observations": None, "observed_fraction": 0.0}, f"observed_fraction is 0.0: {ABOVE}"),
    "negative observed_fraction": (
        "cp",
        {"observations": None, "observed_fraction": -0.1},
        f"observed_fraction is -0.1: {ABOVE}",
    ),
    "observed_fraction above 1": (
        "cp",
        {"observations": None, "observed_fraction": 1.5},
        "observed_fraction is 1.5: Input should be less than or equal to 1",
    ),
    "huber_threshold": ("cp", {**HUBER, "huber_threshold": 0.0}, f"huber_threshold is 0.0: {ABOVE}"),
    "components": ("deep_cp", {"components": 0}, f"components is 0: {ABOVE}"),
    "depth of deep_cp": ("deep_cp", {"depth": 0}, f"depth is 0: {ABOVE}"),
    "depth of tucker": ("tucker", {"depth": -1}, "depth is -1: Input should be greater than or equal to 0"),
    "core_std": ("tucker", {"core_std": 0.0}, f"core_std is 0.0: {ABOVE}"),
    "widths": (
        "hierarchical",
        {"widths": []},
        "widths is []: List should have at least 1 item after validation, not 0",
    ),
    "factor_std": ("hierarchical", {"factor_std": 0.0}, f"factor_std is 0.0: {ABOVE}"),
    "layer_alpha": ("deep_matrix", {**ALPHA, "layer_alpha": 0.0}, f"layer_alpha is 0.0: {ABOVE}"),
    "layer_beta": (
        "deep_matrix",
        {**ALPHA, "layer_beta": -0.1},
        "layer_beta is -0.1: Input should be greater than or equal to 0",
    ),
    "factor_norm": ("psd", {"factor_norm": 0.0}, f"factor_norm is 0.0: {ABOVE}"),
    "target_spectrum": (
        "deep_matrix",
        {**SPECTRUM, "target_spectrum": []},
        "target_spectrum is []: List should have at least 1 item after validation, not 0",
    ),
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_message_of_what_is_out_of_range(raw_config, name):
    factorization, overrides, message = OUT_OF_RANGE[name]
    assert errors_of(raw_config(factorization, "gd", **overrides)) == [f"sweeps.small.fixed.{message}"]


def test_measurements_are_needed(raw_config):
    raw = raw_config("psd", "gd", problem="sensing")
    del raw["sweeps"]["small"]["fixed"]["measurements"]
    assert errors_of(raw) == ["sweeps.small.measurements: missing key"]


@pytest.mark.parametrize(
    ("factorization", "overrides"),
    [
        ("deep_matrix", {"shape": [3, 5], "target_rank": 3, "balanced": True}),
        ("deep_matrix", {**ALPHA, "layer_beta": 0.49}),
        ("deep_matrix", {**SPECTRUM, "target_spectrum": [4.0, 3.0, -2.0, 1.0]}),
        ("deep_matrix", {**DECAY, "replacement": True, "noise_std": 0.1}),
        ("deep_matrix", {**SENSING, "shape": [5, 3], "measurements": 100}),
        ("psd", {**SENSING, "ensemble": "commuting", "target_symmetric": True, "start": "identity"}),
        ("cp", {**SENSING, "shape": [3, 4, 2], "target_rank": 6}),
        ("cp", {**RANK_ONE, **HUBER, "balanced": True}),
        ("cp", {**MULTILINEAR, "target_multilinear_rank": [2, 4, 2], "observations": None, "observed_fraction": 1.0}),
        ("deep_cp", {"components": 24, "depth": 1}),
        ("tucker", {"core_shape": [1, 4, 2], "depth": 1}),
        ("tucker", {"core_shape": [3, 4, 2], "depth": 0}),
        ("hierarchical", {**TREE, "target_root_spectrum": [3.0, 2.0, 1.0], "widths": [36, 36]}),
        ("hierarchical", {"shape": [5, 3], "widths": [1], "record": {"every": 5, "end_to_end": True}}),
    ],
)
def test_settings_just_within(raw_config, factorization, overrides):
    _, resolved = loading.load(raw_config(factorization, "gd", **overrides))
    (run,) = EXPAND(resolved["small"])
    for name, value in overrides.items():
        if name == "record":  # a block: the rest of it has defaults
            assert run[name] == {**run[name], **value}
        elif name != "problem":
            assert run[name] == value


def apart(raw):
    """Return which settings keep runs of one job in batches of their own, with and without jobs of their own."""
    _, resolved = loading.load(raw)
    (name,) = resolved["small"]["apart"]
    raw["sweeps"]["small"]["batch"] = [name]
    _, resolved = loading.load(raw)
    assert resolved["small"]["apart"] == []
    return name


def test_one_job_keeps_the_batches(raw_config):
    raw = raw_config("deep_matrix", "gd", axes={"seed": [0, 1], "learning_rate": [0.1, 0.2], "depth": [2, 3]})
    raw["sweeps"]["small"] |= {"batch": ["learning_rate"], "one_job": True}
    _, resolved = loading.load(raw)
    small = resolved["small"]
    assert sweeps.choices(small, small["batch"]) == [{}]
    assert small["apart"] == ["depth", "learning_rate"]
    runs = small.runs
    assert [[(runs[i]["learning_rate"], runs[i]["depth"]) for i in group] for group in small.groups()] == [
        [(rate, depth)] * 2 for rate in (0.1, 0.2) for depth in (2, 3)
    ]


@pytest.mark.parametrize("name", ["shape", "measurements", "ensemble", "sensing_std", "sensing_seed"])
def test_runs_of_a_batch_share_their_measurements(raw_config, name):
    values = {
        "shape": [[4, 4], [5, 5]],
        "measurements": [5, 6],
        "ensemble": ["commuting", "gaussian"],
        "sensing_std": [0.1, 0.2],
        "sensing_seed": [0, 1],
    }[name]
    assert apart(raw_config("deep_matrix", "gd", problem="sensing", axes={name: values})) == name


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
def test_runs_of_a_batch_share_what_their_arrays_depend_on(raw_config, factorization, name, values):
    loss = {"loss": "huber"} if name == "huber_threshold" else {}
    assert apart(raw_config(factorization, "gd", axes={name: values, "seed": [0, 1]}, **loss)) == name


@pytest.mark.parametrize("problem", ["image_classification", "movielens"])
def test_whole_tensors_are_kept_of_completion_and_sensing_alone(raw_config, problem):
    if problem == "movielens":
        raw = raw_config("deep_matrix", "gd")
        raw["sweeps"]["small"]["problem"] = "movielens"
        for name in ("target_rank", "target_norm"):
            del raw["sweeps"]["small"]["fixed"][name]
    else:
        raw = raw_config("binary_cp", "adam")
    loading.load(raw)
    raw["sweeps"]["small"]["fixed"]["record"]["end_to_end"] = True
    assert errors_of(raw) == ["sweeps.small: `end_to_end` is recorded of completion and sensing alone"]


def test_a_missing_setting_is_named(raw):
    del raw["sweeps"]["small"]["fixed"]["depth"]
    assert errors_of(raw) == ["sweeps.small.depth: missing key"]


def test_an_unknown_figure_asks_for_its_function(raw):
    raw["figures"]["new_one"] = raw["figures"]["det_sign"]
    (message,) = errors_of(raw)
    assert message.startswith("figures.new_one: no drawing function; write ")
    assert message.endswith("figures/new_one.py")


def test_errors_of_all_sweeps_and_figures_come_together(raw):
    raw["sweeps"]["other"] = {**raw["sweeps"]["small"], "axes": {"sed": [0]}}
    spoil(raw, "sweeps/small/axes/seed", [])
    spoil(raw, "figures/det_sign/measures", ["determinent"])
    assert len(errors_of(raw)) == 3


def test_a_setting_of_the_batch_may_differ_between_batches(raw):
    spoil(raw, "sweeps/small/axes/depth", [2, 3])
    raw["sweeps"]["small"]["batch"] = ["depth"]
    _, resolved = loading.load(raw)
    assert sweeps.choices(resolved["small"], ["depth"]) == [{"depth": 2}, {"depth": 3}]


def test_a_setting_in_both_cases_and_axes_is_an_error(raw):
    raw["sweeps"]["small"]["cases"] = [{"seed": 7}]
    # Else one of the two would be left out without a word.
    assert any("`seed`" in message for message in errors_of(raw))


def test_scales_override_key_by_key(raw):
    raw["sweeps"]["small"]["scales"] = {"smoke": {"fixed": {"stop": {"max_steps": 3}}, "axes": {"seed": [9]}}}
    raw["sweeps"]["small"]["fixed"]["stop"] = {"loss": 0.5, "max_steps": 20}
    _, laptop = loading.load(raw)
    _, smoke = loading.load({**raw, "scale": "smoke"})
    assert [run["stop"]["max_steps"] for run in EXPAND(laptop["small"])] == [20, 20]
    assert [(run["seed"], run["stop"]["max_steps"], run["stop"]["loss"]) for run in EXPAND(smoke["small"])] == [
        (9, 3, 0.5)
    ]


def test_a_count_is_the_list_of_so_many(raw):
    raw["sweeps"]["small"]["axes"]["seed"] = {"count": 3}
    raw["sweeps"]["small"]["cases"] = [{"data_seed": {"count": 2}}, {"data_seed": 7}]
    raw["sweeps"]["small"]["scales"] = {"smoke": {"axes": {"seed": {"count": 1}}}, "paper": {"axes": {"seed": [5]}}}
    jsonschema.validate(raw, schema.build())
    _, laptop = loading.load(raw)
    # What jobs get is the plain list.
    assert laptop["small"]["axes"] == {"seed": [0, 1, 2]}
    assert laptop["small"]["cases"] == [{"data_seed": [0, 1]}, {"data_seed": [7]}]
    for scale, seeds in (("smoke", [0]), ("paper", [5])):
        _, resolved = loading.load({**raw, "scale": scale})
        assert resolved["small"]["axes"] == {"seed": seeds}


def test_minibatches_have_no_stencils(raw_config):
    raw = raw_config("binary_cp", "adam", growth={"every": 7, "offsets": [0, 1]})
    # A checkpoint inside an epoch could not be resumed: the order of the images is drawn at its start.
    assert any("growth" in message for message in errors_of(raw))


@pytest.mark.parametrize(
    ("factorization", "settings", "message"),
    [
        *[
            (
                factorization,
                settings,
                f"{problem} needs `batch_size`, and `max_epochs` and `every_epochs` in place of steps",
            )
            for factorization, problem in (("binary_cp", "image_classification"), ("autoencoder", "autoencoding"))
            for settings in ({"batch_size": None}, {"stop": {"max_steps": 3}}, {"record": {"every": 3}})
        ],
        *[
            (factorization, {"batch_size": 41}, "batch_size is 41; train_size allows at most 40")
            for factorization in ("binary_cp", "autoencoder")
        ],
        (
            "autoencoder",
            {"growth": {"every": 7, "offsets": [0, 1]}},
            "autoencoding is recorded at the ends of epochs: no `growth`",
        ),
        ("autoencoder", {"order_seed": 1}, "autoencoding takes the images in the order of the file: no `order_seed`"),
        (
            "autoencoder",
            {"record": {"every_epochs": 1, "end_to_end": True}},
            "`end_to_end` is recorded of completion and sensing alone",
        ),
        ("autoencoder", {"test_size": 1}, "test_size is 1: Input should be greater than or equal to 2"),
        ("autoencoder", {"train_size": 60001}, "train_size is 60001: Input should be less than or equal to 60000"),
        ("autoencoder", {"latent_size": 0}, "latent_size is 0: Input should be greater than 0"),
        ("autoencoder", {"linear_layers": -1}, "linear_layers is -1: Input should be greater than or equal to 0"),
        ("autoencoder", {"dataset": "cifar"}, "dataset is 'cifar': Input should be 'mnist' or 'fashion_mnist'"),
    ],
)
def test_message_of_minibatches(raw_config, factorization, settings, message):
    (found,) = errors_of(raw_config(factorization, "adam", **settings))
    assert (
        found.removeprefix("sweeps.small.fixed.").removeprefix("sweeps.small.").removeprefix("sweeps.small: ")
        == message
    )


@pytest.mark.parametrize("name", ["latent_size", "linear_layers", "test_size"])
def test_runs_of_a_batch_of_autoencoders_have_equal_arrays(raw_config, name):
    assert apart(raw_config("autoencoder", "adam", axes={name: [2, 3], "seed": [0, 1]})) == name


def test_autoencoder_and_autoencoding_go_together(raw_config):
    raw = raw_config("autoencoder", "adam")
    raw["sweeps"]["small"]["optimizer"] = "gd"
    loading.load(raw)
    raw["sweeps"]["small"]["factorization"] = "cp"
    raw["sweeps"]["small"]["fixed"] |= {"components": 3, "factor_std": 0.1}
    for name in ("latent_size", "linear_layers"):
        del raw["sweeps"]["small"]["fixed"][name]
    assert errors_of(raw) == ["sweeps.small: autoencoder goes with autoencoding, and only with it"]


def test_binary_cp_and_images_go_together(raw_config):
    raw = raw_config("binary_cp", "adam")
    raw["sweeps"]["small"]["optimizer"] = "gd"
    loading.load(raw)
    raw["sweeps"]["small"]["factorization"] = "cp"
    raw["sweeps"]["small"]["fixed"] |= {"components": 3, "factor_std": 0.1}
    del raw["sweeps"]["small"]["fixed"]["tensor_rank"]
    assert errors_of(raw) == ["sweeps.small: binary_cp goes with image_classification, and only with it"]


IMAGES = {
    "label": (10, "label is 10: Input should be less than or equal to 9"),
    "label below 0": (-1, "label is -1: Input should be greater than or equal to 0"),
    "images": (
        "random_images",
        "images is 'random_images': Input should be 'original', 'random', 'shuffled' or ",
    ),
    "labels": ("shuffled", "labels is 'shuffled': Input should be 'original' or 'random'"),
    "dataset": ("cifar", "dataset is 'cifar': Input should be 'mnist' or 'fashion_mnist'"),
    "train_size": (60001, "train_size is 60001: Input should be less than or equal to 60000"),
    "test_size": (10001, "test_size is 10001: Input should be less than or equal to 10000"),
    "no test_size": (0, f"test_size is 0: {ABOVE}"),
    "batch_size": (41, ": batch_size is 41; train_size allows at most 40"),
    "tensor_rank": (0, f"tensor_rank is 0: {ABOVE}"),
}


@pytest.mark.parametrize("wrong", IMAGES)
def test_message_of_images(raw_config, wrong):
    value, message = IMAGES[wrong]
    (found,) = errors_of(raw_config("binary_cp", "adam", **{wrong.split()[-1 if wrong[:2] == "no" else 0]: value}))
    assert found.startswith(f"sweeps.small{'' if message[0] == ':' else '.fixed.'}{message}")


@pytest.mark.parametrize("kind", ["original", "random", "shuffled", "independent"])
def test_least_squares_are_of_images(raw_config, kind):
    raw = raw_config("binary_cp", "adam", images=kind)
    raw["sweeps"]["small"]["baseline"] = {"kind": "least_squares"}
    loading.load(raw)
    raw = raw_config("deep_matrix", "gd")
    raw["sweeps"]["small"]["baseline"] = {"kind": "least_squares"}
    assert errors_of(raw) == ["sweeps.small: a baseline of least squares needs image_classification"]


# -- memory -------------------------------------------------------------------------------------------

# Two jobs: 10 labels of ranks 1 and 15, and one label of rank 15. Columns of 5000 images and 784 pixels,
# and 70,000 images of 784 pixels, with a label a run.
WIDE = (10 * (1 + 15) * (3 * 5000 + 12 * 784) + 70000 * (784 + 20)) * 4
NARROW = (15 * (3 * 5000 + 12 * 784) + 70000 * (784 + 1)) * 4


@pytest.fixture
def wide(raw_config):
    cases = [
        {"images": "original", "label": {"count": 10}, "tensor_rank": [1, 15]},
        {"images": "random", "label": 6, "tensor_rank": 15},
    ]
    sizes = {"train_size": 60000, "test_size": 10000, "batch_size": 5000}
    raw = raw_config("binary_cp", "adam", cases=cases, batch=["images"], dtype="float32", **sizes)
    raw["sweeps"]["small"]["fixed"] = {
        name: value for name, value in raw["sweeps"]["small"]["fixed"].items() if name not in ("label", "tensor_rank")
    }
    raw["figures"] = {"image_rank": {**raw["figures"]["det_sign"], "measures": ["image_errors"]}}
    raw["device"] = "cpu"
    return raw


def test_memory_of_a_job_on_images(wide):
    _, resolved = loading.load(wide)
    jobs = [EXPAND(sweeps.narrow(resolved["small"], {"images": kind})) for kind in ("original", "random")]
    assert [memory.columns(runs) for runs in jobs] == [160, 15]
    assert [memory.of_job(runs) for runs in jobs] == [WIDE, NARROW]
    doubled = [{**run, "dtype": "float64"} for run in jobs[0]]
    assert memory.of_job(doubled) == 2 * WIDE


def test_more_columns_than_memory_are_refused(wide, monkeypatch):
    monkeypatch.setattr(memory, "of_machine", lambda: WIDE - 1)
    with pytest.raises(ConfigError) as error:
        graph.Plan(wide)
    (message,) = error.value.messages
    assert message.startswith(
        "sweeps.small.batch: the 160 columns of the job images-original, all components of its 20"
    )
    assert f"need about {WIDE / 1e9:.1f} GB; this machine has {WIDE / 1e9:.1f} GB" in message
    assert "naming `tensor_rank` in `batch`" in message


@pytest.mark.parametrize("change", ["more memory", "a job for each rank", "a GPU"])
def test_columns_that_fit_are_not(wide, monkeypatch, change):
    monkeypatch.setattr(memory, "of_machine", lambda: WIDE if change == "more memory" else WIDE - 1)
    if change == "a job for each rank":
        wide["sweeps"]["small"]["batch"] = ["images", "tensor_rank"]
    if change == "a GPU":
        wide["device"] = "cuda"
    plan = graph.Plan(wide)
    # Every job is given its own arrays beside what any job gets.
    found = [plan.train_memory(SimpleNamespace(sweep="small", batch=batch)) for batch in plan.batches["small"]]
    general = graph.TRAIN_MB["cuda" if change == "a GPU" else "cpu"]
    assert general + NARROW // 1e6 == min(found) < max(found) <= general + WIDE // 1e6


def test_jobs_of_a_cluster_do_not_depend_on_the_machine_that_submits(wide, monkeypatch):
    monkeypatch.setattr(memory, "of_machine", lambda: 0)
    monkeypatch.setattr(graph, "gpu_is_here", lambda: True)
    wide["device"] = "auto"
    assert graph.Plan(wide).device("small") == "cuda"
    assert graph.Plan(wide, here=False).device("small") == "cpu"


def test_a_retry_is_given_more(wide):
    plan = graph.Plan(wide)
    job = SimpleNamespace(sweep="small", batch="images-original")
    for need in (plan.train_memory, plan.extract_runtime, graph.growing(plan.train_minutes("small"))):
        assert need(job, attempt=3) == 3 * need(job, attempt=1) > 0


@pytest.mark.parametrize(
    ("change", "together"),
    [
        ("", True),
        ("a longer figure", False),
        ("a longer figure beside it", False),
        ("many jobs", False),
        ("GPU", False),
    ],
)
def test_a_short_figure_is_one_cluster_job(raw_config, monkeypatch, change, together):
    monkeypatch.setattr(graph.Plan, "_load_claims", lambda plan: {})
    seeds = graph.SHORT_JOBS + (change == "many jobs")
    raw = raw_config("deep_matrix", "gd", axes={"seed": {"count": seeds}}, batch=["seed"])
    (figure,) = raw["figures"].values()
    figure["minutes"] = 2 if change == "a longer figure" else 1
    raw["figures"]["det_sign_norms"] = {**figure, "minutes": 2 if change == "a longer figure beside it" else 1}
    raw["device"] = "cuda" if change == "GPU" else "cpu"
    plan = graph.Plan(raw, here=False)
    assert plan.figure_group() == "figures"
    assert plan.train_group("small") == ("figures" if together else None)
    here = graph.Plan(raw)
    assert here.figure_group() is here.train_group("small") is None


@pytest.mark.parametrize(
    ("limits", "least"), [([], None), (["max\n"], None), (["9223372036854771712", "5000\n"], 5000)]
)
def test_memory_of_the_machine_is_at_most_that_of_its_container(monkeypatch, tmp_path, limits, least):
    monkeypatch.setattr(memory, "LIMITS", [str(tmp_path / str(number)) for number in range(3)])
    for number, limit in enumerate(limits):
        (tmp_path / str(number)).write_text(limit)
    assert memory.of_machine() == (least or psutil.virtual_memory().total)


# -- steps beyond what the theorems allow -------------------------------------------------------------


ESTIMATION = {
    "observations": 16, "loss": "half_sum", "target_rank": None, "target_norm": None, "product_std": None,
    "target_spectrum": [10.0, 7.0, 5.0, -5.0], "layer_alpha": 0.1, "depth": 3,
}  # fmt: skip


@pytest.fixture
def estimation(raw_config):
    return lambda **changes: raw_config("deep_matrix", "gd", **{**ESTIMATION, **changes})


@pytest.mark.parametrize(
    ("beta", "limit"), [(0.0, 1 / (7 * 10 ** (4 / 3))), (0.02, 1 / (27 * (1.4655712 * 10 ** (1 / 3)) ** 4))]
)
def test_a_step_beyond_the_limit_warns(estimation, caplog, beta, limit):
    loading.load(estimation(learning_rate=0.99 * limit, layer_beta=beta))
    assert not caplog.records
    loading.load(estimation(learning_rate=1.01 * limit, layer_beta=beta))
    (warning,) = caplog.records
    assert warning.levelname == "WARNING"
    assert warning.getMessage().startswith(f"sweeps.small: learning_rate is {1.01 * limit:.3g}, and below {limit:.3g} ")


def test_a_sweep_warns_once_of_its_worst_run(estimation, caplog):
    raw = estimation(
        learning_rate=7.0e-3, axes={"data_seed": [0, 1, 2]}, cases=[{"learning_rate": [1.0e-3, 7.0e-3, 9.0e-3]}]
    )
    loading.load(raw)
    (warning,) = caplog.records
    assert "learning_rate is 0.009, and below 0.00663 " in warning.getMessage()
    assert "6 of 9 runs" in warning.getMessage()


def test_steps_that_are_meant_do_not_warn(estimation, caplog):
    raw = estimation(learning_rate=0.1)
    raw["sweeps"]["small"]["beyond_step_limit"] = True
    loading.load(raw)
    assert not caplog.records


def test_a_user_of_snakemake_sees_the_warning(estimation, tmp_path):
    # As the Snakefile does: nothing there sets up logging.
    raw = estimation(learning_rate=0.1)
    code = "import json, sys; from greedyrank import config; config.load(json.loads(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(raw)], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stderr.count("sweeps.small: learning_rate is 0.1, and below 0.00663 ") == 1


# -- claims -----------------------------------------------------------------------------------------

CLAIM = {
    "id": "one",
    "statement": "s",
    "source": "s",
    "basis": "ours",
    "runs": {"seed": 0},
    "statistic": "entry_at_loss",
    "at": {"loss": 0.1},
    "expect": {"above": 1.0},
    "reason": "r",
    "control": {"seed": 1},
}


@pytest.fixture
def claims_of(raw):
    loaded, resolved = loading.load(raw)
    return lambda *claims: loading.load_claims("det_sign", loaded, resolved, list(claims))


def test_a_claim_gets_the_first_sweep(claims_of):
    (claim,) = claims_of(CLAIM)
    assert (claim["sweep"], claim["seeds"]) == ("small", "every")
    assert "known" not in claim


def test_a_claim_of_another_scale_is_not_checkable_on_record(raw):
    found = {}
    for scale in ("laptop", "paper"):
        loaded, resolved = loading.load({**raw, "scale": scale})
        (found[scale],) = loading.load_claims("det_sign", loaded, resolved, [{**CLAIM, "scale": "paper"}])
    assert found["laptop"].pop("known") == judging.NOT_CHECKABLE
    assert found["laptop"] == found["paper"]


BAD = {
    "statistic": (
        {"statistic": "entry_at_los"},
        "claims/det_sign.yaml:one.at: no function `entry_at_los` in det_sign.py; did you mean `entry_at_loss`?",
    ),
    "argument": ({"at": {"los": 0.1}}, "claims/det_sign.yaml:one.at.los: unknown key; did you mean `loss`?"),
    "setting": (
        {"runs": {"sed": 0}},
        "claims/det_sign.yaml:one: no setting `sed` in sweep small; did you mean `seed`?",
    ),
    "setting of the control": (
        {"control": {"sed": 0}},
        "claims/det_sign.yaml:one: no setting `sed` in sweep small; did you mean `seed`?",
    ),
    "no control": ({"control": None}, "claims/det_sign.yaml[0]: missing key"),
    "empty control": ({"control": {}}, "claims/det_sign.yaml[0].control is {}: Dictionary should have at least 1 item"),
    "two expectations": (
        {"expect": {"above": 1.0, "below": 2.0}},
        "claims/det_sign.yaml[0].expect: give exactly one of near, below, above, between",
    ),
    "no tolerance": (
        {"expect": {"near": 1.0}},
        "claims/det_sign.yaml[0].expect: near needs exactly one of relative and absolute",
    ),
    "no cause": ({"known": "differs"}, "claims/det_sign.yaml[0]: `known` and `because` go together"),
    "key": ({"controll": {}}, "claims/det_sign.yaml[0].controll: unknown key; did you mean `control`?"),
    "sweep": ({"sweep": "smal"}, "claims/det_sign.yaml:one: no sweep `smal` in this figure; did you mean `small`?"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_claim(claims_of, bad):
    change, message = BAD[bad]
    claim = {key: value for key, value in {**CLAIM, **change}.items() if value is not None}
    expected = message.replace("[0]: missing key", "[0].control: missing key")
    with pytest.raises(ConfigError) as error:
        claims_of(claim)
    assert any(found.startswith(expected) for found in error.value.messages), error.value.messages


def test_claims_have_different_names(claims_of):
    with pytest.raises(ConfigError, match="two claims have the same id"):
        claims_of(CLAIM, CLAIM)


@pytest.mark.parametrize("blocks", [None, [], {"id": "one"}])
def test_a_figure_needs_claims(raw, blocks):
    loaded, resolved = loading.load(raw)
    with pytest.raises(ConfigError, match="a figure needs at least one claim"):
        loading.load_claims("det_sign", loaded, resolved, blocks)


# -- the config of this repository ------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_the_config_loads_at_every_scale(scale):
    plan = graph.Plan({**yaml.safe_load((ROOT / "config.yaml").read_text()), "scale": scale})
    assert plan.results == ("results" if scale == "laptop" else f"results/{scale}")
    for name, sweep in plan.sweeps.items():
        batches = [sweeps.narrow(sweep, batch) for batch in plan.batches[name].values()]
        assert sum(len(part.runs) for part in batches) == len(sweep.runs) > 0
        assert plan.instances[name]
        for label in plan.batches[name]:
            # The longest argument that Linux takes has 128 KiB.
            assert len(plan.train_slice(SimpleNamespace(sweep=name, batch=label))) < 100_000
    for figure in plan.config.figures:
        assert plan.claims[figure]
        assert (f"{plan.results}/figures/{figure}.png" in plan.all_files()) == (figure not in plan.skipped)


# -- what a plan does to its surroundings -----------------------------------------------------------


@pytest.fixture
def small_plan(tmp_path):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    return graph.Plan({**content, "scale": "smoke", "results_dir": str(tmp_path)})


def test_results_from_the_future_get_the_present_time(small_plan, tmp_path):
    now = time.time()
    for name, moment in {"runs/a/old.npz": 100, "runs/a/new.npz": now + 1e8, "figures/new.png": now + 1e8}.items():
        path = tmp_path / "smoke" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (moment, moment))
    small_plan.mend_times()
    times = {path.name: path.stat().st_mtime for path in (tmp_path / "smoke").rglob("*.*")}
    assert times["old.npz"] == 100
    assert now - 10 < times["new.npz"] < now + 1000
    assert times["new.png"] > now + 1e7


def test_jobs_know_the_config_of_the_command_line(small_plan, monkeypatch):
    for name in ("PYTHONPATH", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "GREEDYRANK_CONFIG"):
        monkeypatch.setenv(name, "")
    small_plan.export_environment([Path("my config.yaml")], {"scale": "smoke", "draw": {"a": [1]}})
    config_words = "--configfile 'my config.yaml' --config scale=smoke 'draw={\"a\":[1]}'"
    assert os.environ["GREEDYRANK_CONFIG"] == config_words
    small_plan.export_environment([], {})
    assert os.environ["GREEDYRANK_CONFIG"] == ""
