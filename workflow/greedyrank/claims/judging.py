"""Judges claims: a statement must hold on our runs, and fail on its control."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from greedyrank import plugins, storage
from greedyrank.config.statistics import statistic_modules
from greedyrank.errors import UserError
from greedyrank.spectra.selection import select

REPRODUCED, DIFFERS, NOT_CHECKABLE = "reproduced", "differs", "not checkable at this scale"


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


def holds(value: float, expect: dict) -> bool:
    """Return whether one number satisfies an expectation; NaN never does."""
    if "near" in expect:
        tolerance = expect["absolute"] if "absolute" in expect else expect["relative"] * abs(expect["near"])
        return bool(abs(value - expect["near"]) <= tolerance)
    if "below" in expect:
        return bool(value < expect["below"])
    if "above" in expect:
        return bool(value > expect["above"])
    low, high = expect["between"]
    return bool(low <= value <= high)


def _measure(claim: dict, asked: dict, sweeps: dict[str, xr.Dataset], statistic_named: Statistics) -> dict:
    """Evaluate a statistic, and a claim's expectation of it, on the runs asked for."""
    settings = asked["runs"]
    runs = select(sweeps[asked["sweep"]], settings)
    if runs.sizes["run"] == 0:
        return {"runs": 0, "settings": settings}
    statistic = statistic_named(asked["statistic"])
    values = np.atleast_1d(statistic(runs, **asked["at"])).astype(float)
    if not len(values):
        return {"runs": 0, "settings": settings}
    middle = np.mean(values) if claim["seeds"] == "mean" else np.median(values)
    reduced = values if claim["seeds"] == "every" else np.array([middle])
    # JSON has no NaN: null stands for a statistic that gave no number.
    measured = [float(value) if np.isfinite(value) else None for value in (middle, values.min(), values.max())]
    return {
        "runs": runs.sizes["run"],
        "settings": settings,
        "measured": measured[0],
        "range": measured[1:],
        "holds": all(holds(value, claim["expect"]) for value in reduced),
    }


def judge(claim: dict, sweeps: dict[str, xr.Dataset], statistic_named: Statistics) -> dict:
    """Return a claim with what was measured and its verdict.

    Parameters
    ----------
    claim : dict
        One validated claim, as `greedyrank.config.load_claims` gives it.
    sweeps : dict
        The measured sweeps of the figure.
    statistic_named : callable
        Gives a statistic by its name: a function of the selected runs that returns one number, or one a run.
    """
    ours = _measure(claim, claim, sweeps, statistic_named)
    control = _measure(claim, claim["control"], sweeps, statistic_named)
    record = claim.get("known", REPRODUCED)
    if empty := [part["settings"] for part in (ours, control) if not part["runs"]]:
        verdict, note = NOT_CHECKABLE, f"no run at this scale has the settings {empty[0]}"
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
        "measured": ours.get("measured"),
        "range": ours.get("range"),
        "runs": ours["runs"],
        "verdict": verdict,
        "on_record": record,
        "note": note,
        "control": {
            "variant": claim["control"]["variant"],
            **{key: control.get(key) for key in ("measured", "range", "runs", "holds")},
        },
    }


def save(path: Path, scale: str, judged: list[dict]) -> None:
    """Write judged claims, with their checksum."""
    with storage.writing_checked(path) as temporary:
        temporary.write_text(json.dumps({"scale": scale, "claims": judged}, indent=2) + "\n")


def load(path: Path) -> list[dict]:
    """Read judged claims, after checking them.

    Raises
    ------
    CorruptFile
        If the file is not what was written.
    """
    return json.loads(storage.check(path).read_text())["claims"]
