"""Targets of one's own: what is read from files and arrays, what is refused, and what a sweep makes of them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from greedyrank import stages
from greedyrank.config.settings.problems import PROBLEMS
from greedyrank.config.yaml_input import ConfigError
from greedyrank.data import target_files
from greedyrank.data.instances import Instances
from greedyrank.plan.graph import Plan
from greedyrank.plan.jobs import job
from greedyrank.problems import completion, sensing
from small_paper import SmallPaper

RNG = np.random.default_rng(0)
MATRIX = np.outer([1.0, 2.0, -1.0], [0.5, 1.0, 0.0, 3.0])
TENSOR = RNG.standard_normal((2, 3, 2, 2))
INDICES = np.array([[0, 1], [2, 3], [1, 0]])
VALUES = np.array([0.25, -4.0, 1e-3])


def write(path: Path, content) -> Path:
    """Write arrays to a file of the kind that its name says."""
    if path.suffix == ".npz":
        np.savez(path, **content)
    elif path.suffix == ".npy":
        np.save(path, content)
    elif path.suffix == ".pt":
        tensor = torch.from_numpy
        torch.save({k: tensor(v) for k, v in content.items()} if isinstance(content, dict) else tensor(content), path)
    else:
        path.write_text(content, encoding="utf-8")
    return path


def csv(array: np.ndarray, header: str = "") -> str:
    return header + "".join(",".join(map(repr, map(float, row))) + "\n" for row in array)


LIST = {"indices": INDICES, "values": VALUES}
LIST_CSV = csv(np.column_stack([INDICES, VALUES]), "row,column,value\n")


# -- what is read -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.npy", MATRIX),
        ("a.npy", MATRIX.astype(np.float32)),
        ("a.npy", np.asfortranarray(MATRIX)),
        ("a.npz", {"target": MATRIX}),
        ("a.npz", {"any_name": MATRIX}),
        ("a.pt", MATRIX),
        ("a.pt", {"target_matrix": MATRIX}),
        ("a.csv", csv(MATRIX)),
        ("A.CSV", "\ufeff" + csv(MATRIX)),
        ("a.csv", csv(MATRIX).replace("\n", "\r\n") + "\r\n\r\n"),
    ],
)
def test_a_whole_matrix(tmp_path, name, content):
    found = target_files.read(write(tmp_path / name, content), [3, 4])
    assert found.array.dtype == np.float64
    np.testing.assert_array_equal(found.array, MATRIX)
    assert found.order is None


@pytest.mark.parametrize(("name", "content"), [("a.npz", LIST), ("a.pt", LIST), ("a.csv", LIST_CSV)])
def test_a_list_of_entries(tmp_path, name, content):
    found = target_files.read(write(tmp_path / name, content), [3, 4])
    assert [list(map(int, np.unravel_index(entry, (3, 4)))) for entry in found.entries] == INDICES.tolist()
    assert found.values.tolist() == VALUES.tolist()


@pytest.mark.parametrize("name", ["a.npy", "a.pt"])
def test_a_tensor_of_any_order(tmp_path, name):
    np.testing.assert_array_equal(target_files.read(write(tmp_path / name, TENSOR), [2, 3, 2, 2]).array, TENSOR)


def test_a_list_of_a_tensor_in_text(tmp_path):
    index = np.argwhere(np.ones(TENSOR.shape))[::5]
    text = csv(np.column_stack([index, TENSOR[tuple(index.T)]]), "i,j,k,l,y\n")
    found = target_files.read(write(tmp_path / "a.csv", text), list(TENSOR.shape))
    np.testing.assert_array_equal(found.values, TENSOR.ravel()[found.entries])
    np.testing.assert_array_equal(np.transpose(np.unravel_index(found.entries, TENSOR.shape)), index)


def test_the_order_of_the_entries_beside_a_target(tmp_path):
    """Under the names, and with the lists of numbers, of the files released with Razin & Cohen 2020."""
    order = RNG.permutation(12).tolist()
    stored = {"target_tensor": torch.from_numpy(MATRIX), "target_cp_rank": 1, "train_indices_order": order}
    torch.save(stored, tmp_path / "a.pt")
    found = target_files.read(tmp_path / "a.pt", [3, 4])
    assert found.order.tolist() == order
    np.testing.assert_array_equal(found.array, MATRIX)


def test_arrays_in_memory_are_not_changed():
    given = MATRIX.astype(np.float32)
    found = target_files.of_arrays(given, [3, 4])
    found.array[:] = 0
    np.testing.assert_array_equal(given, MATRIX.astype(np.float32))
    whole = MATRIX.copy()
    target_files.of_arrays(whole, [3, 4]).array[:] = 0
    np.testing.assert_array_equal(whole, MATRIX)


# -- what is refused --------------------------------------------------------------------------------


def holed(value: float) -> np.ndarray:
    array = MATRIX.copy()
    array[1, 2] = value
    return array


WRONG = {
    "another shape": (MATRIX.T, r"has the shape \[4, 3\]; `shape` is \[3, 4\]"),
    "another order": (MATRIX[:, :, None], r"has the shape \[3, 4, 1\]"),
    "no number": (holed(np.nan), r"is nan at \[1, 2\]; allowed: finite numbers. Where only some"),
    "too large": (holed(np.inf), r"is inf at \[1, 2\]"),
    "complex numbers": (MATRIX * 1j, "holds complex128; allowed: real numbers"),
    "text": (MATRIX.astype(str), "allowed: real numbers"),
    "zeros": (0 * MATRIX, "is zero everywhere"),
    "no name": ({"a": MATRIX, "b": MATRIX}, "has the arrays a, b; allowed: `target` "),
    "nothing": ({}, "has the arrays none; allowed"),
    "two kinds": ({"target": MATRIX, **LIST}, "has the arrays target, indices, values; allowed"),
    "no values": ({"indices": INDICES}, "has the arrays indices; allowed"),
    "an entry twice": ({"indices": INDICES[[0, 1, 0]], "values": VALUES}, r"has the entry \[0, 1\] twice"),
    "an index too large": ({"indices": INDICES + [[0, 1]], "values": VALUES}, r"has the entry \[2, 4\]; `shape` is"),
    "a negative index": ({"indices": INDICES - 1, "values": VALUES}, r"\[-1, 0\]; .* indices count from 0"),
    "half an index": ({"indices": INDICES + 0.5, "values": VALUES}, "has 0.5; allowed: whole numbers"),
    "other counts": (
        {"indices": INDICES, "values": VALUES[:2]},
        r"`indices` has the shape \[3, 2\] and `values` \[2\]",
    ),
    "an index too few": ({"indices": INDICES[:, :1], "values": VALUES}, r"allowed, for `shape` \[3, 4\]: \[n, 2\]"),
    "no entries": ({"indices": INDICES[:0], "values": VALUES[:0]}, "n of at least 1"),
    "a value that is no number": ({"indices": INDICES, "values": [1, np.nan, 2]}, r"`values` is nan at \[1\]"),
    "an order outside": ({"target": MATRIX, "order": [0, 12]}, "`order` is no list of flat indices from 0 to 11"),
    "an order with two dimensions": ({"target": MATRIX, "order": INDICES}, "`order` is no list"),
    "an order that repeats": ({"target": MATRIX, "order": [3, 5, 3]}, r"`order` has the entry \[0, 3\] twice"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_arrays_are_named(wrong):
    content, message = WRONG[wrong]
    with pytest.raises(target_files.BadTarget, match=message) as error:
        target_files.of_arrays(content, [3, 4], "mine.npz")
    assert str(error.value).startswith("mine.npz")
    assert "\n" not in str(error.value)


class Harmful:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Return files that cannot be read, and what is said of them."""
    harmful = Harmful(folder / "touched")
    objects = np.empty(1, dtype=object)
    objects[0] = harmful
    np.save(folder / "object.npy", objects, allow_pickle=True)
    np.savez(folder / "object.npz", target=objects)
    torch.save({"target": harmful}, folder / "object.pt")
    torch.save({"target": torch.eye(3).to_sparse()}, folder / "sparse.pt")
    for ending in ("npy", "npz", "csv", "pt"):
        (folder / f"pickle.{ending}").write_bytes(pickle.dumps({"target": harmful}))
        (folder / f"empty.{ending}").write_bytes(b"")
        (folder / f"noise.{ending}").write_bytes(bytes(RNG.integers(128, 256, 500, dtype=np.uint8)))
        whole = write(folder / f"cut.{ending}", csv(MATRIX) if ending == "csv" else MATRIX if ending != "npz" else LIST)
        whole.write_bytes(whole.read_bytes()[:-7])
    texts = {
        "blank": "\n\n",
        "header": "row,column,value\n",
        "hole": "1,2,3,4\n1,,3,4\n1,2,3,4\n",
        "ragged": "1,2,3,4\n1,2,3\n1,2,3,4\n",
        "semicolons": "1;2\n3;4\n",
        "columns": "a,b,c,d\n" + csv(MATRIX),
    }
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    write(folder / "mine.txt", csv(MATRIX))
    pickled = "holds pickled objects, which are never read"
    said = {
        "object.npy": pickled, "object.npz": pickled, "object.pt": pickled, "pickle.npy": pickled,
        "pickle.npz": pickled, "pickle.pt": pickled, "pickle.csv": "is not text in UTF-8", "noise.csv": "is not text",
        "sparse.pt": "holds a sparse tensor",
        "blank.csv": "has no numbers", "header.csv": "has no numbers", "hole.csv": "cannot be read: could not convert",
        "ragged.csv": "cannot be read: the number of columns changed", "semicolons.csv": "separated by commas",
        "columns.csv": "whole numbers", "cut.csv": "cannot be read", "cut.npy": "cannot be read",
        "cut.npz": "cannot be read", "cut.pt": "cannot be read", "mine.txt": "ends in .txt; allowed: .npz, .npy, .csv",
        "nowhere.npy": "there is no file", **{f"empty.{ending}": "is empty" for ending in ("npy", "npz", "csv", "pt")},
    }  # fmt: skip
    return {name: (folder / name, text) for name, text in said.items()}


def test_wrong_files_are_named_and_nothing_in_them_runs(tmp_path):
    for path, text in files(tmp_path).values():
        with pytest.raises(target_files.BadTarget) as error:
            target_files.read(path, [3, 4])
        message = str(error.value)
        assert text in message, path
        assert str(path) in message
        assert "\n" not in message
    assert not (tmp_path / "touched").exists()


# -- what settings say of it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "said", "message"),
    [
        (MATRIX, {}, None),
        (MATRIX, {"target_rank": 1, "target_norm": float(np.linalg.norm(MATRIX))}, None),
        (MATRIX.astype(np.float32) / 3, {"target_rank": 1}, None),
        (MATRIX, {"target_norm": 1.0}, "has the Frobenius norm 7.842.*; `target_norm` is 1.0"),
        (MATRIX, {"target_rank": 2}, "has the rank 1; `target_rank` is 2"),
        (np.eye(3), {"target_rank": 2}, "has the rank 3; `target_rank` is 2"),
        (np.eye(9).reshape(3, 3, 9), {"target_rank": 8}, "has the rank 9"),
        (np.eye(9).reshape(3, 3, 9), {"target_rank": 9}, None),
    ],
)
def test_what_is_said_of_a_target_is_compared_with_it(array, said, message):
    given = target_files.of_arrays(array, list(array.shape))
    settings = {"target_norm": None, "target_rank": None, **said}
    if message is None:
        np.testing.assert_array_equal(target_files.check_statements(given, settings), array)
        return
    with pytest.raises(target_files.BadTarget, match=message):
        target_files.check_statements(given, settings)


# -- what a sweep makes of it -----------------------------------------------------------------------

FREE = {"shape": [3, 4], "target_rank": None, "target_norm": None}


@pytest.fixture
def planned(sweep_block, tmp_path):
    """Plan a sweep whose target is a file of the data folder: ``planned(name, **fixed)``."""
    (tmp_path / "data").mkdir()

    def make(
        name: str, *, problem: str = "completion", factorization: str = "deep_matrix", axes=None, job_per=(), **fixed
    ) -> Plan:
        axes = {"seed": [0, 1], **(axes or {})}  # the small paper's claim has another seed as its control
        block = sweep_block(
            factorization, "gd", problem=problem, axes=axes, job_per=job_per, **{**FREE, "target_file": name, **fixed}
        )
        small = SmallPaper(tmp_path / "my_paper", block)
        return Plan(small.raw(data_dir=str(tmp_path / "data")), here=False)

    return make


def generated(plan: Plan, out: Path) -> dict[str, np.ndarray]:
    """Run the one generation job of a plan, and return the arrays of its first run."""
    (name,) = plan.instances["small"]
    found = job(plan, "generate", f"small/{name}")
    stages.generate(found.settings, found.options["data_dir"], out)
    return Instances([out]).of(plan.sweeps["small"].whole.runs[0])


def test_a_whole_target_is_observed_as_a_drawn_one(planned, tmp_path):
    write(tmp_path / "data/mine.npy", MATRIX)
    plan = planned("mine.npy", observations=7, data_seed=3)
    data = generated(plan, tmp_path / "out.npz")
    run = plan.sweeps["small"].whole.runs[0]
    assert data["entries"].tolist() == np.random.default_rng([3, 0]).permutation(12).tolist()
    values, counts = completion.observed(run, data)
    assert counts.sum() == 7
    np.testing.assert_array_equal(values, MATRIX * counts)
    np.testing.assert_array_equal(completion.context(run, data)["target"], MATRIX)


def test_all_of_a_list_is_observed(planned, tmp_path):
    write(tmp_path / "data/mine.csv", LIST_CSV)
    plan = planned("mine.csv", observations=None)
    data = generated(plan, tmp_path / "out.npz")
    values, counts = completion.observed(plan.sweeps["small"].whole.runs[0], data)
    assert np.argwhere(counts).tolist() == sorted(INDICES.tolist())
    assert values[tuple(INDICES.T)].tolist() == VALUES.tolist()
    assert "target" not in data


def test_the_first_entries_of_a_list_or_of_an_order_are_observed(planned, tmp_path):
    order = np.array([5, 0, 11, 2])
    write(tmp_path / "data/mine.npz", {"target": MATRIX, "order": order})
    plan = planned("mine.npz", observations=2)
    data = generated(plan, tmp_path / "out.npz")
    run = plan.sweeps["small"].whole.runs[0]
    assert np.flatnonzero(completion.observed(run, data)[1]).tolist() == [0, 5]
    assert completion.measurements(run, data)[1].tolist() == MATRIX.ravel()[[0, 5]].tolist()


def test_a_target_is_measured_by_random_matrices(planned, tmp_path):
    write(tmp_path / "data/mine.pt", MATRIX)
    plan = planned("mine.pt", problem="sensing")
    data = generated(plan, tmp_path / "out.npz")
    run = plan.sweeps["small"].whole.runs[0]
    np.testing.assert_array_equal(data["values"], sensing.ensemble(run) @ MATRIX.ravel())


@pytest.mark.parametrize(
    ("content", "fixed", "message"),
    [
        (LIST, {"observations": 4}, "mine.npz lists 3 entries; the sweep asks for 4"),
        (LIST, {"observations": None, "observed_fraction": 0.5}, "lists 3 entries; the sweep asks for 6"),
        ({"target": MATRIX, "order": np.arange(5)}, {"observations": 9}, "lists 5 entries; the sweep asks for 9"),
        (LIST, {"observations": 3, "noise_std": 0.1}, "says which entries are seen: no `noise_std`"),
        (LIST, {"observations": 3, "replacement": True}, "says which entries are seen: no `replacement`"),
        (LIST, {"observations": 3, "target_rank": 1}, "is a list of entries; allowed here: the whole array"),
        (LIST, {"problem": "sensing"}, "is a list of entries; allowed here: the whole array"),
        ({"target": MATRIX}, {"observations": 3, "target_rank": 2}, "has the rank 1; `target_rank` is 2"),
        ({"target": MATRIX.T}, {"observations": 3}, r"mine.npz has the shape \[4, 3\]; `shape` is \[3, 4\]"),
    ],
)
def test_what_a_sweep_cannot_use_fails_while_data_are_generated(planned, tmp_path, content, fixed, message):
    write(tmp_path / "data/mine.npz", content)
    plan = planned("mine.npz", **fixed)
    with pytest.raises(target_files.BadTarget, match=message):
        generated(plan, tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize(
    ("name", "fixed", "message"),
    [
        ("gone.csv", {}, "sweeps.yaml: small: target_file is 'gone.csv': there is no file "),
        ("empty.csv", {}, "empty.csv is empty"),
        ("folder.npz", {}, "there is no file"),
        ("mine.txt", {}, "target_file is 'mine.txt'; allowed endings: .npz, .npy, .csv, .pt"),
        ("~/mine.npy", {}, "'~/mine.npy' is not a valid name of a file"),
        ("a{b}.npy", {}, "is not a valid name of a file"),
        ("mine.npy", {"target_decay": 1.0}, "`target_file` excludes target_decay"),
        ("mine.npy", {"observed": [[0, 0, 1.0]], "observations": None}, "`observed` excludes target_file"),
        ("mine.npy", {"observations": 3, "observed_fraction": 0.5}, "give either `observed`, or a target and one of"),
        ("mine.npy", {"target_rank": 4}, "target_rank is 4; the shape [3, 4] allows at most 3"),
    ],
)
def test_what_planning_can_see_is_named_before_anything_runs(planned, tmp_path, name, fixed, message):
    (tmp_path / "data/empty.csv").write_text("", encoding="utf-8")
    (tmp_path / "data/folder.npz").mkdir()
    write(tmp_path / "data/mine.npy", MATRIX)
    with pytest.raises(ConfigError) as error:
        planned(name, **fixed)
    assert [message in text for text in error.value.messages] == [True]


@pytest.mark.parametrize("problem", [name for name, model in PROBLEMS.items() if "target_file" in model.model_fields])
def test_every_problem_with_a_target_takes_one_of_a_file(planned, tmp_path, problem):
    write(tmp_path / "data/mine.npy", MATRIX)
    needs = {"huber_completion": {"factorization": "cp", "loss": "huber", "huber_threshold": 0.1}}
    plan = planned("mine.npy", problem=problem, **needs.get(problem, {}))
    np.testing.assert_array_equal(generated(plan, tmp_path / "out.npz")["target"], MATRIX)


def test_the_content_of_the_file_is_part_of_the_job(planned, tmp_path):
    path = write(tmp_path / "data/mine.npy", MATRIX)
    before = job(planned("mine.npy"), "generate", "small/all")
    assert before.inputs["data"] == [path]
    write(path, 2 * MATRIX)
    after = job(planned("mine.npy"), "generate", "small/all")
    assert before.settings != after.settings
    with pytest.raises(Exception, match="mine.npy has changed since the build was planned"):
        stages.generate(before.settings, before.options["data_dir"], tmp_path / "out.npz")


def test_targets_of_two_files_are_two_instances(planned, tmp_path):
    write(tmp_path / "data/one.npy", MATRIX)
    write(tmp_path / "data/two.npy", 3 * MATRIX)
    names = ["one.npy", "two.npy"]
    plan = planned("one.npy", axes={"target_file": names}, job_per=["target_file"])
    assert list(plan.instances["small"]) == ["target_file-one.npy", "target_file-two.npy"]
    inputs = [job(plan, "generate", f"small/{name}").inputs["data"] for name in plan.instances["small"]]
    assert inputs == [[tmp_path / "data" / name] for name in names]
