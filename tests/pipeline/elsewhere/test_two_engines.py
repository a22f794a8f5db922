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
    figure, results, other = "effective_rank_plateaus", "results/smoke", "results/smoke_engine-autograd"
    before = digests(checkout.folder / results)
    words = [*checkout.command("2", f"{other}/claims/{figure}.json"), "engine=autograd"]
    result = checkout.run(*words)
    assert result.returncode == 0, result.stdout + result.stderr
    assert digests(checkout.folder / results) == before
    ours, theirs = (
        {name: claim["verdict"] for name, claim in judged(checkout.folder / folder, figure).items()}
        for folder in (results, other)
    )
    assert {"reproduced", "differs"} <= set(ours.values())  # at this scale they mean nothing, but are to be the same
    assert theirs == ours
    run = f"runs/{figure}/all.npz"
    assert digests(checkout.folder / other)[run] != before[run]
    again = checkout.run(*words)
    assert "Nothing to be done" in again.stdout + again.stderr
    table = checkout.run("python", "scripts/compare_builds.py", results, other)
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
    assert found["files"]["spectra"] == [1, 1]
    assert "`nudge_seed=0`" in (checkout.folder / "portability.md").read_text(encoding="utf-8")


def test_a_number_of_seeds_is_planned(fresh):
    result = fresh.run(*fresh.command("1", "cheap", "--dry-run", "--quiet", "rules"), "seeds=2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "seeds is 2, but these sweeps vary no seed, and stay as they are: eigenvalue_recovery, eos_range," in (
        result.stderr
    )
