"""Every command line of the README does what it says, at smoke scale in a copy."""

from __future__ import annotations

import re
import shlex

import pytest

from checkout import REPOSITORY

BLOCKS = re.findall(r"```sh\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.DOTALL)
# Left out: the commands that make the environment or take what a test machine may not have, and the paper outside the
# repository, which test_outside_paper.py builds.
LINES = [
    line.split("#")[0].strip()
    for block in BLOCKS
    for line in block.splitlines()
    if line.strip() and not line.startswith(("git ", "cd ", "make ", "source ")) and "my.yaml" not in line
]


def test_the_readme_names_commands():
    assert len(LINES) >= 5


@pytest.mark.parametrize("line", sorted(set(LINES)))
def test_command(checkout, line):
    words = [word.replace("results/", "results/smoke/") for word in shlex.split(line)]
    if words[0] == "snakemake":
        dry = ["--dry-run"] if {"--workflow-profile", "device=cuda", "scale=paper"} & set(words) else []
        config = [word for word in words if "=" in word and not word.startswith("scale=")]
        targets = [word for word in words[1:] if "=" not in word and word != "--config"]
        config = ["--config", "scale=smoke", f"data_dir={checkout.data}", *config]
        result = checkout.run("snakemake", *targets, *dry, *config)
    else:
        result = checkout.run(*words)
    assert result.returncode == 0, result.stdout + result.stderr
