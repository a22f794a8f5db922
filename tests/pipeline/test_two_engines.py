"""Builds in other ways: of another engine, more seeds, and as other machines would make them."""

from __future__ import annotations

import json
import re

from checkout import digests


def judged(folder, figure):
    return {
        claim["id"]: claim
        for claim in json.loads((folder / f"claims/{figure}.json").read_text(encoding="utf-8"))["claims"]
    }


def test_two_engines_give_the_same_verdicts_in_folders_of_their_own(checkout):
    results = checkout.folder / "results/smoke"
    before = digests(results)
    other = checkout.folder / "results/smoke_engine-autograd"
    target = f"{other.relative_to(checkout.folder)}/claims/deep_cp.json"
    words = [*checkout.command("2", target), "engine=autograd"]
    result = checkout.run(*words)
    assert result.returncode == 0, result.stdout + result.stderr
    assert digests(results) == before
    ours, theirs = judged(results, "deep_cp"), judged(other, "deep_cp")
    assert {name: claim["verdict"] for name, claim in ours.items()} == {
        name: claim["verdict"] for name, claim in theirs.items()
    }
    assert digests(other)["runs/deep_cp/all.npz"] != before["runs/deep_cp/all.npz"]
    assert "Nothing to be done" in checkout.run(*words).stderr
    table = checkout.run("python", "scripts/compare_builds.py", "results/smoke", "results/smoke_engine-autograd")
    assert table.returncode == 0, table.stdout + table.stderr
    assert re.search(rf"^0 of {len(ours)} verdicts differ", table.stdout, re.MULTILINE)


def test_verdicts_are_compared_with_those_of_another_machine(checkout):
    words = ["--figures", "deep_cp", "--scale", "smoke", "--variants", "nudge-0", "--out", "portability.md"]
    result = checkout.run("python", "scripts/portability.py", *words)
    assert result.returncode == 0, result.stdout + result.stderr
    (found,) = json.loads((checkout.folder / "results/portability.json").read_text(encoding="utf-8")).values()
    assert found["figures"] == ["deep_cp"]
    assert found["files"]["data"] == [0, 1]
    assert found["files"]["runs"] == [1, 1]
    assert found["statistics"] > 0
    assert "`nudge_seed=0`" in (checkout.folder / "portability.md").read_text(encoding="utf-8")


def test_a_number_of_seeds_is_planned(fresh):
    result = fresh.run(*fresh.command("1", "cheap", "--dry-run", "--quiet", "rules"), "seeds=2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "seeds is 2, but these sweeps vary no seed, and stay as they are: eigenvalue_recovery, image_rank" in (
        result.stderr
    )
