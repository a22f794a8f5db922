"""Sensing with A_i of one's own: from arrays and from files, in Python and in a paper."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import greedyrank as gr
from greedyrank.config.sweep_loader import load_sweep
from greedyrank.config.yaml_input import ConfigError
from greedyrank.data import sensing_files
from greedyrank.plan import jobs
from greedyrank.plan.graph import Plan
from greedyrank.problems import own_sensing, sensing
from greedyrank.training.check import check_model, check_problem
from small_paper import SmallPaper

DRAWS = np.random.default_rng(0)
MATRICES = 0.3 * DRAWS.standard_normal((20, 4, 3))
TARGET = DRAWS.standard_normal((4, 1)) @ DRAWS.standard_normal((1, 3))
VALUES = np.einsum("iab,ab->i", MATRICES, TARGET)
ROWS = np.column_stack([MATRICES.reshape(20, 12), VALUES])
SCHEDULE = {"stop": gr.Stop(max_steps=30), "record": gr.Record(every=10, end_to_end=True), "progress": False}
DEEP, GD = gr.DeepMatrix(depth=2, product_std=0.1), gr.GD(learning_rate=0.05)


def train(problem, factorization=DEEP, **others):
    return gr.train(problem, factorization, GD, **{"dtype": "float64", **SCHEDULE, **others})


@pytest.mark.parametrize(
    ("shape", "factorization", "loss"),
    [
        ((4, 3), DEEP, {}),
        ((3, 2, 4), gr.CP(components=4, factor_std=0.3), {"loss": "huber", "huber_threshold": 0.1}),
        ((2, 3, 2, 2), gr.Tucker(depth=1, core_std=0.3), {"loss": "half_sum"}),
    ],
    ids=["matrix", "order 3", "order 4"],
)
def test_given_matrices_train_as_the_same_ones_that_are_drawn(shape, factorization, loss):
    drawn = gr.Sensing(shape=shape, target_rank=1, target_norm=2, measurements=15, sensing_std=0.3, **loss)
    theirs = train(drawn, factorization)
    matrices, target = sensing.ensemble(drawn.model_dump()).reshape(15, *shape), theirs.target.to_numpy()
    ours = train(gr.OwnSensing(matrices=matrices, target=target, **loss), factorization)
    for name in ("end_to_end", "loss", "relative_error"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-12)
    assert ours.loss[-1] < ours.loss[0]


def test_matrices_may_be_flattened_and_values_may_stand_in_place_of_the_target():
    whole = train(gr.OwnSensing(matrices=MATRICES, target=TARGET))
    values = train(gr.OwnSensing(matrices=MATRICES, values=VALUES))
    flat = train(gr.OwnSensing(matrices=MATRICES.reshape(20, 12), values=VALUES, shape=(4, 3)))
    np.testing.assert_allclose(values.end_to_end, whole.end_to_end, rtol=1e-12)
    np.testing.assert_array_equal(flat.end_to_end, values.end_to_end)
    assert "relative_error" in whole and "target" in whole
    assert "relative_error" not in values and "target" not in values


def test_noise_is_drawn_by_the_data_seed():
    noisy = gr.OwnSensing(matrices=MATRICES, target=TARGET, noise_std=0.1)
    runs = train(noisy, DEEP.replace(seed=0), seeds=range(2))
    assert runs.loss[0, 0] != runs.loss[1, 0]
    np.testing.assert_array_equal(train(noisy.replace(data_seed=1)).loss, runs.loss.sel(seed=1))


def test_there_is_a_minimum_of_the_nuclear_norm():
    runs = train(
        gr.OwnSensing(matrices=MATRICES[:8], target=TARGET),
        baseline=gr.MinimumNuclearNorm(),
        measure=["minimum_nuclear_norm", "nuclear_norm"],
    )
    assert runs.baseline_lower <= np.linalg.norm(TARGET, "nuc") * (1 + 1e-6)


def test_the_problem_keeps_its_contract(tmp_path):
    np.savez(tmp_path / "mine.npz", matrices=MATRICES, values=VALUES)
    small = load_sweep(SWEEP).whole
    data = [own_sensing.generate(run, tmp_path) for run in small.runs]
    assert check_model(small, data) + check_problem(small, data) == []


# -- files ------------------------------------------------------------------------------------------


def write_torch(path, **arrays):
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("mine.npz", lambda path: np.savez(path, matrices=MATRICES, values=VALUES)),
        ("flat.npz", lambda path: np.savez(path, values=VALUES, matrices=MATRICES.reshape(20, 12))),
        ("mine.pt", lambda path: write_torch(path, matrices=MATRICES, values=VALUES)),
        ("mine.npy", lambda path: np.save(path, ROWS)),
        ("mine.csv", lambda path: np.savetxt(path, ROWS, delimiter=",")),
    ],
    ids=["npz", "flat", "pt", "npy", "csv"],
)
def test_a_file_is_the_same_as_arrays(tmp_path, name, write):
    write(tmp_path / name)
    ours = train(gr.OwnSensing(matrices=MATRICES, values=VALUES))
    theirs = train(gr.OwnSensing(shape=(4, 3), sensing_file=name), data_dir=tmp_path)
    np.testing.assert_array_equal(ours.end_to_end, theirs.end_to_end)


def test_a_file_may_hold_the_target(tmp_path):
    np.savez(tmp_path / "mine.npz", matrices=MATRICES, target=TARGET)
    ours = train(gr.OwnSensing(matrices=MATRICES, target=TARGET, noise_std=0.1))
    theirs = train(gr.OwnSensing(shape=(4, 3), sensing_file="mine.npz", noise_std=0.1), data_dir=tmp_path)
    np.testing.assert_array_equal(ours.loss, theirs.loss)


# -- in a paper -------------------------------------------------------------------------------------

FIXED = {
    "shape": [4, 3],
    "sensing_file": "mine.npz",
    "loss": "mean",
    "depth": 2,
    "product_std": 0.1,
    "learning_rate": 0.05,
    "dtype": "float64",
    "stop": {"max_steps": 30},
    "record": {"every": 10},
}
SWEEP = {
    "source": "none",
    "problem": "own_sensing",
    "factorization": "deep_matrix",
    "optimizer": "gd",
    "fixed": FIXED,
    "axes": {"seed": [0, 1]},
}


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Return what makes the plan of a paper whose sweep reads ``data/mine.npz``."""
    paper = SmallPaper(tmp_path / "measured", SWEEP)
    paper.add_figure("small_figure", measures=["effective_rank"])
    config = paper.raw(results_dir="built")
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    return lambda: Plan(config, here=False)


def test_a_paper_with_measurements_of_ones_own_is_built(plan, tmp_path):
    np.savez(tmp_path / "data/mine.npz", matrices=MATRICES, values=VALUES)
    planned = plan()
    (instance,) = planned.instances["small"]
    assert planned.data_inputs(SimpleNamespace(sweep="small", instance=instance)) == ["data/mine.npz"]
    for rule in ("generate", "train", "extract"):
        for name in jobs.names(planned, rule):
            jobs.job(planned, rule, name).run()
    built = gr.open("small", results="built", papers=["measured"])
    ours = train(gr.OwnSensing(matrices=MATRICES, values=VALUES), axes={"seed": [0, 1]})
    np.testing.assert_array_equal(built.loss, ours.loss)


def test_another_content_is_another_job(plan, tmp_path):
    def settings():
        planned = plan()
        (instances,) = planned.instances["small"].values()
        return planned.slices.data("small", instances)

    np.savez(tmp_path / "data/mine.npz", matrices=MATRICES, values=VALUES)
    before = settings()
    np.savez(tmp_path / "data/mine.npz", matrices=MATRICES, values=2 * VALUES)
    assert settings() != before


def test_a_file_that_is_not_there_is_named_before_anything_starts(plan):
    with pytest.raises(ConfigError, match="small: sensing_file is 'mine.npz': there is no file data/mine.npz"):
        plan()


# -- what is wrong ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": (4, 3)}, "OwnSensing.sensing_file: missing key"),
        ({"values": VALUES}, "`values` is given without `matrices`"),
        (
            {"matrices": MATRICES},
            "OwnSensing has the arrays matrices; allowed: `matrices`, and one of ",
        ),
        ({"matrices": MATRICES, "values": VALUES, "target": TARGET}, "allowed: `matrices`, and one of `values` and"),
        ({"matrices": MATRICES, "sensing_file": "m.npz"}, "`matrices` and `sensing_file` are both given; keep one"),
        ({"matrices": MATRICES, "values": VALUES[:3]}, "`values` has the shape [3]; allowed: [20], one for each A_i"),
        (
            {"matrices": MATRICES, "values": VALUES, "shape": (3, 4)},
            "`matrices` has the shape [20, 4, 3]; allowed, for `shape` [3, 4]: [n, 3, 4] or [n, 12]",
        ),
        ({"matrices": MATRICES.reshape(20, 12), "values": VALUES}, "OwnSensing.shape: missing key"),
        (
            {"matrices": MATRICES, "target": TARGET.T},
            "`matrices` has the shape [20, 4, 3]; allowed, for `shape` [3, 4]",
        ),
        ({"matrices": MATRICES, "target": 0 * TARGET}, "`target` is zero everywhere"),
        ({"matrices": np.where(MATRICES > 0, MATRICES, np.nan), "values": VALUES}, "`matrices` is nan at [0, "),
        ({"matrices": MATRICES, "values": VALUES, "noise_std": 0.1}, "`values`, which were measured: no `noise_std`"),
        ({"matrices": [[1, 2], [3]], "values": [1, 2]}, "sensing is no array"),
        ({"matrices": MATRICES, "values": VALUES, "loss": "huber"}, "`huber_threshold` goes with the loss huber"),
        ({"shape": (4, 3), "sensing_file": "nowhere.npz"}, "there is no file nowhere.npz"),
        ({"shape": (4, 3), "sensing_file": "mine.txt"}, "sensing_file is 'mine.txt'; allowed endings: .npz, "),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_is_wrong_is_named(settings, message):
    with pytest.raises(gr.UserError) as raised:
        train(gr.OwnSensing(**settings), data_dir="")
    assert message in str(raised.value) and "\n" not in str(raised.value)


def test_a_table_of_another_width_is_named(tmp_path):
    np.savetxt(tmp_path / "mine.csv", ROWS[:, 1:], delimiter=",")
    with pytest.raises(gr.UserError, match=r"has the shape \[20, 12\]; allowed, for `shape` \[4, 3\]: \[n, 13\]"):
        sensing_files.read(tmp_path / "mine.csv", [4, 3])


def test_deep_matrices_have_no_huber_loss_here_either():
    problem = gr.OwnSensing(matrices=MATRICES, values=VALUES, loss="huber", huber_threshold=0.1)
    with pytest.raises(ConfigError, match="deep_matrix has no huber loss"):
        train(problem)
