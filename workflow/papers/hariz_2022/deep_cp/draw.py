"""Component norms and recovery of deep CP factorizations against depth: Hariz et al. 2022."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, LINES, rank_colors
from greedyrank.spectra.selection import last, select
from hariz_2022.deep_cp.statistics import gap, last_error

DEPTHS = {1: ("blue", "o"), 2: ("orange", "s"), 3: ("green", "^")}


def _norms(canvas: Canvas, panel: int, runs: xr.Dataset, depth: int, seen: int) -> None:
    """Draw the ten largest norms of every data seed."""
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        for component, color in enumerate(rank_colors(run.sizes["component"])):
            series = f"norm {component + 1}, data seed {run.data_seed.item():.0f}"
            steps, norms = run.step.where(run.step > 0) / 1e3, run.component_norm.isel(component=component)
            canvas.line(panel, steps, norms, series, color=color, linestyle=LINES[index % len(LINES)], linewidth=0.8)
    canvas.title(panel, f"K = {depth}, {seen} observations")
    canvas.panels[panel].set(xlabel="iterations / 1000", ylabel="component norms", yscale="log", ylim=(3e-4, 100))


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: str = "text", rank: int = 3) -> Canvas:
    """Draw the norms at each depth, those at the end, and gap and error against the number of observations.

    ``rank``: of the targets. The first four panels show the second largest number of observations.
    """
    canvas = Canvas(2, 3, width=width, height=2.25)
    runs = sweeps["deep_cp"]
    counts = [int(count) for count in np.unique(runs.observations)]
    seen = counts[-2]
    for panel, (depth, (color, marker)) in enumerate(DEPTHS.items()):
        here = select(runs, {"depth": depth, "observations": seen})
        _norms(canvas, panel, here, depth, seen)
        final = last(here).component_norm
        for index in range(here.sizes["run"]):
            series = f"K = {depth}, data seed {here.data_seed.values[index]:.0f}"
            x = np.arange(1, final.sizes["component"] + 1)
            look = {"color": COLORS[color], "linestyle": LINES[index % len(LINES)], "marker": marker, "markersize": 2.5}
            canvas.line(3, x, final[index], series, linewidth=0.7, label=f"K = {depth}" if index == 0 else None, **look)
        deep = select(runs, {"depth": depth})
        for panel_, values in ((4, gap(deep, index=rank)), (5, last_error(deep))):
            # Depths side by side: their markers would hide each other.
            x = deep.observations.to_numpy() * 1.03 ** (depth - 2)
            canvas.medians(panel_, x, values, f"K = {depth}", marker, color=COLORS[color], label=f"K = {depth}")
    canvas.title(3, f"at the end, {seen} observations")
    canvas.panels[3].set(xlabel="component", ylabel="component norm", yscale="log", xticks=range(1, 11))
    canvas.panels[3].legend()
    canvas.title(4, "gap")
    canvas.panels[4].set(ylabel="3rd over 4th component norm")
    canvas.title(5, "recovery")
    canvas.panels[5].set(ylabel=r"$\|W - W^*\|\,/\,\|W^*\|$")
    for panel in (4, 5):
        canvas.panels[panel].set(xscale="log", yscale="log", xlabel="observations")
        canvas.panels[panel].set_xticks(counts, list(map(str, counts)))
        canvas.panels[panel].minorticks_off()
    return canvas
