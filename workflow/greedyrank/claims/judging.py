"""Judges claims: a statement must hold on our runs, and fail on its control."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.stats import binomtest

from greedyrank import plugins
from greedyrank.config.statistics import statistic_modules
from greedyrank.errors import UserError
from greedyrank.spectra.selection import select

REPRODUCED, DIFFERS, NOT_CHECKABLE = "reproduced", "differs", "not checkable at this scale"
NO_DATA = "not checkable without its data"
# What is known of a claim, and of its control: see docs/claims.md.
MEASURED = ("measured", "range", "runs", "values", "holding", "interval", "margin", "holds")

Statistics = Callable[[str], Callable[..., np.ndarray]]


def statistics_of(paper: Path, figure: str) -> Statistics:
    """Return what gives the statistics that a figure's claims name.

    Parameters
    ----------
    paper : Path
        The folder of the paper.
    figure : str
        One of its figures.
    """

    def named(reference: str) -> Callable[..., np.ndarray]:
        modules, name = statistic_modules(paper.name, figure, reference)
        for module in modules:
            try:
                found = vars(plugins.import_module(paper, module))
            except ModuleNotFoundError as error:
                if error.name != module:
                    raise
                continue  # a figure need not have statistics of its own
            if name in found:
                return found[name]
        raise UserError(f"no statistic `{reference}` in {', '.join(modules)}")

    return named


def half_width(expect: dict) -> float:
    """Return the tolerance of an expectation to be ``near`` a number."""
    return expect["absolute"] if "absolute" in expect else expect["relative"] * abs(expect["near"])


def holds(value: float, expect: dict) -> bool:
    """Return whether one number satisfies an expectation; NaN never does."""
    if "near" in expect:
        return bool(abs(value - expect["near"]) <= half_width(expect))
    if "below" in expect:
        return bool(value < expect["below"])
    if "above" in expect:
        return bool(value > expect["above"])
    low, high = expect["between"]
    return bool(low <= value <= high)


def margin(value: float, expect: dict) -> float:
    """Return the distance of a number from the nearest threshold of an expectation, in units of its tolerance.

    It is positive where the expectation holds, and negative where it does not. The tolerance is that of ``near``, half
    the width of ``between``, and for ``below`` and ``above`` the threshold itself, or 1 where the threshold is 0.
    """
    if "below" in expect:
        return (expect["below"] - value) / (abs(expect["below"]) or 1.0)
    if "above" in expect:
        return (value - expect["above"]) / (abs(expect["above"]) or 1.0)
    if "near" in expect:
        centre, tolerance = expect["near"], half_width(expect)
    else:
        low, high = expect["between"]
        centre, tolerance = (low + high) / 2, (high - low) / 2
    return 1 - abs(value - centre) / tolerance


def _reduced(values: np.ndarray, reduction: str) -> np.ndarray:
    """Return what must satisfy an expectation: every value, or their median or mean."""
    if reduction == "every":
        return values
    return np.array([np.mean(values) if reduction == "mean" else np.median(values)])


def _number(value: float) -> float | None:
    """Return a number for JSON, which has neither NaN nor infinities: null stands for them."""
    return float(value) if np.isfinite(value) else None


def _measure(values: np.ndarray, runs: int, claim: dict, *more: str) -> dict:
    """Compare the values of a statistic with a claim's expectation; it holds if it does so by any of the reductions.

    Parameters
    ----------
    values : array
        Of the statistic: one of all runs, or one of each.
    runs : int
        How many runs it is of.
    claim : dict
        The claim; ``seeds`` is its reduction.
    more : str
        Further reductions.
    """
    if not len(values):
        return {**dict.fromkeys(MEASURED), "runs": 0, "values": 0, "holding": 0}
    expect, seeds = claim["expect"], claim["seeds"]
    reduced = [_reduced(values, reduction) for reduction in (seeds, *more)]
    holding = sum(holds(value, expect) for value in values)
    interval = binomtest(holding, len(values)).proportion_ci(0.95, "exact")
    return {
        "measured": _number(np.mean(values) if seeds == "mean" else np.median(values)),
        "range": [_number(values.min()), _number(values.max())],
        "runs": runs,
        "values": len(values),
        "holding": holding,
        "interval": [float(interval.low), float(interval.high)],
        "margin": _number(np.max([np.min([margin(value, expect) for value in each]) for each in reduced])),
        "holds": any(all(holds(value, expect) for value in each) for each in reduced),
    }


def judge(
    claim: dict, sweeps: dict[str, xr.Dataset], statistic_named: Statistics, left_out: Mapping[str, str] | None = None
) -> dict:
    """Return a claim with what was measured and its verdict.

    Its control is reduced as the claim is. It misses only if it misses so reduced, and in its median as well.

    Parameters
    ----------
    claim : dict
        One validated claim, as `greedyrank.config.load_claims` gives it.
    sweeps : dict
        The measured sweeps of the figure.
    statistic_named : callable
        Gives a statistic by its name: a function of the selected runs that returns one number, or one a run.
    left_out : dict, optional
        Sweeps of the figure that could not be run, and why: claims on them, or with a control on them, have no verdict.
    """
    reasons = left_out or {}
    absent = [reasons[part["sweep"]] for part in (claim, claim["control"]) if part["sweep"] in reasons]

    def measure(asked: dict, *more: str) -> dict:
        if absent:
            return _measure(np.empty(0), 0, claim, *more)
        runs = select(sweeps[asked["sweep"]], asked["runs"])
        count = runs.sizes["run"]
        values = statistic_named(asked["statistic"])(runs, **asked["at"]) if count else np.empty(0)
        return _measure(np.atleast_1d(values).astype(float), count, claim, *more)

    ours, control = measure(claim), measure(claim["control"], "median")
    if absent:
        verdict, note = NO_DATA, absent[0]
    elif empty := [asked["runs"] for asked, found in ((claim, ours), (claim["control"], control)) if not found["runs"]]:
        verdict, note = NOT_CHECKABLE, f"no run at this scale has the settings {empty[0]}"
    elif claim.get("known") == NOT_CHECKABLE:
        verdict, note = NOT_CHECKABLE, "stated of the scale `paper`"
    elif not ours["holds"]:
        verdict, note = DIFFERS, claim.get("because", "")
    elif control["measured"] is None:
        verdict, note = NOT_CHECKABLE, "the statistic gives no number on the control"
    elif control["holds"]:
        verdict, note = DIFFERS, "the control holds as well"
    else:
        verdict, note = REPRODUCED, ""
    described = {key: claim.get(key) for key in ("id", "statement", "source", "basis", "published", "expect", "reason")}
    return {
        **described,
        "seeds": claim["seeds"],
        "at": claim["at"],
        **{key: ours[key] for key in MEASURED},
        "verdict": verdict,
        "on_record": NO_DATA if absent else claim.get("known", REPRODUCED),
        "note": note,
        "control": {"variant": claim["control"]["variant"], **{key: control[key] for key in MEASURED}},
    }
