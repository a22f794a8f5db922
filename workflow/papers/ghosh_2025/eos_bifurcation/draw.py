"""Late values of the product over the step size, with the predicted cycle of two steps."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ghosh_2025.common import over_onset, periods, spectrum
from ghosh_2025.eos_bifurcation.statistics import late
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.theory import edge_of_stability


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw the late values, and the period, of each run."""
    canvas = Canvas(1, 2, width=width, height=2.6)
    runs = sweeps["eos_bifurcation"].sortby("learning_rate")
    shares, values = over_onset(runs), late(runs)
    places = np.repeat(shares, values.shape[1])
    look = {"color": "0.35", "marker": ".", "markersize": 0.7, "linestyle": "", "rasterized": True}
    canvas.line(0, places, values.ravel(), "late values", **look)
    target, depth = spectrum(runs.isel(run=0))[0], int(runs.depth[0])
    dense = np.linspace(shares[0], shares[-1], 400)
    cycles = np.array(
        [edge_of_stability.two_cycle(target, depth, share * edge_of_stability.onset(target, depth)) for share in dense]
    )
    for column, name, label in ((0, "lower branch", "predicted cycle of two"), (1, "upper branch", None)):
        canvas.line(0, dense, cycles[:, column], name, color=COLORS["orange"], linewidth=0.8, label=label)
    canvas.title(0, f"late values of the product, $\\sigma$ = {target:g}")
    canvas.panels[0].set(xlabel="$\\eta$ / onset", ylabel="value")
    canvas.panels[0].legend(loc="lower left")
    look = {"color": COLORS["blue"], "marker": "o", "markersize": 2, "linestyle": "none"}
    canvas.line(1, shares, periods(runs)[:, 0], "period", **look)
    canvas.title(1, "period (none up to 16: no mark)")
    canvas.panels[1].set(xlabel="$\\eta$ / onset", ylabel="steps", yscale="log", yticks=[1, 2, 4, 8, 16])
    canvas.panels[1].set_yticklabels(["1", "2", "4", "8", "16"])
    canvas.panels[1].minorticks_off()
    return canvas
