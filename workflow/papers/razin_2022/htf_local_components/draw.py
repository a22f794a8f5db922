"""Local components at two nodes and singular values of two matricizations: Razin, Maman & Cohen 2022."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import PALE, Canvas
from greedyrank.figures.style import COLORS, Width, rank_colors
from greedyrank.spectra.selection import at_stop
from razin_2022.htf_local_components.statistics import sizes

# The four panels of the released configuration, in its order: what is drawn, title, y label.
PANELS = (
    ("node_12", "node {1, 2}", "local component norms"),
    ("root", "node {1, 2, 3, 4}", "local component norms"),
    ("half", "matricization {1, 2}", "singular values"),
    ("crossing", "matricization {1, 3}", "singular values"),
)
MATRICIZATIONS = {"half": ("{1, 2}", "blue", "o"), "crossing": ("{1, 3}", "orange", "s")}


def _sizes(canvas: Canvas, panel: int, runs: xr.Dataset, of: str) -> None:
    """Draw the ten largest against iterations, the first run in colours and the others pale in gray."""
    steps = runs.step.where(runs.step >= 0) / 1e3
    found = sizes(runs, of)
    canvas.shows(runs)
    for index in range(runs.sizes["run"]):
        for component, color in enumerate(rank_colors(found.sizes["component"])):
            series = f"number {component + 1}, data seed {runs.data_seed.values[index]:.0f}"
            values = found.isel(run=index, component=component)
            style = {**PALE, "color": "0.6"} if index else {"color": color, "linewidth": 1.1, "zorder": 2}
            canvas.line(panel, steps.isel(run=index), values, series, **style)


def _ends(canvas: Canvas, panel: int, runs: xr.Dataset) -> None:
    """Draw the singular values of both matricizations at the stop, those of the target as bars."""
    ends = at_stop(runs)
    places = np.arange(1, runs.sizes["component"] + 1)
    for number, (of, (name, color, marker)) in enumerate(MATRICIZATIONS.items()):
        learned, target = sizes(ends, of), runs[f"target_{of}_value"]
        for index in range(runs.sizes["run"]):
            x = places + 0.3 * (number - 0.5) + 0.1 * index
            seed = f"data seed {runs.data_seed.values[index]:.0f}"
            style = {"color": COLORS[color], "linestyle": "none"}
            bars = np.maximum(target.isel(run=index), 1e-3)
            canvas.line(panel, x, bars, f"{name}, target, {seed}", marker="_", markersize=7, **style)
            look = {"marker": marker, "markersize": 3.5, "markerfacecolor": "none", "label": None if index else name}
            canvas.line(
                panel, x, np.maximum(learned.isel(run=index), 1e-3), f"{name}, learned, {seed}", **look, **style
            )


def _counts(canvas: Canvas, panel: int, runs: xr.Dataset, threshold: float) -> None:
    """Draw how many singular values of both matricizations exceed a threshold, against iterations."""
    steps = runs.step.where(runs.step >= 0) / 1e3
    for of, (name, color, _) in MATRICIZATIONS.items():
        counts = (sizes(runs, of) > threshold).sum("component")
        canvas.each_run(panel, runs, steps, counts, name, color=COLORS[color], label=name, drawstyle="steps-post")


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    small: PositiveFloat = 0.05,
    threshold: PositiveFloat = 1.0,
) -> Canvas:
    """Draw the four panels of the released configuration, the spectra at the stop, and the ranks against iterations.

    ``small``: runs with random targets from an init below it are drawn. ``threshold``: what counts as a singular value
    that has left zero.
    """
    (runs,) = sweeps.values()
    runs = runs.isel(run=np.flatnonzero((runs.target_root_spectrum == "") & (runs.factor_std < small)))
    canvas = Canvas(2, 3, width=width, height=2.25)
    for panel, (of, title, label) in zip((0, 1, 3, 4), PANELS, strict=True):
        _sizes(canvas, panel, runs, of)
        canvas.title(panel, title)
        canvas.panels[panel].set(xlabel="iterations / 1000", ylabel=label, xlim=(0, None), ylim=(0, None))
    _ends(canvas, 2, runs)
    canvas.title(2, "at the stop, bars: target")
    places = range(1, runs.sizes["component"] + 1)
    canvas.panels[2].set(yscale="log", xlabel="index", ylabel="singular values", xticks=places)
    canvas.panels[2].legend(loc="lower left")
    _counts(canvas, 5, runs, threshold)
    canvas.legend_of_ranks(0, rank_colors(runs.sizes["component"]), "component", loc="upper left")
    canvas.title(5, f"singular values above {threshold:g}")
    canvas.panels[5].set(xlabel="iterations / 1000", ylabel="number", ylim=(0, runs.sizes["component"] + 0.5))
    canvas.panels[5].legend(loc="center right")
    return canvas
