"""A user's own matrix, from a CSV file of the data folder to the finished figure."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from checkout import Checkout, copy_repository, keep_figures, planned_jobs

OUTSIDE = Path(__file__).parent / "outside_paper"
WORDS = ("snakemake", "--cores", "2", "my_paper", "--configfile", "../my.yaml")
MATRIX = np.random.default_rng(0).standard_normal((2, 20, 2))


def write(path: Path, matrix: np.ndarray) -> None:
    np.savetxt(path, matrix, delimiter=",")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Checkout:
    """A checkout beside the outside paper, whose target is a matrix of rank 2 in a CSV file, after a build."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copytree(OUTSIDE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    checkout = copy_repository(folder / "greedyrank")
    keep_figures(checkout, ("det_sign",))  # planning all would take most of the time
    checkout.edit("../my_paper/sweeps.yaml", "target_rank: 2, target_norm: 20.0,", "target_file: mine.csv,")
    write(checkout.folder / "data/mine.csv", MATRIX[0] @ MATRIX[1].T)
    result = checkout.run(*WORDS)
    assert result.returncode == 0, result.stdout + result.stderr
    return checkout


def planned(checkout: Checkout) -> set[str]:
    """Return the messages of the jobs that a build would run."""
    return planned_jobs(checkout.run(*WORDS, "--dry-run"))


def test_the_matrix_is_completed(built):
    """From half its entries, at depth 3."""
    with np.load(built.folder / "results/runs/my_sweep/all.npz") as runs:
        assert runs["relative_error"][1, -1] < 0.05 < runs["relative_error"][0, -1]
    (claim,) = json.loads((built.folder / "results/claims/effective_rank.json").read_text(encoding="utf-8"))["claims"]
    assert claim["verdict"] == "reproduced"
    assert planned(built) == set()


def test_another_content_is_another_target_whatever_its_date(built):
    path = built.folder / "data/mine.csv"
    content, state = path.read_bytes(), path.stat()
    os.utime(path)
    assert planned(built) == set()
    write(path, 2 * MATRIX[0] @ MATRIX[1].T)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert planned(built) == {
        "my_sweep: generate data all",
        "my_sweep: train all on cpu",
        "my_sweep: measure effective_rank",
        "effective_rank: draw",
        "effective_rank: check the claims",
    }
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert planned(built) == set()


def test_what_is_wrong_in_the_file_is_one_line_and_nothing_is_trained(built):
    path = built.folder / "data/mine.csv"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\n", b"\nnan,", 1))
    result = built.run(*WORDS, "--until", "generate")
    path.write_bytes(content)
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert "Traceback" not in output
    assert "error: data/mine.csv cannot be read: the number of columns changed from 20 to 21 at row 2" in output


def test_a_file_that_is_not_there_is_named_before_anything_runs(built):
    path = built.folder / "data/mine.csv"
    path.rename(path.with_suffix(".away"))
    result = built.run(*WORDS)
    path.with_suffix(".away").rename(path)
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert "my_sweep: target_file is 'mine.csv': there is no file data/mine.csv" in output
    assert not re.findall(
        r"^Job \d+: my_sweep: ", output, re.MULTILINE
    )  # as the figure cannot be built, it fails alone
