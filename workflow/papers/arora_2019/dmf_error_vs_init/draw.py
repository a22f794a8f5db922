"""Reconstruction error of deep matrix factorizations against init: Arora et al. 2019, Fig. 1 of the notebook."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from arora_2019.common import initial_norm, inits_in_full
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select

DRAWS = {
    "false": ("without replacement", {"color": COLORS["blue"], "marker": "o"}),
    "true": ("with replacement", {"color": COLORS["orange"], "marker": "^"}),
}


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    error_min: PositiveFloat = 1e-7,
    error_max: PositiveFloat = 10.0,
) -> Canvas:
    """Draw the error of every run, one panel for each number of observations and depth."""
    runs = last(sweeps["dmf_init"])
    counts, depths = np.unique(runs.observations), np.unique(runs.depth)
    canvas = Canvas(len(counts), len(depths), width=width, height=2.0, sharex=True, sharey=True)
    for row, count in enumerate(counts):
        for column, depth in enumerate(depths):
            panel = row * len(depths) + column
            here = select(runs, {"observations": float(count), "depth": float(depth)})
            for replacement, (name, style) in DRAWS.items():
                chosen = here.isel(run=np.flatnonzero(here.replacement == replacement))
                for rate in np.unique(chosen.learning_rate)[::-1]:
                    some = select(chosen, {"learning_rate": float(rate)})
                    line = "-" if rate == chosen.learning_rate.max() else ":"
                    label = name if len(np.unique(chosen.learning_rate)) == 1 else f"{name}, lr {rate:g}"
                    look: dict[str, Any] = {"label": label, "linestyle": line, "capped": canvas.shows(some), **style}
                    look["left_out"] = inits_in_full(runs)
                    canvas.medians(panel, initial_norm(some), some.relative_squared_error, label, **look)
            points = published.get(f"{count:.0f}", {}).get(f"{depth:.0f}", [])
            if len(points):
                x, y = zip(*points, strict=True)
                canvas.published(panel, x, y)
            canvas.title(panel, f"{count:.0f} entries, depth {depth:.0f}")
            canvas.panels[panel].set(xscale="log", yscale="log", ylim=(error_min, error_max))
    for axes in canvas.left:
        axes.set_ylabel("relative squared error")
    for axes in canvas.bottom:
        axes.set_xlabel(r"$\|W(0)\|_F$")
    canvas.panels[-1].legend(*canvas.panels[0].get_legend_handles_labels(), loc="upper left")
    return canvas
