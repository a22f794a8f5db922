"""How the width of a tubal factorization changes the error: Karnik et al. 2025, Fig. 3."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import select
from karnik_2025.common import error_at, points
from karnik_2025.tubal_width.statistics import averages, error_ratio

LOOKS = {3: "orange", 10: "amber", 50: "blue", 100: "sky", 200: "green", 400: "purple"}
STEP = 1450  # of the published inset
REFERENCE = 50


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw the error by step, the error by width and over that of width 50, and the average as published."""
    canvas = Canvas(2, 2, width=width, height=2.4)
    runs = sweeps["tubal_width"]
    for columns, color in LOOKS.items():
        here = select(runs, {"width": columns})
        label = f"R = {columns}"
        if here.sizes["run"]:
            canvas.each_run(0, here, here.step, here.relative_error, label, color=COLORS[color], label=label)
    canvas.published(0, *points(published["error"]), "published, R = 50, two runs", label="published, R = 50")

    widths = runs.width.to_numpy()
    canvas.medians(1, widths, error_at(runs, step=STEP), f"at {STEP}", "o", color=COLORS["blue"], label="measured")
    canvas.published(1, *points(published["error_at_1450"]), "published, two runs")

    found = {columns: error_ratio(runs, width=columns, to=REFERENCE, step=STEP) for columns in np.unique(widths)}
    x = np.repeat(list(found), [len(values) for values in found.values()])
    canvas.medians(2, x, np.concatenate(list(found.values())), "ratio", "o", color=COLORS["blue"])
    canvas.panels[2].axhline(1, linestyle="--", linewidth=0.6, color=COLORS["gray"], zorder=0)

    here = select(runs, {"width": REFERENCE})
    steps = here.step[0]
    for fresh, tests, color, name in ((2, 20, "orange", "as published"), (2, 2, "blue", "of two fresh runs")):
        for number, average in enumerate(averages(here, fresh, tests)):
            style = {"label": f"mean {name}"} if number == 0 else {"alpha": 0.3, "linewidth": 0.5}
            canvas.line(3, steps, average, f"mean {name}, {number}", color=COLORS[color], **style)
    canvas.published(3, *points(published["average"]), "published average")

    canvas.title(0, "relative error")
    canvas.title(1, f"at step {STEP}")
    canvas.title(2, f"over R = {REFERENCE}, same data")
    canvas.title(3, f"average, R = {REFERENCE}")
    for panel in (0, 3):
        canvas.panels[panel].set(yscale="log", xlabel="GD steps", ylabel="relative error")
        canvas.panels[panel].legend(loc="lower left")
    narrow = (100, 200) if width == "column" else ()  # no room for their numbers
    names = ["" if columns in narrow else str(columns) for columns in LOOKS]
    ticks = {"xscale": "log", "xticks": list(LOOKS), "xticklabels": names, "xlabel": "columns R of U(0)"}
    canvas.panels[1].set(yscale="log", ylabel="relative error", **ticks)
    canvas.panels[2].set(ylabel="ratio of errors", **ticks)
    for axes in canvas.panels[1:3]:
        axes.xaxis.minorticks_off()
    canvas.panels[1].legend()
    return canvas
