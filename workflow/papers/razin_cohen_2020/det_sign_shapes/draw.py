"""Larger matrices of the determinant-sign counterexample: Razin & Cohen 2020, poster."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width, rank_colors
from greedyrank.spectra.selection import last, select
from greedyrank.theory import counterexample
from razin_cohen_2020.common import over_curve

SMALL, TINY, TINIEST = 1e-3, 1e-6, 1e-8
# Sweep, sign of the determinant, colour, marker; a rectangle has none.
SHAPES = {
    "5x5, det > 0": ("det_sign_5x5", "positive", "orange", "o"),
    "5x5, det < 0": ("det_sign_5x5", "negative", "green", "s"),
    "5x10": ("det_sign_5x10", "any", "blue", "^"),
}
PREDICTED = {"color": COLORS["black"], "linestyle": "--", "linewidth": 0.8, "zorder": 5}


def _of(sweeps: dict[str, xr.Dataset], name: str, std: float) -> xr.Dataset:
    sweep, det, *_ = SHAPES[name]
    return select(sweeps[sweep], {"det": det, "product_std": std})


def _two_by_two(sweeps: dict[str, xr.Dataset]) -> xr.Dataset:
    wanted = {"depth": 3, "balanced": True, "dtype": "float64", "product_std": TINY}
    return select(sweeps["det_sign"], wanted)


def _entries(canvas: Canvas, panel: int, runs: xr.Dataset, name: str, color: str, **style) -> None:
    look = {"color": COLORS[color], "linestyle": "-", "linewidth": 1.1, "label": name, **style}
    canvas.each_run(panel, runs, runs.loss, np.abs(runs.unobserved_entry), name, **look)


def _ends(canvas: Canvas, panel: int, sweeps: dict[str, xr.Dataset]) -> None:
    """Draw where each run ends, by init, and by the sign of the leading block."""
    axes = canvas.panels[panel]
    ticks: list[str] = []
    for std in (SMALL, TINY, TINIEST):
        first = len(ticks)
        for name, (_, _, color, marker) in SHAPES.items():
            every = _of(sweeps, name, std)
            for block in (1, -1) if every.sizes["run"] else ():
                runs = every.isel(run=np.flatnonzero(np.sign(every.leading_minor.isel(record=0)) == block))
                level, place, sign = over_curve(last(runs)), len(ticks), "+" if block > 0 else "\N{MINUS SIGN}"
                canvas.keep(panel, f"{name}, init {std:g}, leading block {sign}", [place] * len(level), level)
                spread = place + 0.12 * (np.arange(len(level)) % 3 - 1)
                look: dict[str, Any]
                look = {"color": COLORS[color], "markersize": 3.5, "markerfacecolor": "none", "markeredgewidth": 0.7}
                axes.plot(spread, level, marker, **look)
                ticks.append(sign)
        if first < len(ticks):
            middle, text = (first + len(ticks) - 1) / 2, f"{std:.0e}".replace("e-0", "e-")
            axes.text(middle, 1.15, text, ha="center", fontsize="small")
            axes.axvline(len(ticks) - 0.5, color=COLORS["gray"], linewidth=0.6)
    axes.set_xticks(range(len(ticks)), ticks)
    axes.set(xlim=(-0.6, len(ticks) - 0.5), ylim=(-0.04, 1.25))
    axes.set(xlabel="sign of the 2x2 block", ylabel=r"$|W_{11}|\sqrt{2\ell}$ at the stop")


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", entry_max: PositiveFloat = 80.0
) -> Canvas:
    """Draw |W_11| against the loss for three shapes and two inits, the staircase, and what decides."""
    canvas = Canvas(2, 3, width=width, height=2.4)
    for panel, std in ((0, SMALL), (1, TINY), (2, TINY)):
        for name, (_, _, color, _) in SHAPES.items():
            _entries(canvas, panel, _of(sweeps, name, std), name, color)
        if std == TINY:
            _entries(canvas, panel, _two_by_two(sweeps), "2x2, det > 0", "gray")
        losses = np.geomspace(3, 1e-4, 200)
        curve = counterexample.unobserved_entry(losses)
        canvas.line(panel, losses, curve, "1/sqrt(2 loss)", label=r"$1/\sqrt{2\,\ell}$", **PREDICTED)
        canvas.panels[panel].set(xscale="log", xlabel="loss", ylabel=r"$|W_{11}|$")
    for panel in (0, 1):
        if "end" in published:
            canvas.published(panel, [published["end"][0]], [published["end"][1]])
        canvas.panels[panel].set(xlim=(4, 8e-5), ylim=(-0.03 * entry_max, entry_max))
    canvas.panels[1].legend(loc="upper left", handlelength=1.4)
    canvas.panels[2].set(xlim=(3, 0.03), ylim=(-0.5, 18), xticks=[2, 1, 0.5, 0.1], xticklabels=["2", "1", "0.5", "0.1"])
    canvas.title(0, "init 1e-3, square: balanced")
    canvas.title(1, "init 1e-6, unbalanced")
    canvas.title(2, "init 1e-6, first part")

    runs = _of(sweeps, "5x5, det > 0", TINY).isel(run=slice(1))  # seeds take the steps at different times
    for component, color in enumerate(rank_colors(5)):
        values = runs.singular_value.isel(component=component)
        style = {"color": color, "linestyle": "-", "label": rf"$\sigma_{component + 1}$"}
        canvas.each_run(3, runs, runs.step.where(runs.step >= 0) / 1e3, values, f"sigma {component + 1}", **style)
        canvas.each_run(4, runs, runs.loss, values, f"sigma {component + 1}", **style)
    canvas.panels[3].set(xlim=(8, 45), ylim=(-0.1, 3), xlabel="GD steps / 1000", ylabel="singular values")
    canvas.panels[4].set(xscale="log", xlim=(3, 0.03), ylim=(-0.1, 3), xlabel="loss", ylabel="singular values")
    canvas.panels[4].set(xticks=[2, 1, 0.5, 0.1], xticklabels=["2", "1", "0.5", "0.1"])
    if canvas.panels[3].lines:
        canvas.panels[3].legend(loc="upper right", handlelength=1.2)
    canvas.title(3, "one 5x5 run, init 1e-6")
    canvas.title(4, "the same against the loss")
    _ends(canvas, 5, sweeps)
    canvas.title(5, "init 1e-3, 1e-6, 1e-8")
    return canvas
