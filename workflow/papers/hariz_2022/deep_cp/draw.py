"""Component norms and recovery of deep CP factorizations against depth: Hariz et al. 2022."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveInt

from greedyrank.figures.canvas import CAPPED, PALE, Canvas
from greedyrank.figures.style import COLORS, Width, rank_colors
from greedyrank.spectra.selection import last, select
from hariz_2022.deep_cp.statistics import gap, last_error

DEPTHS = {1: ("blue", "o"), 2: ("orange", "s"), 3: ("green", "^")}
DASHED = (0, (3, 1.5))


def _norms(canvas: Canvas, panel: int, runs: xr.Dataset, depth: int, seen: int) -> None:
    """Draw the ten largest norms of every data seed, the first in colours and the others pale in gray."""
    capped = canvas.shows(runs)
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        for component, color in enumerate(rank_colors(run.sizes["component"])):
            series = f"norm {component + 1}, data seed {run.data_seed.item():.0f}"
            steps, norms = run.step.where(run.step > 0) / 1e3, run.component_norm.isel(component=component)
            style = {**PALE, "color": "0.6"} if index else {"color": color, "linewidth": 1.1, "zorder": 2}
            canvas.line(panel, steps, norms, series, **style)
    if capped[0]:
        end = last(runs.isel(run=[0]))
        norms = end.component_norm.to_numpy().ravel()
        canvas.cross(panel, np.full(len(norms), end.step.item() / 1e3), norms)
    canvas.title(panel, f"K = {depth}, {seen} entries")
    canvas.panels[panel].set(xlabel="iterations / 1000", ylabel="component norms", yscale="log", ylim=(3e-4, 100))


def _against_observations(
    canvas: Canvas, panel: int, runs: xr.Dataset, values: np.ndarray, depth: int, dashed: bool
) -> None:
    """Draw one value of each run and their medians against the number of observations; runs at the cap are crossed."""
    color, marker = DEPTHS[depth]
    name = f"K = {depth}{', equal products' if dashed else ''}"
    # Depths side by side: their markers would hide each other.
    x = runs.observations.to_numpy() * 1.03 ** (depth - 2)
    look = {"color": COLORS[color], "linestyle": DASHED if dashed else "-", "capped": canvas.shows(runs)}
    canvas.medians(panel, x, values, name, marker, **look)


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    rank: PositiveInt = 3,
) -> Canvas:
    """Draw the norms at each depth, those at the end, and gap and error against the number of observations.

    ``rank``: of the targets. The first four panels show
    the second largest number of observations. Where a depth has two inits, the smaller one is that of equal components.
    """
    canvas = Canvas(2, 3, width=width, height=2.25)
    runs = sweeps["deep_cp"]
    counts = [int(count) for count in np.unique(runs.observations)]
    seen = counts[-2]
    for panel, (depth, (color, marker)) in enumerate(DEPTHS.items()):
        deep = select(runs, {"depth": depth})
        for number, std in enumerate(np.unique(deep.factor_std)):
            part = select(deep, {"factor_std": float(std)})
            _against_observations(canvas, 4, part, gap(part, index=rank), depth, dashed=number > 0)
            _against_observations(canvas, 5, part, last_error(part), depth, dashed=number > 0)
        here = select(deep, {"factor_std": float(deep.factor_std.min()), "observations": seen})
        _norms(canvas, panel, here, depth, seen)
        final = last(here).component_norm
        for index in range(here.sizes["run"]):
            series = f"K = {depth}, data seed {here.data_seed.values[index]:.0f}"
            x = np.arange(1, final.sizes["component"] + 1)
            look = PALE if index else {"marker": marker, "markersize": 2.5, "label": f"K = {depth}"}
            canvas.line(3, x, final[index], series, color=COLORS[color], **look)
    canvas.title(3, f"at the end, {seen} entries")
    canvas.panels[3].set(xlabel="component", ylabel="component norm", yscale="log", xticks=range(1, 11))
    canvas.panels[3].legend()
    canvas.legend_of_ranks(0, rank_colors(runs.sizes["component"]), "component", loc="center right")
    canvas.title(4, "gap")
    canvas.panels[4].set(ylabel="3rd over 4th component norm")
    canvas.title(5, "recovery")
    canvas.panels[5].set(ylabel="relative error")
    for line, name in (("-", "equal components"), (DASHED, "equal products")):
        canvas.panels[5].plot([], [], color="0.3", linestyle=line, label=name)
    canvas.panels[5].plot([], [], **CAPPED, label="ended at the cap")
    canvas.panels[5].legend(loc="lower left")
    for panel in (4, 5):
        canvas.panels[panel].set(xscale="log", yscale="log", xlabel="observations")
        canvas.panels[panel].set_xticks(counts, list(map(str, counts)))
        canvas.panels[panel].minorticks_off()
    canvas.panels[5].set_ylim(bottom=1e-6)  # room for the legend
    return canvas
