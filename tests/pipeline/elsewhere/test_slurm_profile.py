"""The profile for Slurm, as far as a machine without one can tell; tests/cluster runs it."""

from __future__ import annotations

import re

import yaml

from checkout import REPOSITORY


def planned(fresh, device: str) -> tuple[set[str], set[str]]:
    """Return the messages of the jobs that a build on a cluster would run in groups, and of those on their own."""
    result = fresh.run("snakemake", "--workflow-profile", "slurm", "--dry-run", "--config", f"device={device}")
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    return tuple(set(re.findall(rf"^{indent}Job \d+: (.*)$", output, re.MULTILINE)) for indent in (" +", ""))


def test_figures_of_up_to_a_minute_are_one_job_and_long_training_is_its_own(fresh):
    grouped, alone = planned(fresh, "auto")
    for message in ("growth_matrix: train all on cpu", "singular_values: draw", "image_rank: draw"):
        assert message in grouped
    assert "image_rank: train dataset-mnist_images-original on cpu" in alone
    assert not [message for message in alone if re.search(": (draw|check the claims|measure .*)$", message)]


def test_a_job_that_holds_a_gpu_does_nothing_else(fresh):
    grouped, alone = planned(fresh, "cuda")
    assert not [message for message in grouped if message.endswith("on cuda")]
    assert "singular_values: train depth-2 on cuda" in alone
    assert "det_sign_init: train depth-3 on cpu" in grouped


def test_the_profile_is_the_default_one_but_for_what_clusters_need():
    default, slurm = (
        yaml.safe_load((REPOSITORY / f"workflow/profiles/{name}/config.yaml").read_text(encoding="utf-8"))
        for name in ("default", "slurm")
    )
    del default["resources"]  # one GPU for all jobs
    assert default.items() <= slurm.items()
    assert not {"resources", "max-jobs-per-timespan", "max-threads"} & set(slurm)
