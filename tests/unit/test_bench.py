"""The benchmark's cases take steps of the same training in all their forms. Nothing here is timed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from greedyrank.benchmarks import steps, two_commits
from greedyrank.benchmarks.steps import CASES
from greedyrank.errors import UserError

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    monkeypatch.setattr(steps, "BATCH", 100)


@pytest.mark.parametrize("name", CASES)
def test_every_case_takes_a_step(name):
    case, *_ = CASES[name]("cpu")
    before = case.stepper.state()
    case.engine(1)
    assert any((new != before[key]).any() for key, new in case.stepper.state().items() if key != "step")


@pytest.mark.parametrize("name", ["cp order4 R512", "tucker 25 K2", "hierarchical 8^4", "image r15"])
def test_published_and_plain_forms_take_the_same_step(name, monkeypatch):
    optimizers = []
    by_autograd = steps._by_autograd

    def watched(loss, optimizer):
        optimizers.append(optimizer)
        return by_autograd(loss, optimizer)

    monkeypatch.setattr(steps, "_by_autograd", watched)
    _, published, plain, _ = CASES[name]("cpu")
    ours, theirs = (optimizer.param_groups[0]["params"] for optimizer in optimizers)
    start = [parameter.detach().clone() for parameter in ours]
    published(1)
    plain(1)
    for first, one, other in zip(start, ours, theirs, strict=True):
        moved = (one - first).detach()
        assert moved.abs().max() > 0
        # float32, and sums in different orders; for Adam, whose first step is the gradient's sign, of tiny ones too.
        close = (moved - (other - first).detach()).abs() <= 1e-3 * moved.abs().max()
        assert close.float().mean() > 0.99


def test_the_smallest_times_of_two_trees_are_compared_case_by_case(monkeypatch):
    """Each tree has one case more than the other, and one disturbed round."""
    times = iter(
        [
            *({"a": 2.0, "b": 1.0, "gone": 1.0}, {"a": 3.0, "b": 1.0, "new": 1.0}),
            *({"a": 9.0, "b": 1.0, "gone": 1.0}, {"a": 9.0, "b": 4.0, "new": 1.0}),
            *({"a": 2.5, "b": 1.0, "gone": 1.0}, {"a": 5.0, "b": 4.0, "new": 1.0}),
        ]
    )
    trees = []
    monkeypatch.setattr(two_commits, "_unpacked", lambda repository, commit, folder: folder)
    monkeypatch.setattr(two_commits, "_times", lambda tree, cases: trees.append(tree) or next(times))
    found = two_commits.compare(REPOSITORY, "any", ["a"])
    assert [(row["case"], row["ratio"]) for row in found] == [("a", 1.5), ("b", 1.0)]
    assert trees[0] != REPOSITORY and trees[1::2] == [REPOSITORY] * two_commits.ROUNDS


@pytest.mark.parametrize(
    ("place", "said"),
    [("a clone", ".*nowhere"), ("no clone", ".*not a git repository"), ("no git", "there is no git to look for it")],
)
def test_a_commit_that_cannot_be_had_is_named(tmp_path, monkeypatch, place, said):
    if place == "no git":
        monkeypatch.setenv("PATH", "")
    elif not shutil.which("git"):
        pytest.skip("needs git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    if place == "a clone":
        subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True, capture_output=True)
    with pytest.raises(UserError, match=f"BASE is 'nowhere': {said}"):
        two_commits.compare(tmp_path, "nowhere", ["2x2 depth3"])


def test_the_short_comparison_has_cases_of_the_benchmark():
    assert set(two_commits.SHORT) <= set(CASES)
