"""What is wrong with the settings of a sweep: one clear message for everything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from greedyrank.config.sweep_loader import load_sweep
from greedyrank.config.yaml_input import ConfigError

NUMBER = ": Input should be a valid number (YAML reads {} as text: write {})"
PLACE = "sweeps.small"


def errors_of(block):
    with pytest.raises(ConfigError) as error:
        load_sweep(block, place=PLACE)
    return error.value.messages


@pytest.fixture
def block(sweep_block):
    return sweep_block("deep_matrix", "gd", axes={"seed": [0, 1]})


def spoil(block, path, value):
    """Set a value deep inside a sweep."""
    *parents, last = path.split("/")
    for key in parents:
        block = block[key]
    block[last] = value


WRONG = {
    "sweep key": ("fixd", {}, "sweeps.small.fixd: unknown key; did you mean `fixed`?"),
    "setting": (
        "fixed/learning_rte",
        0.1,
        "sweeps.small.fixed.learning_rte: unknown key; did you mean `learning_rate`?",
    ),
    "setting of a case": (
        "cases",
        [{"dept": 2}],
        "sweeps.small.cases.0.dept: unknown key; did you mean `depth`?",
    ),
    "axis": ("axes/sed", [0], "sweeps.small.axes.sed: unknown key; did you mean `seed`?"),
    "key of a block": (
        "fixed/stop",
        {"max_step": 9},
        "sweeps.small.fixed.stop.max_step: unknown key; did you mean `max_steps`?",
    ),
    "key of an optional block": (
        "fixed/growth",
        {"evry": 9, "every": 9, "offsets": [0, 1]},
        "sweeps.small.fixed.growth.evry: unknown key; did you mean `every`?",
    ),
    "text for a number": (
        "fixed/learning_rate",
        "1e-4",
        "sweeps.small.fixed.learning_rate is '1e-4'" + NUMBER.format("1e-4", "0.0001"),
    ),
    "text for a number in a block": (
        "fixed/stop",
        {"loss": "1e-4", "max_steps": 9},
        "sweeps.small.fixed.stop.loss is '1e-4'" + NUMBER.format("1e-4", "0.0001"),
    ),
    "text for an optional number": (
        "fixed/target_norm",
        "1e2",
        "sweeps.small.fixed.target_norm is '1e2'" + NUMBER.format("1e2", "100.0"),
    ),
    "fraction for a count": ("fixed/depth", 2.5, "sweeps.small.fixed.depth is 2.5: Input should be a valid integer"),
    "truth value for a count": (
        "fixed/depth",
        True,
        "sweeps.small.fixed.depth is True: Input should be a valid integer"
        " (YAML reads yes, no, on and off as true and false)",
    ),
    "word": (
        "fixed/det",
        "plus",
        "sweeps.small.fixed.det is 'plus': Input should be 'any', 'positive' or 'negative'",
    ),
    "target rank": ("fixed/target_rank", 5, "sweeps.small: target_rank is 5; the shape [4, 4] allows at most 4"),
    "observations": (
        "fixed/observations",
        17,
        "sweeps.small: observations is 17; a tensor of shape [4, 4] has 16 entries",
    ),
    "no seed": ("axes/seed", [], "sweeps.small.axes.seed is an empty list; give at least one value"),
    "count of an axis": (
        "axes/seed",
        {"count": 0},
        "sweeps.small.axes.seed: {'count': 0} is not a count;"
        " write {count: n}, n a whole number above 0, for 0, 1, ... n - 1;"
        " or {count: n, from: a, to: b}, n above 1, for equally spaced numbers",
    ),
    "count of a case": (
        "cases",
        [{"data_seed": {"count": True}}],
        "sweeps.small.cases.0.data_seed: {'count': True} is not a count;"
        " write {count: n}, n a whole number above 0, for 0, 1, ... n - 1;"
        " or {count: n, from: a, to: b}, n above 1, for equally spaced numbers",
    ),
    "count and more": (
        "scales",
        {"laptop": {"axes": {"seed": {"count": 2, "first": 1}}}},
        "sweeps.small.scales.laptop.axes.seed: {'count': 2, 'first': 1} is not a count;"
        " write {count: n}, n a whole number above 0, for 0, 1, ... n - 1;"
        " or {count: n, from: a, to: b}, n above 1, for equally spaced numbers",
    ),
    "huge count": (
        "axes/seed",
        {"count": 10**9},
        "sweeps.small.axes.seed: {'count': 1000000000} are more than the 1000000 runs that a sweep may have",
    ),
    "huge product": (
        "axes",
        {"seed": {"count": 10_000}, "data_seed": {"count": 101}},
        "sweeps.small: its cases and axes make 1010000 runs; allowed: up to 1000000",
    ),
    "seed out of range": (
        "axes/seed",
        [0, -1],
        "sweeps.small.axes.seed is -1: Input should be greater than or equal to 0",
    ),
    "a run of two cases": (
        "cases",
        [{"depth": [3, 2]}, {"depth": 1}, {"observations": [8, 9]}],
        "sweeps.small.cases.2 has a run that cases.0 has too; give each run once",
    ),
    "baseline": (
        "baseline",
        {"kind": ["least_squares"]},
        "sweeps.small.baseline.kind is ['least_squares']; did you mean `least_squares`?",
    ),
    "name in job_per": (
        "job_per",
        ["sead"],
        "sweeps.small.job_per: `sead` is neither an axis nor a case; did you mean `seed`?",
    ),
    "duplicate": (
        "axes/seed",
        [3, 4, 3],
        "sweeps.small.axes.seed has 3 twice; give each value once",
    ),
    "factorization": (
        "factorization",
        "deep_matrx",
        "sweeps.small.factorization is 'deep_matrx'; did you mean `deep_matrix`?",
    ),
    "two inits": (
        "fixed/identity_scale",
        0.1,
        "sweeps.small: give exactly one of `identity_scale`, `layer_alpha` and `product_std`",
    ),
    "two caps": (
        "fixed/stop",
        {"max_steps": 5, "max_epochs": 5},
        "sweeps.small.fixed.stop: give exactly one of `max_steps` and `max_epochs`",
    ),
    "shape": ("fixed/shape", [4, 5, 2], "sweeps.small: shape is [4, 5, 2]; deep_matrix takes matrices"),
    "scale override": (
        "scales",
        {"laptop": {"axis": {}}},
        "sweeps.small.scales.laptop.axis: unknown key; did you mean `axes`?",
    ),
    "key that no scale overrides": (
        "scales",
        {"laptop": {"problem": "completion"}},
        "sweeps.small.scales.laptop.problem: unknown key; allowed: axes, cases, fixed, job_per",
    ),
    "stencil": (
        "fixed/growth",
        {"every": 5, "offsets": [0, 5]},
        "sweeps.small.fixed.growth: offsets is [0, 5]; allowed: 0, then rising, all below every = 5",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_message(block, wrong):
    path, value, message = WRONG[wrong]
    spoil(block, path, value)
    assert errors_of(block) == [message]


def test_a_sweep_fills_in_defaults(block):
    runs = load_sweep(block).whole.runs
    assert [run["seed"] for run in runs] == [0, 1]
    assert runs[0]["stop"] == {"loss": 0.0, "checks": 0, "every": 1, "max_steps": 20, "max_epochs": None}
    assert runs[0]["det"] == "any"


def test_jobs_of_a_sweep_are_counted(block):
    block |= {"axes": {"seed": {"count": 30_000}}, "job_per": ["seed"]}
    assert errors_of(block) == ["sweeps.small.job_per makes 30000 jobs; allowed: up to 20000"]


KINDS = (
    "give exactly one of target_rank, target_spectrum, target_decay, target_truncated_rank, target_multilinear_rank,"
    " target_widths, target_tubal_rank, or `target_file`"
)
NORM = (
    "a target needs `target_norm`;"
    " only target_spectrum and target_truncated_rank and target_tubal_rank have their own norm"
)
OBSERVED = "give either `observed`, or a target and one of `observations` and `observed_fraction`"
SPECTRUM = {"target_rank": None, "target_norm": None, "target_spectrum": [2.0, 1.0]}
DECAY = {"target_rank": None, "target_decay": 1.0}
MULTILINEAR = {"target_rank": None, "target_multilinear_rank": [2, 2, 2]}
TREE = {"target_rank": None, "target_widths": [3, 3]}  # of the small hierarchical shape, [3, 2, 2, 3]
TUBAL = {"target_rank": None, "target_norm": None, "target_tubal_rank": 2}  # of the small tubal shape, [4, 4, 3]
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
    "psd too many columns": (
        "psd",
        {"columns": 5},
        "columns is 5; allowed: up to the 4 rows of the shape [4, 4]",
    ),
    "psd identity of few columns": (
        "psd",
        {"columns": 2, "start": "identity"},
        "columns is 2; a multiple of the identity needs as many as rows, 4",
    ),
    "psd tensor": ("psd", {"shape": [3, 3, 3]}, "shape is [3, 3, 3]; psd takes square matrices"),
    "tubal rank and rank": ("tubal", {**TUBAL, "target_rank": 2}, KINDS),
    "tubal rank with norm": ("tubal", {**TUBAL, "target_norm": 2.0}, NORM),
    "tubal rank above the rows": (
        "tubal",
        {**TUBAL, "target_tubal_rank": 5},
        "target_tubal_rank is 5; the shape [4, 4, 3] allows at most 4",
    ),
    "tubal rank of a matrix": (
        "deep_matrix",
        TUBAL,
        "shape is [4, 4]; target_tubal_rank takes n x n slices, then the length of the tubes: [n, n, tubes]",
    ),
    "symmetric tubal rank": (
        "cp",
        {**TUBAL, "shape": [3, 3, 2], "target_symmetric": True},
        "shape is [3, 3, 2]; a symmetric target needs a square matrix",
    ),
    "tubal tensor of wide slices": (
        "tubal",
        {"shape": [4, 5, 3]},
        "shape is [4, 5, 3]; tubal takes n x n slices, then the length of the tubes: [n, n, tubes]",
    ),
    "tubal matrix": (
        "tubal",
        {"shape": [4, 4]},
        "shape is [4, 4]; tubal takes n x n slices, then the length of the tubes: [n, n, tubes]",
    ),
    **{
        f"tubal width {width} in {columns} columns": (
            "tubal",
            {"columns": columns, "width": width},
            f"columns is {columns}; width {width} at shape [4, 4, 3] needs at least {least}",
        )
        for columns, width, least in ((3, 9, 4), (2, 3, 3))
    },
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
    "root least without widths": (
        "hierarchical",
        {"target_root_least": 0.1},
        "`target_root_least` goes with `target_widths`, without `target_root_spectrum`",
    ),
    "root least and spectrum": (
        "hierarchical",
        {**TREE, "target_root_spectrum": [3.0, 2.0, 1.0], "target_root_least": 0.1},
        "`target_root_least` goes with `target_widths`, without `target_root_spectrum`",
    ),
    "root least of narrow leaves": (
        "hierarchical",
        {**TREE, "target_widths": [2, 3], "target_root_least": 0.1},
        "target_root_least needs 3 singular values; target_widths [2, 3] and the shape [3, 2, 2, 3] allow at most 2",
    ),
    "root least above the norm": (
        "hierarchical",
        {**TREE, "target_norm": 2.0, "target_root_least": 1.2},
        "target_root_least is 1.2; 3 singular values of a target of norm 2.0 cannot all exceed 1.1547",
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
            ("target_root_least", 0.1),
            ("observed_fraction", 0.5),
        )
    },
}


@pytest.mark.parametrize("wrong", WRONG_TOGETHER)
def test_message_of_settings_together(sweep_block, wrong):
    factorization, overrides, message = WRONG_TOGETHER[wrong]
    block = sweep_block(factorization, "gd", **overrides)
    # The fixture clears what entries by hand exclude.
    block["fixed"] |= {name: value for name, value in overrides.items() if name != "problem"}
    assert errors_of(block) == [f"sweeps.small: {message}"]


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
def test_message_of_what_is_out_of_range(sweep_block, name):
    factorization, overrides, message = OUT_OF_RANGE[name]
    assert errors_of(sweep_block(factorization, "gd", **overrides)) == [f"sweeps.small.fixed.{message}"]


def test_measurements_are_needed(sweep_block):
    block = sweep_block("psd", "gd", problem="sensing")
    del block["fixed"]["measurements"]
    assert errors_of(block) == ["sweeps.small.measurements: missing key"]


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
def test_settings_just_within(sweep_block, factorization, overrides):
    (run,) = load_sweep(sweep_block(factorization, "gd", **overrides)).whole.runs
    for name, value in overrides.items():
        if name == "record":  # a block: the rest of it has defaults
            assert run[name] == {**run[name], **value}
        elif name != "problem":
            assert run[name] == value


def test_a_missing_setting_is_named(block):
    del block["fixed"]["depth"]
    assert errors_of(block) == ["sweeps.small.depth: missing key"]


@pytest.mark.parametrize("problem", ["image_classification", "movielens"])
def test_whole_tensors_are_kept_of_completion_and_sensing_alone(sweep_block, problem):
    if problem == "movielens":
        block = sweep_block("deep_matrix", "gd")
        block["problem"] = "movielens"
        for name in ("target_rank", "target_norm"):
            del block["fixed"][name]
    else:
        block = sweep_block("binary_cp", "adam")
    load_sweep(block)
    block["fixed"]["record"]["end_to_end"] = True
    assert errors_of(block) == [f"sweeps.small: no whole matrices are recorded of {problem}: no `end_to_end`"]


def test_a_setting_in_both_cases_and_axes_is_an_error(block):
    block["cases"] = [{"seed": 7}]
    # Else one of the two would be left out without a word.
    assert any("`seed`" in message for message in errors_of(block))


def test_minibatches_have_no_stencils(sweep_block):
    block = sweep_block("binary_cp", "adam", growth={"every": 7, "offsets": [0, 1]})
    # A checkpoint inside an epoch could not be resumed: the order of the images is drawn at its start.
    assert any("growth" in message for message in errors_of(block))


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
            "no growth rates are recorded of autoencoding: no `growth`",
        ),
        ("autoencoder", {"order_seed": 1}, "autoencoding takes the images in the order of the file: no `order_seed`"),
        (
            "autoencoder",
            {"record": {"every_epochs": 1, "end_to_end": True}},
            "no whole matrices are recorded of autoencoding: no `end_to_end`",
        ),
        ("autoencoder", {"test_size": 1}, "test_size is 1: Input should be greater than or equal to 2"),
        ("autoencoder", {"train_size": 60001}, "train_size is 60001: Input should be less than or equal to 60000"),
        ("autoencoder", {"latent_size": 0}, "latent_size is 0: Input should be greater than 0"),
        ("autoencoder", {"linear_layers": -1}, "linear_layers is -1: Input should be greater than or equal to 0"),
        ("autoencoder", {"dataset": "cifar"}, "dataset is 'cifar': Input should be 'mnist' or 'fashion_mnist'"),
    ],
)
def test_message_of_minibatches(sweep_block, factorization, settings, message):
    (found,) = errors_of(sweep_block(factorization, "adam", **settings))
    assert (
        found.removeprefix("sweeps.small.fixed.").removeprefix("sweeps.small.").removeprefix("sweeps.small: ")
        == message
    )


def test_autoencoder_and_autoencoding_go_together(sweep_block):
    block = sweep_block("autoencoder", "adam")
    block["optimizer"] = "gd"
    load_sweep(block)
    block["factorization"] = "cp"
    block["fixed"] |= {"components": 3, "factor_std": 0.1}
    for name in ("latent_size", "linear_layers"):
        del block["fixed"][name]
    assert errors_of(block) == ["sweeps.small: autoencoder goes with autoencoding, and only with it"]


def test_binary_cp_and_images_go_together(sweep_block):
    block = sweep_block("binary_cp", "adam")
    block["optimizer"] = "gd"
    load_sweep(block)
    block["factorization"] = "cp"
    block["fixed"] |= {"components": 3, "factor_std": 0.1}
    del block["fixed"]["tensor_rank"]
    assert errors_of(block) == ["sweeps.small: binary_cp goes with image_classification, and only with it"]


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
def test_message_of_images(sweep_block, wrong):
    value, message = IMAGES[wrong]
    (found,) = errors_of(sweep_block("binary_cp", "adam", **{wrong.split()[-1 if wrong[:2] == "no" else 0]: value}))
    assert found.startswith(f"sweeps.small{'' if message[0] == ':' else '.fixed.'}{message}")


@pytest.mark.parametrize("kind", ["original", "random", "shuffled", "independent"])
def test_least_squares_are_of_images(sweep_block, kind):
    block = sweep_block("binary_cp", "adam", images=kind)
    block["baseline"] = {"kind": "least_squares"}
    load_sweep(block)
    block = sweep_block("deep_matrix", "gd")
    block["baseline"] = {"kind": "least_squares"}
    assert errors_of(block) == ["sweeps.small: a baseline of least squares needs image_classification"]


def test_least_norm_over_tubal_tensors_is_of_measurements(sweep_block):
    block = sweep_block("tubal", "gd", problem="sensing")
    block["baseline"] = {"kind": "tubal_least_norm"}
    load_sweep(block)
    message = "sweeps.small: a baseline of least norm over tubal tensors needs sensing and the factorization tubal"
    for wrong in (sweep_block("tubal", "gd"), sweep_block("psd", "gd", problem="sensing")):
        wrong["baseline"] = {"kind": "tubal_least_norm"}
        assert errors_of(wrong) == [message]


# -- steps beyond what the theorems allow -------------------------------------------------------------


ESTIMATION = {
    "observations": 16, "loss": "half_sum", "target_rank": None, "target_norm": None, "product_std": None,
    "target_spectrum": [10.0, 7.0, 5.0, -5.0], "layer_alpha": 0.1, "depth": 3,
}  # fmt: skip


@pytest.fixture
def estimation(sweep_block):
    return lambda **changes: sweep_block("deep_matrix", "gd", **{**ESTIMATION, **changes})


@pytest.mark.parametrize(
    ("beta", "limit"), [(0.0, 1 / (7 * 10 ** (4 / 3))), (0.02, 1 / (27 * (1.4655712 * 10 ** (1 / 3)) ** 4))]
)
def test_a_step_beyond_the_limit_warns(estimation, caplog, beta, limit):
    load_sweep(estimation(learning_rate=0.99 * limit, layer_beta=beta), place=PLACE)
    assert not caplog.records
    load_sweep(estimation(learning_rate=1.01 * limit, layer_beta=beta), place=PLACE)
    (warning,) = caplog.records
    assert warning.levelname == "WARNING"
    assert warning.getMessage().startswith(
        f"sweeps.small: learning_rate is {1.01 * limit:.3g}, but gradient descent provably converges only below"
        f" {limit:.3g}"
    )


def test_a_sweep_warns_once_of_its_worst_run(estimation, caplog):
    axes, cases = {"data_seed": [0, 1, 2]}, [{"learning_rate": [1.0e-3, 7.0e-3, 9.0e-3]}]
    load_sweep(estimation(learning_rate=7.0e-3, axes=axes, cases=cases), place=PLACE)
    (warning,) = caplog.records
    assert "learning_rate is 0.009, but gradient descent provably converges only below 0.00663" in warning.getMessage()
    assert "6 of 9 runs" in warning.getMessage()


def test_steps_that_are_meant_do_not_warn(estimation, caplog):
    load_sweep({**estimation(learning_rate=0.1), "beyond_step_limit": True})
    assert not caplog.records


def test_a_user_of_snakemake_sees_the_warning(estimation, tmp_path):
    # As the Snakefile does: nothing there sets up logging.
    code = (
        "import json, sys; from greedyrank.config.sweep_loader import load_sweep; load_sweep(json.loads(sys.argv[1]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "workflow")}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(estimation(learning_rate=0.1))],
        env=environment, cwd=tmp_path, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.count("learning_rate is 0.1, but gradient descent provably converges only below 0.00663") == 1
