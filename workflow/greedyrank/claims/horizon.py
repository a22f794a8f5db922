"""How far a claim holds: for which share of the runs, up to which tolerance, for which inits and which steps.

A verdict is that of one tolerance and of the settings that a claim names. Here it is taken again at every tolerance,
and at every init and every step size that the sweep has.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable

import numpy as np
import xarray as xr

from greedyrank.claims.judging import NOT_CHECKABLE, Statistics, half_width, judge
from greedyrank.spectra.selection import select

# Settings that are varied: a run has at most one init scale.
SETTINGS = {
    "init": ("product_std", "factor_std", "core_std", "factor_norm", "layer_alpha", "identity_scale", "init_std"),
    "step": ("learning_rate",),
}


class _Remembered:
    """Statistics that are computed once for the same runs, and everything that they returned."""

    def __init__(self, statistic_named: Statistics):
        self._named = statistic_named
        self._found: dict[str, np.ndarray] = {}

    def __call__(self, reference: str) -> Callable[..., np.ndarray]:
        """Return a statistic by its name; of runs for which it is not meant, it has no values."""

        def statistic(runs: xr.Dataset, **at: object) -> np.ndarray:
            key = repr((reference, at, runs.run_name.to_numpy().tolist()))
            if key not in self._found:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", np.exceptions.RankWarning)  # a line through one point
                    try:
                        found = self._named(reference)(runs, **at)
                    except Exception:  # what code raises that compares two inits, and is given one, is its own affair
                        found = np.empty(0)
                self._found[key] = np.atleast_1d(found).astype(float)
            return self._found[key]

        return statistic

    def critical(self, distance: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return the tolerances at which some value, or a mean or median of them, begins to hold; rising."""
        found = [[*values, np.mean(values), np.median(values)] for values in self._found.values() if len(values)]
        tolerances = distance(np.array([value for values in found for value in values]))
        return np.unique(tolerances[np.isfinite(tolerances)])


def _numbered(sweeps: dict[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return sweeps whose runs can be told apart after a selection."""
    return {
        name: sweep.assign_coords(run_name=("run", [f"{name} {run}" for run in range(sweep.sizes["run"])]))
        for name, sweep in sweeps.items()
    }


def tolerance(expect: dict) -> tuple[float, Callable[[float], dict], Callable[[np.ndarray], np.ndarray]]:
    """Return the tolerance of an expectation, the expectation at another tolerance, and what a value needs to hold.

    The tolerance of ``below`` and ``above`` is the threshold, that of ``between`` half the width.
    """
    if "below" in expect:
        return expect["below"], lambda level: {"below": level}, lambda values: values
    if "above" in expect:
        return expect["above"], lambda level: {"above": level}, lambda values: values
    if "near" in expect:
        centre = expect["near"]
        return (
            half_width(expect),
            lambda level: {"near": centre, "absolute": level},
            lambda values: np.abs(values - centre),
        )
    low, high = expect["between"]
    centre = (low + high) / 2
    own = (high - low) / 2
    return own, lambda width: {"between": [centre - width, centre + width]}, lambda values: np.abs(values - centre)


def of_tolerance(claim: dict, sweeps: dict[str, xr.Dataset], statistic_named: Statistics) -> dict:
    """Return the range of tolerances around a claim's own in which its verdict is the same.

    Returns
    -------
    dict
        ``own``, the claim's tolerance; ``low`` and ``high``, where the verdict flips, or None where it never does.
    """
    remembered = _Remembered(statistic_named)
    verdict = judge(claim, sweeps, remembered)["verdict"]
    own, at, distance = tolerance(claim["expect"])
    critical = remembered.critical(distance)

    def first_flip(breaks: np.ndarray, end: float) -> float | None:
        # Between two critical tolerances nothing changes: one in between stands for all.
        for here, there in itertools.pairwise([*breaks, end]):
            between = at((here + there) / 2)
            if here != there and judge({**claim, "expect": between}, sweeps, remembered)["verdict"] != verdict:
                return float(here)
        return None

    beyond = float(np.ptp(critical)) + 1.0 if len(critical) else 1.0
    below, above = critical[critical <= own][::-1], critical[critical > own]
    is_width = claim["expect"].keys().isdisjoint(("below", "above"))
    lowest = 0.0 if is_width else min([own, *below]) - beyond
    return {"own": own, "low": first_flip(below, lowest), "high": first_flip(above, max([own, *above]) + beyond)}


def _at(claim: dict, setting: str, value: float) -> dict:
    """Return a claim about the runs of one value of a setting; its control too, unless this is what differs there."""
    control = claim["control"]
    if setting not in control["variant"]:
        control = {**control, "runs": {**control["runs"], setting: value}}
    return {**claim, "runs": {**claim["runs"], setting: value}, "control": control}


def of_setting(claim: dict, setting: str, sweeps: dict[str, xr.Dataset], statistic_named: Statistics) -> list[dict]:
    """Return the verdict of a claim at each value of a setting for which it can be checked, in rising order.

    Returns
    -------
    list of dict
        ``value``, ``verdict``, and of how many ``values`` it is ``holding``; ``own``: whether the claim is about it.
        Empty where the sweep has fewer than two such values.
    """
    sweep = sweeps[claim["sweep"]]
    if setting not in sweep.coords or sweep[setting].dtype.kind not in "if":
        return []
    others = {name: wanted for name, wanted in claim["runs"].items() if name != setting}
    there, own = (np.unique(select(sweep, runs)[setting].astype(float)) for runs in (others, claim["runs"]))
    found = []
    for value in there[np.isfinite(there)]:
        judged = judge(_at(claim, setting, float(value)), sweeps, statistic_named)
        if judged["verdict"] != NOT_CHECKABLE and judged["measured"] is not None:
            kept = {key: judged[key] for key in ("verdict", "holding", "values")}
            found.append({"value": float(value), "own": bool(value in own), **kept})
    return found if len(found) > 1 else []


def of_claim(claim: dict, sweeps: dict[str, xr.Dataset], statistic_named: Statistics) -> dict:
    """Return how far one claim holds.

    Parameters
    ----------
    claim, sweeps, statistic_named
        As for `greedyrank.claims.judging.judge`.

    Returns
    -------
    dict
        What `judge` returns; ``tolerance``, see `of_tolerance`, None for a claim that cannot be checked;
        ``settings``, by their names, see `of_setting`.
    """
    judged = judge(claim, sweeps, statistic_named)
    if judged["verdict"] == NOT_CHECKABLE:
        return {**judged, "tolerance": None, "settings": {}}
    numbered = _numbered(sweeps)
    remembered = _Remembered(statistic_named)
    settings = {
        setting: rows
        for names in SETTINGS.values()
        for setting in names
        if (rows := of_setting(claim, setting, numbered, remembered))
    }
    return {**judged, "tolerance": of_tolerance(claim, numbered, statistic_named), "settings": settings}
