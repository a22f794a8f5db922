"""Claims and statistics of tensor_completion_order3 and _order4, on runs made by hand."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from greedyrank.claims import judging
from greedyrank.config.sweeps import Run
from greedyrank.plan.graph import Plan
from greedyrank.spectra import extraction
from razin_cohen_2020.tensor_completion_order3 import draw, statistics

REPOSITORY = Path(__file__).parents[2]
PAPER = REPOSITORY / "workflow/papers/razin_cohen_2020"
ORDERS = (3, 4)
SPREAD = (0.7, 0.9, 1.0, 1.1, 1.4)  # of five inits about their median


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8")), here=False)


def as_jobs_get(published: dict) -> dict:
    """Return published values with text as keys, as JSON has them."""
    return json.loads(json.dumps(published))


def made(runs: list[Run], **values: Callable[[Run], float]) -> xr.Dataset:
    """Return runs as extraction would label them, with one record each, and a value of each run by name."""
    settings = {name: ("run", column) for name, column in extraction.settings_of(runs).items()}
    found = xr.Dataset({"step": (("run", "record"), np.zeros((len(runs), 1), dtype=int))}, settings)
    for name, value in values.items():
        column = np.array([value(run) for run in runs], dtype=float)
        found[name] = (("run", "record"), column[:, None]) if name == "relative_error" else ("run", column)
    return found


class Published:
    """What the paper's plots show of one order, between the numbers of entries read off too."""

    def __init__(self, plan: Plan, order: int):
        self.values = as_jobs_get(plan.figures[f"tensor_completion_order{order}"].published)["1"]

    def at(self, what: str, series: str, run: Run) -> float:
        known = np.array(self.values[what][series])
        return float(np.interp(run["observations"], *known.T))

    def error(self, run: Run) -> float:
        order = len(run["shape"])
        few = run["observations"] < (200 if order == 3 else 500)
        if run["target_rank"] == 3:
            return 1.0 if few else 5e-3 if run["factor_std"] == 1e-2 else 5e-4
        if order == 4 and run["observations"] <= 500 and run["target_file"] is None:
            return 2.0  # of our own targets, from either init
        if order == 4 and run["factor_std"] == 1e-3:
            return 10.0 if few else 1e-6
        return self.at("error", f"init {run['factor_std']:g}", run) * SPREAD[run["seed"] % 5]

    def rank(self, run: Run) -> float:
        if run["target_rank"] == 3:
            few = len(run["shape"]) == 3 and run["observations"] < 200
            return 3 if not few else 2 if run["factor_std"] == 1e-3 else 6
        return round(self.at("rank", f"init {run['factor_std']:g}", run))

    def filled_rank(self, run: Run) -> float:
        """Our own targets differ by a little, those of rank 3 by more."""
        other = 5 if run["target_rank"] == 3 else -4 if run["target_file"] is None and len(run["shape"]) == 4 else 0
        return max(1, round(self.at("rank", "zeros elsewhere", run)) + other)

    def filled_error(self, run: Run) -> float:
        other = run["target_rank"] == 3 or run["target_file"] is None
        return self.at("error", "zeros elsewhere", run) * (0.8 if other else 1.0)


def as_published(plan: Plan, order: int) -> dict[str, xr.Dataset]:
    """Return the sweeps of a figure as the paper shows its runs."""
    one = Published(plan, order)
    names = plan.figures[f"tensor_completion_order{order}"].block.sweeps
    return {
        name: made(
            plan.sweeps[name].whole.runs,
            relative_error=one.error,
            tensor_rank=one.rank,
            zero_filled_rank=one.filled_rank,
            zero_filled_error=one.filled_error,
        )
        for name in names
    }


def without_bias(plan: Plan, order: int) -> dict[str, xr.Dataset]:
    """Return the sweeps as they would be if a smaller init were no better, and nothing of low rank were found."""
    found = as_published(plan, order)
    for runs in found.values():
        runs["relative_error"] = runs.relative_error * 0 + runs.zero_filled_error * runs.factor_std * 100 + 5
        runs["tensor_rank"] = runs.tensor_rank * 0 + runs.zero_filled_rank.where(runs.target_rank == 1, 2)
        runs["zero_filled_rank"] = runs.zero_filled_rank * 0 + 8
        runs["zero_filled_error"] = runs.zero_filled_error * 0 + 0.5
    return found


def judged(plan: Plan, order: int, sweeps: dict[str, xr.Dataset]) -> dict[str, dict]:
    figure = f"tensor_completion_order{order}"
    statistic = judging.statistics_of(PAPER, figure)
    here = (claim for claim in plan.figures[figure].claims if claim.get("known") != judging.NOT_CHECKABLE)
    return {claim["id"]: judging.judge(claim, sweeps, statistic) for claim in here}


# That most inits recover the target from 500 entries is ours; as published they do not.
NOT_AS_PUBLISHED = {"failures_at_500"}


@pytest.mark.parametrize("order", ORDERS)
def test_every_claim_is_reproduced_by_runs_as_published(plan, order):
    for name, claim in judged(plan, order, as_published(plan, order)).items():
        verdict = judging.DIFFERS if name in NOT_AS_PUBLISHED else judging.REPRODUCED
        assert claim["verdict"] == verdict, (name, claim["measured"], claim["range"], claim["control"])


def test_what_differs_from_the_published_at_500_entries_is_what_was_measured(plan):
    """One init in fifteen ends in a spurious solution of rank 2."""
    sweeps = as_published(plan, 4)
    runs = sweeps["tensor_completion_order4_released"]
    here, fails = (runs.observations == 500) & (runs.factor_std == 1e-2), runs.seed % 15 == 7
    runs["relative_error"] = runs.relative_error.where(~here, xr.where(fails, 0.3, 3e-4))
    runs["tensor_rank"] = runs.tensor_rank.where(~here, xr.where(fails, 2, 1))
    found = judged(plan, 4, sweeps)
    assert found["failures_at_500"]["verdict"] == judging.REPRODUCED
    changed = {name for name, claim in found.items() if claim["verdict"] == judging.DIFFERS}
    assert changed == {"error_at_500", "rank_at_500"}
    assert all(found[name]["on_record"] == judging.DIFFERS for name in changed)


@pytest.mark.parametrize("order", ORDERS)
def test_every_claim_misses_on_runs_without_the_bias(plan, order):
    for name, claim in judged(plan, order, without_bias(plan, order)).items():
        assert claim["verdict"] == judging.DIFFERS, (name, claim["measured"], claim["range"])
        assert claim["note"] != "the control holds as well", name


# -- statistics -------------------------------------------------------------------------------------


def runs_at(sizes: list[int], errors: list[float], ranks: list[float] | None = None) -> xr.Dataset:
    return xr.Dataset(
        {
            "step": (("run", "record"), np.zeros((len(sizes), 1), dtype=int)),
            "relative_error": (("run", "record"), np.array(errors, dtype=float)[:, None]),
            "tensor_rank": ("run", np.array(ranks or [1.0] * len(sizes))),
        },
        {"observations": ("run", sizes)},
    )


def by_enumeration(values: list[float], below: float, above: float) -> float:
    """Return the two-sided probability that a median of five draws is beyond a value: of all draws of five."""
    medians = np.array([np.median(five) for five in itertools.product(values, repeat=5)])
    return min(1.0, 2 * np.mean(medians <= below), 2 * np.mean(medians >= above))


@pytest.mark.parametrize("published", [0.05, 0.1, 0.25, 0.9, 1.5, 3.0, 9.0])
def test_the_chance_of_a_median_is_that_of_all_draws_of_five(published):
    errors = [0.1, 0.1, 0.2, 1.0, 1.5, 3.0]
    (found,) = statistics.error_chance(runs_at([50] * 6, errors), sizes=[50], medians=[published], reading=0.1)
    assert found == pytest.approx(by_enumeration(errors, published * 1.1, published / 1.1))


def test_the_chance_of_a_rank_is_that_of_the_very_number():
    ranks = [1, 1, 2, 2, 2, 4]
    (found,) = statistics.rank_chance(runs_at([50] * 6, [1] * 6, ranks), sizes=[50], medians=[1])
    assert found == pytest.approx(by_enumeration(ranks, 1, 1))


def test_each_number_of_observations_has_a_chance_of_its_own_and_none_without_runs():
    sizes, errors = [50, 50, 100, 100], [1.0, 2.0, 0.1, 0.1]
    found = statistics.error_chance(runs_at(sizes, errors), sizes=[100, 50, 150], medians=[0.1, 9.0, 1.0])
    assert found[0] == 1
    assert found[1] == 0
    assert np.isnan(found[2])


def test_shares_are_of_all_runs():
    runs = runs_at([50, 50, 100, 100], [0.01, 0.2, 0.1, 5.0], [1, 3, 4, 9])
    assert statistics.share_above_error(runs, level=0.1) == 0.5
    assert statistics.share_above_rank(runs, rank=3) == 0.5


# -- the picture --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("released", [True, False])
def test_the_figure_is_drawn_with_and_without_the_released_target(plan, order, released):
    sweeps = as_published(plan, order)
    drawn, given = sweeps
    if not released:
        del sweeps[given]
    canvas = draw.draw(sweeps, as_jobs_get(plan.figures[drawn].published))
    table = canvas.table()
    part = "released target" if released else "drawn targets"
    lines = table[table.series.str.endswith("median") & table.panel.isin(["a", "b"])]  # the target of rank 1
    assert set(lines.series.str.split(", ").str[1]) == {part}
    assert any("without the released one" in remark for remark in canvas.remarks) is not released
    hollow = table[table.series == "init 0.01, drawn targets"]
    assert len(hollow) == 2 * np.sum(sweeps[drawn].factor_std == 1e-2)
