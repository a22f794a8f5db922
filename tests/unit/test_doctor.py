"""What this machine has for a build, in a dozen lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from greedyrank import doctor
from greedyrank.plan import host

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def findings(tmp_path, monkeypatch):
    """What is found in an empty working folder, by subject: ``findings(raw)``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(host, "why_no_gpu", lambda: "this machine has no GPU")
    return lambda raw=None, environment=None: {
        finding.subject: finding for finding in doctor.findings(raw or {}, environment or {})
    }


def test_each_subject_is_one_line(findings):
    found = findings()
    assert 10 <= len(found) <= 12
    assert not any("\n" in line.found for line in found.values())
    assert not [line for line in found.values() if line.fails]
    assert found["GPU"].found == "this machine has no GPU: `device: auto` trains on the CPU"
    assert found["mnist"].found.startswith("not in data: fetched when a figure needs it")
    assert "snakemake --cores 1 movielens" in found["movielens"].found


@pytest.mark.parametrize(
    ("subject", "raw", "environment", "text"),
    [
        ("config", {"scale": "huge"}, {}, "scale is 'huge'"),
        ("config", {"papers": ["/nowhere"]}, {}, "there is no folder /nowhere"),
        ("results", {"results_dir": "/proc/results"}, {}, "/proc cannot be written to"),
        ("environment", {}, {"GREEDYRANK_PROCESSOR": "OMP_NUM_THREADS=2"}, "allowed: NAME=VALUE"),
    ],
)
def test_what_stops_every_build_is_marked(findings, subject, raw, environment, text):
    found = findings(raw, environment)
    assert [line.subject for line in found.values() if line.fails] == [subject]
    assert text in found[subject].found


def test_packages_that_are_not_those_of_the_lock_file():
    lock = (REPOSITORY / "envs/requirements.lock").read_text(encoding="utf-8")
    assert doctor.differing(lock) == []
    wrong = lock.replace("numpy==", "numpy==9") + "no-such-package==1.0\n"
    numpy, missing = doctor.differing(wrong)
    assert numpy.startswith("numpy is ") and ", not 9" in numpy
    assert missing == "no-such-package 1.0 is missing"


def test_the_command(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow"), "GREEDYRANK_PROCESSOR": "nonsense"}
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts/doctor.py")],
        cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: GREEDYRANK_PROCESSOR: 'nonsense'; allowed: NAME=VALUE")
