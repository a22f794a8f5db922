"""The profile for machines with GPUs, as far as a machine without one can tell."""

from __future__ import annotations

import re

import pytest
import yaml

from checkout import REPOSITORY
from greedyrank.config import loading
from greedyrank.plan.host import gpu_is_here


def test_sweeps_go_to_the_gpu_unless_they_say_cpu(fresh):
    result = fresh.run("snakemake", "--workflow-profile", "gpu", "--dry-run")
    assert result.returncode == 0, result.stdout + result.stderr
    found = set(re.findall(r"^Job \d+: (\w+): train .* on (cpu|cuda)$", result.stdout + result.stderr, re.MULTILINE))
    assert {device for _, device in found} == {"cpu", "cuda"}
    sweeps = loading.load({}).sweeps
    for sweep, device in found:
        assert device == ("cpu" if sweeps[sweep].device == "cpu" else "cuda"), sweep


@pytest.mark.skipif(gpu_is_here(), reason="a GPU is here")
def test_without_a_gpu_nothing_starts(fresh):
    result = fresh.run(
        "snakemake", "--workflow-profile", "gpu", "singular_values", "--config", "scale=smoke", "device=cuda"
    )
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "this machine has no GPU, and 4 jobs are to train on one: set `device: cpu` or `auto`" in output
    assert "Traceback" not in output
    assert not (fresh.folder / "results").exists()


@pytest.mark.skipif(gpu_is_here(), reason="a GPU is here")
def test_what_needs_no_gpu_runs_without_one(fresh):
    result = fresh.run("snakemake", "--cores", "1", "results/smoke/data/singular_values/all.npz",
                       "--config", "scale=smoke", "device=cuda")  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_profile_is_the_default_one_but_for_what_gpus_need():
    default, gpu = (
        yaml.safe_load((REPOSITORY / f"workflow/profiles/{name}/config.yaml").read_text(encoding="utf-8"))
        for name in ("default", "gpu")
    )
    assert gpu == {**default, "config": {"device": "cuda"}, "resources": ["gpu=1"], "cores": "all"}
