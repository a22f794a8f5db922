"""What a larger config makes larger, and what not."""

import pytest
from snakemake.utils import update_config

import scale
from greedyrank.plan.graph import Plan


def planned(overlay):
    raw = scale.load()
    update_config(raw, overlay)
    return Plan(raw)


def jobs(plan):
    return {name: (len(plan.jobs[name]), len(plan.instances[name])) for name in plan.sweeps}


@pytest.fixture(scope="module")
def paper():
    return Plan(scale.load())


def test_a_hundred_times_more_runs_are_as_many_jobs(paper):
    more = planned(scale.more_runs(scale.load(), 100))
    assert jobs(more) == jobs(paper)
    assert more.all_files() == paper.all_files()
    runs, before = ({name: scale.runs_of(sweep.whole) for name, sweep in plan.sweeps.items()} for plan in (more, paper))
    # All but those whose settings leave nothing to be drawn again, or whose seeds are jobs.
    assert [name for name in runs if runs[name] != 100 * before[name]] == ["irmae_spectrum"]
    assert sum(runs.values()) > 1_000_000


@pytest.mark.parametrize("overlay", ["more_jobs", "one_wide_sweep"])
def test_ten_thousand_jobs(paper, overlay):
    wide = planned(scale.more_jobs(scale.load(), 10_000) if overlay == "more_jobs" else scale.one_wide_sweep(10_000))
    assert sum(map(len, wide.jobs.values())) == pytest.approx(10_000, rel=0.1)
    assert wide.all_files() == paper.all_files()
