"""Nuclear norm and effective rank against init: Arora et al. 2019, Fig. 2 of the notebook."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.lines import Line2D
from pydantic import PositiveFloat

from arora_2019.common import DEPTHS, compare, initial_norm, inits_in_full
from greedyrank.figures.canvas import PUBLISHED, Canvas
from greedyrank.figures.style import Width
from greedyrank.spectra.selection import last, select


def limit(canvas: Canvas, panel: int, bottom: float, top: float) -> None:
    """Limit an axis, and write the values of the runs beyond it."""
    axes = canvas.panels[panel]
    above = {
        point
        for line in axes.get_lines()
        if line.get_linestyle() == "None"
        for point in zip(*map(np.asarray, line.get_data()), strict=True)
        if point[1] > top
    }
    axes.set_ylim(bottom, top)
    if above:
        text = ", ".join(f"{y:.0f}" for _, y in sorted(above, key=lambda point: point[1]))
        axes.text(0.98, 0.99, f"runs beyond: {text}", transform=axes.transAxes, ha="right", va="top", size="small")


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    excess_max: PositiveFloat = 12.0,
    rank_max: PositiveFloat = 12.0,
) -> Canvas:
    """Draw error, nuclear norm and effective rank for each way of drawing the observations."""
    runs = last(sweeps["dmf_init"])
    runs = select(runs, {"learning_rate": float(runs.learning_rate.max())})
    kinds = set(zip(runs.observations.values, runs.replacement.values, strict=True))
    rows = sorted(kinds, key=lambda kind: (kind[0], kind[1] != "true"))
    canvas = Canvas(len(rows), 3, width=width, height=2.0, sharex=True)
    for row, (count, replacement) in enumerate(rows):
        here = runs.isel(run=np.flatnonzero((runs.observations == count) & (runs.replacement == replacement)))
        title = f"{count:.0f}" + (" with repl." if replacement == "true" else "")
        compare(canvas, row, here, initial_norm(here), title, inits_in_full(runs))
        # The released entries behave like draws with replacement: other draws are not comparable.
        values = published.get(f"{count:.0f}", {}) if replacement == "true" else {}
        for panel, name in enumerate(("error", "nuclear_norm_excess", "effective_rank"), start=3 * row):
            for depth, points in values.get(name, {}).items():
                x, y = zip(*points, strict=True)
                color = DEPTHS[int(depth)]["color"]
                canvas.published(panel, x, y, f"published, depth {depth}", color=color, label=None)
            canvas.panels[panel].set_xscale("log")
        limit(canvas, 3 * row + 1, -1.0, excess_max)
        limit(canvas, 3 * row + 2, 3.0, rank_max)
    for axes in canvas.bottom:
        axes.set_xlabel(r"$\|W(0)\|_F$")
    handles, labels = canvas.panels[1].get_legend_handles_labels()
    canvas.legend_above(
        [*handles, Line2D([], [], **PUBLISHED)], [*labels, "published (colour of the depth)"], columns=3
    )
    return canvas
