"""How far claims hold: planted claims whose verdict flips at a known tolerance, init or step."""

import numpy as np
import pytest
import xarray as xr

from greedyrank.claims import horizon, judging
from greedyrank.config.figure_loader import resolve_control
from greedyrank.report import horizon as table

RATES, STDS, SEEDS = [0.01, 0.1, 0.5, 1.0], [1e-4, 1e-2], range(10)


@pytest.fixture
def sweeps():
    """Runs whose value is 1, 2, ... 10 by seed up to the step 0.1, and 100 more beyond; that of depth 2 is 50 more."""
    settings = [
        {"depth": depth, "learning_rate": rate, "product_std": std, "seed": seed}
        for depth in (2, 3)
        for rate in RATES
        for std in STDS
        for seed in SEEDS
    ]
    value = [run["seed"] + 1 + 100 * (run["learning_rate"] > 0.1) + 50 * (run["depth"] == 2) for run in settings]
    columns = {name: ("run", [run[name] for run in settings]) for name in settings[0]}
    return {"planted": xr.Dataset({"value": ("run", np.array(value, dtype=float))}).assign_coords(columns)}


def values(runs):
    return runs.value.to_numpy()


def ratio_of_inits(runs, *, stds):
    """Compare two inits, as statistics do that need both."""
    large, small = (runs.value[runs.product_std == std].to_numpy() for std in stds)
    return large / small


def crash(runs):
    assert len(set(runs.product_std.values)) == 2, "needs both inits"
    return runs.value.to_numpy()


def slope(runs):
    """Fit a line along the inits."""
    return np.array([np.polyfit(np.log10(runs.product_std), runs.value, 1)[0]])


def named(reference):
    return {"values": values, "ratio_of_inits": ratio_of_inits, "crash": crash, "slope": slope}[reference]


def claim_of(expect, runs=None, control=None, statistic="values", seeds="every", at=None):
    asked = {
        "sweep": "planted",
        "statistic": statistic,
        "at": at or {},
        "runs": runs or {"depth": 3, "learning_rate": 0.01},
    }
    described = {"id": "one", "statement": "s", "source": "s", "basis": "ours", "reason": "r", "seeds": seeds}
    return {**described, **asked, "expect": expect, "control": resolve_control(asked, control or {"depth": 2})}


def test_a_claim_that_holds_only_up_to_some_step_is_caught(sweeps):
    claim = claim_of({"below": 10.5})
    found = horizon.of_claim(claim, sweeps, named)
    assert found["verdict"] == judging.REPRODUCED
    assert [(row["value"], row["verdict"], row["own"]) for row in found["settings"]["learning_rate"]] == [
        (0.01, judging.REPRODUCED, True),
        (0.1, judging.REPRODUCED, False),
        (0.5, judging.DIFFERS, False),
        (1.0, judging.DIFFERS, False),
    ]
    assert table.same_verdict(found["settings"]["learning_rate"], found["verdict"]) == ([0.01, 0.1], [0.5, 1.0])
    assert [row["verdict"] for row in found["settings"]["product_std"]] == [judging.REPRODUCED] * 2


def test_a_claim_about_all_steps_says_at_which_it_fails(sweeps):
    claim = claim_of({"below": 10.5}, runs={"depth": 3}, seeds="median")
    found = horizon.of_claim(claim, sweeps, named)
    assert found["verdict"] == judging.DIFFERS
    assert [row["verdict"] for row in found["settings"]["learning_rate"]] == [
        *[judging.REPRODUCED] * 2, *[judging.DIFFERS] * 2
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expect", "seeds", "own", "low", "high"),
    [
        # The claim holds from its largest value on, its control's from the control's: 51 to 60, of median 55.5.
        ({"below": 20.0}, "every", 20.0, 10.0, 55.5),
        ({"below": 20.0}, "median", 20.0, 5.5, 55.5),
        ({"near": 5.0, "absolute": 8.0}, "every", 8.0, 5.0, 50.5),
        ({"near": 5.0, "relative": 1.2}, "median", 6.0, 0.5, 50.5),
        ({"between": [0.0, 12.0]}, "every", 6.0, 5.0, 49.5),
        # A claim that does not hold begins to where its largest value is.
        ({"below": 7.0}, "every", 7.0, None, 10.0),
    ],
)
def test_the_tolerances_at_which_a_verdict_flips(sweeps, expect, seeds, own, low, high):
    found = horizon.of_tolerance(claim_of(expect, seeds=seeds), horizon._numbered(sweeps), named)
    assert found == {"own": own, "low": low, "high": high}


def test_above_mirrors_below(sweeps):
    claim = claim_of({"above": 20.0}, runs={"depth": 2, "learning_rate": 0.01}, control={"depth": 3})
    found = horizon.of_tolerance(claim, horizon._numbered(sweeps), named)
    assert found == {"own": 20.0, "low": 5.5, "high": 51.0}


@pytest.mark.parametrize("statistic", ["crash", "ratio_of_inits", "slope"])
def test_a_claim_that_compares_inits_is_not_judged_on_one(sweeps, statistic):
    at = {"stds": STDS} if statistic == "ratio_of_inits" else {}
    expect = {"near": 1.0, "absolute": 0.1} if at else {"below": 10.5}
    found = horizon.of_claim(claim_of(expect, statistic=statistic, at=at), sweeps, named)
    assert "product_std" not in found["settings"]


def test_a_control_at_another_step_stays_there(sweeps):
    claim = claim_of({"below": 10.5}, control={"learning_rate": 1.0})
    rows = horizon.of_claim(claim, sweeps, named)["settings"]["learning_rate"]
    assert [row["verdict"] for row in rows] == [*[judging.REPRODUCED] * 2, *[judging.DIFFERS] * 2]


def test_the_table_says_for_which_share_and_where_it_flips(sweeps):
    claim = {**claim_of({"below": 7.0}), "known": judging.DIFFERS, "because": "planted"}
    rows = [
        {"figure": "one_figure", **horizon.of_claim(each, sweeps, named)} for each in (claim, claim_of({"below": 20.0}))
    ]
    text = table.document(10, rows)
    assert "## one_figure" in text
    assert "| `one` | differs | 12 of 20 runs (36% to 81%) | 7: any to 10 |" in text
    assert (
        "| `one` | reproduced | 20 of 20 runs (83% to 100%) | 20: 10 to 55.5 | `product_std` 0.0001 to 0.01 |" in text
    )
    assert "`learning_rate` 0.01 to 0.1; not at 0.5, 1 |" in text


def test_a_claim_that_holds_for_several_steps_together_has_no_range_of_steps(sweeps):
    found = horizon.of_claim(claim_of({"below": 20.0}), sweeps, named)
    for row in found["settings"]["learning_rate"]:
        row["verdict"] = judging.DIFFERS
    text = table.document(10, [{"figure": "one_figure", **found}])
    assert "| `product_std` 0.0001 to 0.01 |  |" in text


def test_a_claim_without_runs_has_no_horizon(sweeps):
    found = horizon.of_claim(claim_of({"below": 1.0}, runs={"depth": 7}), sweeps, named)
    assert (found["verdict"], found["tolerance"], found["settings"]) == (judging.NOT_CHECKABLE, None, {})
    assert "| `one` | not checkable at this scale (on record: reproduced) |  |  |  |  |" in table.document(
        10, [{"figure": "f", **found}]
    )
