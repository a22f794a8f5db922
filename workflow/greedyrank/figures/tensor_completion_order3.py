"""Reconstruction error and tensor rank against the number of observations: Razin & Cohen 2020."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.selection import last, select
from greedyrank.style import COLORS, Canvas

ZERO_FILLED = {"color": COLORS["blue"], "marker": "o", "linestyle": "--"}
INITS = {
    1.0e-2: {"color": COLORS["orange"], "marker": "v", "linestyle": "-"},
    3.0e-3: {"color": COLORS["purple"], "marker": "s", "linestyle": ":"},
    1.0e-3: {"color": COLORS["green"], "marker": "^", "linestyle": "-."},
}


def _series(canvas: Canvas, panel: int, x: np.ndarray, y: np.ndarray, name: str, style: dict, points: list) -> None:
    """Draw every run, the medians, bars from the first to the third quartile, and published values in gray."""
    canvas.medians(panel, x, y, name, label=name, **style)
    places = np.unique(x)
    low, high = np.transpose([np.percentile(y[x == place], [25, 75]) for place in places])
    for part, ends in (("first", low), ("third", high)):
        canvas.keep(panel, f"{name}, {part} quartile", places, ends)
    canvas.panels[panel].vlines(places, low, high, color=style["color"], linewidth=2.5, alpha=0.35, zorder=1)
    if points:
        series = f"{name}, published, read off the plot"
        canvas.published(panel, *zip(*points, strict=True), series, marker=style["marker"])


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: str = "text") -> Canvas:
    """Draw error (left) and rank (right) of each init and of the zero-filled observations, a row for each target rank."""
    (runs,) = sweeps.values()
    ranks, entries = np.unique(runs.target_rank), np.prod([size for dim, size in runs.sizes.items() if "mode" in dim])
    canvas = Canvas(len(ranks), 2, width=width, height=2.5, sharex=True)
    for row, target_rank in enumerate(ranks):
        here = select(runs, {"target_rank": float(target_rank)})
        known = published.get(f"{target_rank:.0f}", {})
        for panel, learned, filled, what in (
            (2 * row, "relative_error", "zero_filled_error", "error"),
            (2 * row + 1, "tensor_rank", "zero_filled_rank", "rank"),
        ):
            values = last(here)
            points = known.get(what, {})
            _series(
                canvas,
                panel,
                here.observations.to_numpy(),
                values[filled].to_numpy(),
                "zeros elsewhere",
                ZERO_FILLED,
                points.get("zero_filled", []),
            )
    return canvas
