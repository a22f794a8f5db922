"""Selections of runs and records; verdicts: expectations and controls."""

import copy
import json
import sys

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from greedyrank.claims import judging, statistics
from greedyrank.config import loading
from greedyrank.config.figure_loader import resolve_control
from greedyrank.errors import UserError
from greedyrank.spectra import selection

KINDS = [
    ({"near": 70.0, "relative": 0.1}, [63.0, 70.0, 77.0], [62.9, 77.1]),
    ({"near": -2.0, "relative": 0.1}, [-2.19, -1.81], [-2.21, -1.79, 2.0]),
    ({"near": 5.0, "absolute": 0.5}, [4.5, 5.5], [4.4, 5.6]),
    ({"near": 0.0, "absolute": 0.5}, [-0.5, 0.5], [0.6]),
    ({"below": 1.0}, [0.9, -1e9], [1.0, 1.1]),
    ({"above": 1.0}, [1.1, np.inf], [1.0, 0.9]),
    ({"between": [2.0, 3.0]}, [2.0, 2.5, 3.0], [1.9, 3.1]),
]


@pytest.mark.parametrize(("expect", "inside", "outside"), KINDS)
def test_holds(expect, inside, outside):
    assert all(judging.holds(value, expect) for value in inside)
    assert not any(judging.holds(value, expect) for value in outside)
    assert not judging.holds(np.nan, expect)


@pytest.mark.parametrize(
    ("expect", "value", "margin"),
    [
        ({"near": 70.0, "relative": 0.1}, 70.0, 1.0),
        ({"near": 70.0, "relative": 0.1}, 66.5, 0.5),
        ({"near": 70.0, "relative": 0.1}, 91.0, -2.0),
        ({"near": -2.0, "relative": 0.5}, -2.5, 0.5),
        ({"near": 0.0, "absolute": 0.5}, -0.75, -0.5),
        ({"between": [2.0, 6.0]}, 4.0, 1.0),
        ({"between": [2.0, 6.0]}, 5.0, 0.5),
        ({"between": [2.0, 6.0]}, 0.0, -1.0),
        ({"below": 0.5}, 0.25, 0.5),
        ({"below": 0.5}, 1.5, -2.0),
        ({"above": 4.0}, 6.0, 0.5),
        ({"above": -4.0}, -6.0, -0.5),
        ({"above": 0.0}, 0.25, 0.25),  # a threshold of 0 is no unit: that of the statistic is taken
        ({"below": 0.0}, 0.25, -0.25),
    ],
)
def test_margin(expect, value, margin):
    assert judging.margin(value, expect) == pytest.approx(margin)


@pytest.mark.parametrize(("expect", "inside", "outside"), KINDS)
def test_the_margin_has_the_sign_of_the_verdict(expect, inside, outside):
    assert all(judging.margin(value, expect) >= -1e-12 for value in inside)
    assert all(judging.margin(value, expect) <= 0 for value in outside)
    assert np.isnan(judging.margin(np.nan, expect))


@pytest.fixture
def sweep():
    """Four runs with settings of every type, as extraction writes them."""
    columns = {
        "depth": [2, 2, 3, 3],
        "std": [0.1 + 0.2, 1e-3, 1e-5, np.nan],
        "balanced": ["true", "false", "true", "false"],
        "det": ["any", "positive", "negative", "any"],
        "loss_kind": ["mean", "half_sum", "mean", "mean"],
    }
    made = xr.Dataset({"value": ("run", [1.0, 2.0, 3.0, 10.0]), "loss": (("run", "record"), np.zeros((4, 2)))})
    return made.assign_coords({name: ("run", column) for name, column in columns.items()})


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [1, 2, 3, 10]),
        ({"depth": 3}, [3, 10]),
        ({"depth": [2, 3]}, [1, 2, 3, 10]),
        ({"std": 0.3}, [1]),  # 0.1 + 0.2
        ({"std": 1e-5}, [3]),
        ({"std": [1e-5, 1e-3]}, [2, 3]),
        ({"std": 0.0}, []),
        ({"balanced": True}, [1, 3]),
        ({"balanced": [True, False]}, [1, 2, 3, 10]),
        ({"det": "any"}, [1, 10]),
        ({"det": ["positive", "negative"]}, [2, 3]),
        ({"loss": "half_sum"}, [2]),
        ({"depth": 2, "balanced": False}, [2]),
        ({"depth": 2, "det": "negative"}, []),
    ],
)
def test_select(sweep, wanted, expected):
    assert selection.select(sweep, wanted).value.to_numpy().tolist() == expected


# -- selections of records --------------------------------------------------------------------------


@pytest.fixture
def recorded():
    """Four runs of different lengths; the first two went on after their stopping rule ended them."""
    step = [[0, 10, 20, 25], [0, 5, 15, -1], [0, 10, 20, 30], [0, -1, -1, -1]]
    loss = [[1.0, 0.5, 0.1, 0.2], [2.0, 0.1, 0.05, np.nan], [1.0, 0.9, 0.8, 0.7], [0.3, np.nan, np.nan, np.nan]]
    made = xr.Dataset(
        {
            "step": (("run", "record"), step),
            "loss": (("run", "record"), loss),
            "wide": (("run", "record", "component"), np.arange(32.0).reshape(4, 4, 2)),
            "stop_step": ("run", [20, 5, 30, 0]),
        }
    )
    return made.assign_coords(record=np.arange(4), seed=("run", [0, 1, 2, 3]), det=("run", ["any"] * 4))


def test_last_record(recorded):
    found = selection.last(recorded)
    assert found.sizes == {"run": 4, "component": 2}
    assert found.step.values.tolist() == [25, 15, 30, 0]
    assert found.loss.values.tolist() == [0.2, 0.05, 0.7, 0.3]
    assert found.wide.values[:, 0].tolist() == [6, 12, 22, 24]
    assert found.seed.values.tolist() == [0, 1, 2, 3]


def test_record_at_stop(recorded):
    found = selection.at_stop(recorded)
    assert found.step.values.tolist() == found.stop_step.values.tolist() == [20, 5, 30, 0]
    assert found.loss.values.tolist() == [0.1, 0.1, 0.7, 0.3]
    assert found.wide.values[:, 1].tolist() == [5, 11, 23, 25]


def test_first_record_at_a_loss(recorded):
    found = selection.at_loss(recorded, 0.5)
    assert found.step.values[[0, 1, 3]].tolist() == [10, 5, 0]  # the first, and at most: 0.5 is reached
    assert found.loss.values[[0, 1, 3]].tolist() == [0.5, 0.1, 0.3]
    assert found.wide.values[[0, 1, 3], 0].tolist() == [2, 10, 24]
    for name in ("step", "loss", "wide"):
        assert np.isnan(found[name].values[2]).all()
    assert found.seed.values.tolist() == [0, 1, 2, 3]
    assert found.det.values.tolist() == ["any"] * 4


def test_first_record_at_a_loss_that_rises_again(recorded):
    assert selection.at_loss(recorded, 0.15).step.values[:2].tolist() == [20, 5]
    assert np.isnan(selection.at_loss(recorded, 0.01).loss.values).all()


def test_along_orders_by_the_wanted_setting():
    values = xr.DataArray([1.0, 2.0, 3.0, 4.0, 5.0], dims="run").assign_coords(
        data_seed=("run", [0, 0, 1, 1, 2]), std=("run", [0.1, 0.1 + 0.2, 0.3, 0.1, 0.3])
    )
    assert [found.tolist() for found in selection.along(values, "std", [0.3, 0.1])] == [[2.0, 1.0], [3.0, 4.0]]
    assert [found.tolist() for found in selection.along(values, "std", [0.3])] == [[2.0], [3.0], [5.0]]


# -- controls ---------------------------------------------------------------------------------------

ASKED = {"sweep": "main", "statistic": "slope", "at": {"loss": 0.1, "top": 2}, "runs": {"depth": 3, "det": "any"}}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"depth": 2}, {"runs": {"depth": 2, "det": "any"}}),
        ({"seed": [1, 2]}, {"runs": {"depth": 3, "det": "any", "seed": [1, 2]}}),
        ({"sweep": "other"}, {"sweep": "other"}),
        ({"statistic": "mean", "at": {}}, {"statistic": "mean", "at": {}}),
        ({"at": {"loss": 0.5}}, {"at": {"loss": 0.5}}),
        (
            {"sweep": "other", "statistic": "mean", "at": {"top": 1}, "det": "negative"},
            {"sweep": "other", "statistic": "mean", "at": {"top": 1}, "runs": {"depth": 3, "det": "negative"}},
        ),
    ],
)
def test_a_control_is_the_claim_but_for_what_it_changes(changed, expected):
    asked, given = copy.deepcopy(ASKED), copy.deepcopy(changed)
    assert resolve_control(asked, given) == {**ASKED, **expected, "variant": changed}
    assert (asked, given) == (ASKED, changed)  # the claim itself stays what it is


# -- verdicts ---------------------------------------------------------------------------------------

STATISTICS = {
    "value": lambda runs: runs.value.to_numpy(),
    "scaled": lambda runs, *, factor: runs.value.to_numpy() * factor,
    "average": lambda runs: runs.value.mean(),
    "none": lambda runs: np.array([]),
    "nan": lambda runs: np.full(runs.sizes["run"], np.nan),
}


def judge(sweep, **changes):
    claim = {
        "id": "one",
        "statement": "s",
        "source": "paper",
        "basis": "ours",
        "reason": "r",
        "sweep": "main",
        "runs": {"depth": 2},
        "statistic": "value",
        "at": {},
        "expect": {"below": 3.0},
        "seeds": "every",
        "control": {"depth": 3},
        **changes,
    }
    claim["control"] = resolve_control(claim, claim["control"])
    other = sweep.assign(value=sweep.value + 100)
    return judging.judge(claim, {"main": sweep, "other": other}, STATISTICS.__getitem__)


def test_reproduced(sweep):
    found = judge(sweep, published=1.5)
    assert (found["verdict"], found["on_record"], found["note"]) == (judging.REPRODUCED, judging.REPRODUCED, "")
    assert (found["measured"], found["range"], found["runs"], found["published"]) == (1.5, [1.0, 2.0], 2, 1.5)
    assert found["control"] == {
        "variant": {"depth": 3},
        "measured": 6.5,
        "range": [3.0, 10.0],
        "runs": 2,
        "values": 2,
        "holding": 0,
        "interval": [0.0, pytest.approx(0.8419, abs=1e-4)],
        "margin": pytest.approx(-3.5 / 3),  # of the median
        "holds": False,
    }
    assert (found["values"], found["holding"]) == (2, 2)
    assert found["margin"] == pytest.approx(1 / 3)  # of the largest, 2, from 3
    described = {
        "id": "one",
        "statement": "s",
        "source": "paper",
        "basis": "ours",
        "reason": "r",
        "expect": {"below": 3.0},
    }
    assert {key: found[key] for key in described} == described


def test_differs(sweep):
    found = judge(sweep, expect={"below": 2.0})
    assert (found["verdict"], found["on_record"], found["note"]) == (judging.DIFFERS, judging.REPRODUCED, "")


@pytest.mark.parametrize("changes", [{"sweep": "other"}, {"control": {"sweep": "other", "depth": 3}}])
def test_without_its_data_a_claim_has_no_verdict_and_is_as_on_record(sweep, changes):
    claim = {
        "id": "one", "statement": "s", "source": "paper", "basis": "ours", "reason": "r", "sweep": "main",
        "runs": {"depth": 2}, "statistic": "value", "at": {}, "expect": {"below": 3.0}, "seeds": "every",
        "control": {"depth": 3}, "known": judging.DIFFERS, "because": "", **changes,
    }  # fmt: skip
    claim["control"] = resolve_control(claim, claim["control"])
    found = judging.judge(claim, {"main": sweep}, STATISTICS.__getitem__, {"other": "data/a.pt is missing"})
    assert found["verdict"] == found["on_record"] == judging.NO_DATA
    assert (found["note"], found["runs"], found["measured"]) == ("data/a.pt is missing", 0, None)
    assert (found["control"]["runs"], found["control"]["holds"]) == (0, None)


def test_a_control_that_also_holds_makes_it_differ(sweep):
    found = judge(sweep, expect={"below": 11.0})
    assert (found["verdict"], found["note"]) == (judging.DIFFERS, "the control holds as well")
    assert found["control"]["holds"] is True


@pytest.mark.parametrize(
    ("seeds", "values", "verdict"),
    [
        ("every", [1, 9, 9], judging.REPRODUCED),  # one run of the control holds, its median does not
        ("every", [1, 1, 9], judging.DIFFERS),  # that one run misses is not enough: the median holds
        ("every", [1, 1, 1], judging.DIFFERS),
        ("median", [1, 1, 9], judging.DIFFERS),
        ("median", [1, 9, 9], judging.REPRODUCED),
        ("mean", [1, 1, 90], judging.DIFFERS),  # the mean misses, the median does not
        ("mean", [-90, 9, 9], judging.DIFFERS),  # the median misses, the mean does not
        ("mean", [1, 9, 9], judging.REPRODUCED),
    ],
)
def test_a_control_misses_only_as_a_whole_and_in_its_median(seeds, values, verdict):
    made = xr.Dataset({"value": ("run", [0.0, *values])}, {"depth": ("run", [2] + [3] * len(values))})
    found = judge(made, seeds=seeds, expect={"below": 5.0})
    assert found["verdict"] == verdict
    assert found["control"]["holds"] is (verdict == judging.DIFFERS)
    assert (found["control"]["margin"] > 0) is (verdict == judging.DIFFERS)


@pytest.mark.parametrize(("holding", "of"), [(0, 1), (1, 1), (57, 60), (60, 60), (0, 20)])
def test_a_verdict_says_for_how_many_runs_it_holds(holding, of):
    """The interval has the defining property of Clopper and Pearson's: at its ends 2.5% are left in the tail."""
    values = [1.0] * holding + [9.0] * (of - holding)
    made = xr.Dataset({"value": ("run", [*values, 9.0])}, {"depth": ("run", [2] * of + [3])})
    found = judge(made, expect={"below": 5.0}, seeds="median")
    assert (found["runs"], found["values"], found["holding"]) == (of, of, holding)
    low, high = found["interval"]
    assert low == 0 if holding == 0 else stats.binom.sf(holding - 1, of, low) == pytest.approx(0.025)
    assert high == 1 if holding == of else stats.binom.cdf(holding, of, high) == pytest.approx(0.025)


def test_one_value_of_many_runs_counts_as_one(sweep):
    found = judge(sweep, statistic="average", expect={"below": 3.0})
    assert (found["runs"], found["values"], found["holding"]) == (2, 1, 1)
    assert found["interval"] == [pytest.approx(0.025), 1.0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"runs": {"depth": 4}}, {"depth": 4}),
        ({"control": {"depth": 7}}, {"depth": 7}),
        ({"control": {"det": "sideways"}}, {"depth": 2, "det": "sideways"}),
    ],
)
def test_an_empty_selection_is_not_checkable(sweep, changes, named):
    found = judge(sweep, **changes)
    assert found["verdict"] == judging.NOT_CHECKABLE
    assert found["note"] == f"no run at this scale has the settings {named}"


def test_not_checkable_measures_nothing(sweep):
    found = judge(sweep, runs={"depth": 4}, control={"std": 1.0})
    assert (found["measured"], found["range"], found["runs"]) == (None, None, 0)
    assert found["control"]["measured"] is None


@pytest.mark.parametrize(
    ("seeds", "measured", "verdict"),
    [("every", 2.5, judging.DIFFERS), ("median", 2.5, judging.REPRODUCED), ("mean", 4.0, judging.DIFFERS)],
)
def test_seeds(sweep, seeds, measured, verdict):
    found = judge(sweep, runs={}, expect={"below": 3.5}, seeds=seeds, control={"sweep": "other"})
    assert (found["measured"], found["verdict"], found["range"]) == (measured, verdict, [1.0, 10.0])


def test_known_to_differ_is_on_record(sweep):
    known = {"known": "differs", "because": "of the seed"}
    found = judge(sweep, expect={"below": 2.0}, **known)
    assert (found["verdict"], found["on_record"], found["note"]) == (judging.DIFFERS, judging.DIFFERS, "of the seed")
    found = judge(sweep, **known)
    assert (found["verdict"], found["on_record"]) == (judging.REPRODUCED, judging.DIFFERS)


def test_a_claim_of_another_scale_is_not_checkable_though_it_has_runs(sweep):
    found = judge(sweep, known=judging.NOT_CHECKABLE)
    assert (found["verdict"], found["on_record"], found["measured"]) == (judging.NOT_CHECKABLE,) * 2 + (1.5,)


def test_control_may_change_sweep_statistic_and_arguments(sweep):
    assert judge(sweep, control={"sweep": "other"})["control"]["measured"] == 101.5
    assert judge(sweep, control={"statistic": "average"})["control"]["measured"] == 1.5
    scaled = judge(sweep, statistic="scaled", at={"factor": 1}, control={"at": {"factor": 10}})
    assert (scaled["measured"], scaled["control"]["measured"], scaled["verdict"]) == (1.5, 15.0, judging.REPRODUCED)


def test_the_control_keeps_the_other_settings(sweep):
    found = judge(sweep, runs={"depth": 2, "balanced": True}, control={"depth": 3})
    assert found["control"]["measured"] == 3.0


def test_nan_is_never_reproduced(sweep):
    for seeds in ("every", "median", "mean"):
        assert judge(sweep, statistic="nan", seeds=seeds)["verdict"] == judging.DIFFERS


def test_nan_becomes_json(sweep):
    """NaN is no JSON: readers other than Python's refuse the whole claims.json."""
    infinite = judge(sweep.assign(value=sweep.value + np.inf), expect={"above": 0.0})
    for found in (judge(sweep, statistic="nan"), judge(sweep, control={"statistic": "nan"}), infinite):
        json.dumps(found, allow_nan=False)


def test_a_statistic_of_no_numbers_is_never_reproduced(sweep):
    """As where no component was learned: no run to judge is no success, and no crash."""
    assert judge(sweep, statistic="none")["verdict"] != judging.REPRODUCED
    assert judge(sweep, control={"statistic": "none"})["verdict"] != judging.REPRODUCED


# -- the claims of the repository -------------------------------------------------------------------


def arguments(value):
    """Return the single values of a statistic's arguments, in no order."""
    if isinstance(value, dict):
        value = list(value.values())
    return sorted(sum(map(arguments, value), [])) if isinstance(value, list) else [str(value)]


def test_no_control_is_its_claim_turned_round():
    """A comparison of the same runs with its sides exchanged fails where the claim holds, whatever the runs are."""
    turned = [
        f"{name}.{claim['id']}"
        for name, figure in loading.load({}).figures.items()
        for claim in figure.claims
        if all(claim[key] == claim["control"][key] for key in ("sweep", "runs", "statistic"))
        and arguments(claim["at"]) == arguments(claim["control"]["at"])
    ]
    assert turned == []


# -- statistics by name -----------------------------------------------------------------------------


@pytest.fixture
def paper(tmp_path):
    """A paper with a common.py and two figures, of which the second has no statistics.py."""
    folder = tmp_path / f"paper_{tmp_path.name}"  # imported once a process: a name of its own
    for figure in ("first", "second"):
        (folder / figure).mkdir(parents=True)
    (folder / "common.py").write_text(
        "def shared(runs): return 'common'\n\n\ndef growing(runs): return 'common'\n", encoding="utf-8"
    )
    (folder / "first" / "statistics.py").write_text(
        "from operator import add\n\n\ndef own(runs): return 'first'\n\n\ndef shared(runs): return 'first'\n",
        encoding="utf-8",
    )
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("figure", "reference", "found"),
    [
        ("first", "own", "first"),
        ("first", "shared", "first"),  # the figure's own comes before the paper's
        ("second", "shared", "common"),
        ("second", "first.own", "first"),
        ("second", "growing", "common"),  # the paper's comes before the engine's
    ],
)
def test_a_statistic_is_looked_for_from_the_figure_outwards(paper, figure, reference, found):
    assert judging.statistics_of(paper, figure)(reference)(None) == found


def test_statistics_of_the_engine(paper):
    assert judging.statistics_of(paper, "second")("error_at_stop") is statistics.error_at_stop


@pytest.mark.parametrize("reference", ["own", "second.own", "first.growing"])
def test_an_unknown_statistic_is_named(paper, reference):
    with pytest.raises(UserError, match=f"no statistic `{reference}` in {paper.name}"):
        judging.statistics_of(paper, "second")(reference)


def test_a_statistics_module_that_does_not_import_is_an_error_of_its_own(paper):
    (paper / "second" / "statistics.py").write_text("import no_such_package\n", encoding="utf-8")
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        judging.statistics_of(paper, "second")("shared")
