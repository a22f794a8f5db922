"""Steps and recovery errors of deep linear networks over their width."""

from __future__ import annotations

import xarray as xr

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select

DEPTHS = ((3, "blue", "o"), (2, "orange", "s"))


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw the steps until the entries seen are fitted, and the error on the others."""
    canvas = Canvas(1, 2, width=width, height=2.4)
    runs = sweeps["compression_width"]
    for depth, hue, marker in DEPTHS:
        here = select(runs, {"depth": depth})
        capped, errors = canvas.shows(here), last(here).recovery_error
        look = {"color": COLORS[hue], "label": f"depth {depth}"}
        canvas.medians(0, here.width, here.stop_step, f"steps, depth {depth}", marker, capped, **look)
        canvas.medians(1, here.width, errors, f"recovery error, depth {depth}", marker, capped, **look)
    for panel, (points, hue) in enumerate(((published["steps"], "blue"), (published["errors"], "orange"))):
        places, values = map(list, (points, points.values()))
        canvas.published(panel, [int(place) for place in places], values, color=COLORS[hue])
    canvas.title(0, "steps until what is seen is fitted")
    canvas.title(1, "recovery error")
    canvas.panels[0].set(xlabel="hidden width", ylabel="steps", ylim=(0, None))
    canvas.panels[1].set(xlabel="hidden width", ylabel="half mean square, unseen", yscale="log")
    for axes in canvas.panels:
        axes.legend()
    return canvas
