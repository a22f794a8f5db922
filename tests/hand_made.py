"""Runs written down by hand, and whether a claim of the repository's papers holds on them.

A test of statistics is a table: for each claim, runs on which it must hold and runs on which it must fail, by the
statistic, the arguments, the reduction and the expectation that stand in claims.yaml. `table_test` makes the test of a
table, and `untested` names what lacks an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

import numpy as np
import pytest
import xarray as xr

from greedyrank.claims import judging
from greedyrank.config import loading
from greedyrank.config.figure_loader import LoadedFigure, find_statistic


def runs(settings: dict, **variables) -> xr.Dataset:
    """Return measured runs as extraction writes them.

    Parameters
    ----------
    settings : dict
        Of the runs: one value for all of them, or a list with one for each.
    **variables
        Measured variables: nested lists, (run,), (run, record) or (run, record, component); where the name begins
        with ``growth_``, the second axis is that of the growth stencils. Without ``step`` records are at steps 0, 1,
        ..., and without ``stop_step`` runs stop at their last one.
    """
    made = {}
    for name, values in variables.items():
        array = np.asarray(values)
        axes = ("run", "growth" if name.startswith("growth_") else "record", "component")
        made[name] = xr.Variable(axes[: array.ndim], array)
    found = xr.Dataset(made)
    if "record" in found.dims:
        if "step" not in found:
            found["step"] = ("run", "record"), np.tile(np.arange(found.sizes["record"]), (found.sizes["run"], 1))
        if "stop_step" not in found:
            found["stop_step"] = found.step.max("record")
    columns = {name: np.broadcast_to(_text(value), found.sizes["run"]) for name, value in settings.items()}
    return found.assign_coords({name: ("run", column) for name, column in columns.items()})


def _text(value: object) -> np.ndarray:
    """Return settings as an array; extraction writes booleans as text."""
    array = np.asarray(value)
    return np.where(array, "true", "false") if array.dtype == bool else array


@cache
def _figures() -> dict[str, LoadedFigure]:
    return loading.load({}).figures


def _part(reference: str) -> tuple[LoadedFigure, dict, dict]:
    """Return the figure, the claim, and what is asked for: by the claim, or by its control."""
    name, identifier, *control = reference.split(".")
    figure = _figures()[name]
    (claim,) = (claim for claim in figure.claims if claim["id"] == identifier)
    return figure, claim, claim["control"] if control else claim


def holds(reference: str, made: xr.Dataset) -> bool:
    """Return whether a claim, ``figure.id``, or its control, ``figure.id.control``, holds on all of some runs."""
    figure, claim, asked = _part(reference)
    asked = {"sweep": "made", "runs": {}, "statistic": asked["statistic"], "at": asked["at"], "variant": {}}
    probe = {**claim, **asked, "control": asked}
    return judging.judge(probe, {"made": made}, judging.statistics_of(figure.paper.folder, figure.name))["holds"]


def table_test(cases: Mapping[str, tuple[xr.Dataset, xr.Dataset]]) -> Callable[[str], None]:
    """Return the test of a table: each claim holds on the first of its two sets of runs, and fails on the second."""

    @pytest.mark.parametrize("claim", cases)
    def test(claim: str) -> None:
        holding, failing = cases[claim]
        assert holds(claim, holding), "the claim fails where it should hold"
        assert not holds(claim, failing), "the claim holds where it should fail"

    return test


def untested(paper: str, references: Iterable[str]) -> list[str]:
    """Return the statistics that the claims of a paper ask for and that no reference to a claim or control covers."""
    code = loading.load({}).code

    def entry(figure: LoadedFigure, asked: dict) -> str:
        return find_statistic(code, paper, figure.name, asked["statistic"])

    asked = {
        entry(figure, part)
        for figure in _figures().values()
        if figure.paper.name == paper
        for claim in figure.claims
        for part in (claim, claim["control"])
    }
    covered = {entry(figure, part) for figure, _, part in map(_part, references)}
    return sorted(asked - covered)
