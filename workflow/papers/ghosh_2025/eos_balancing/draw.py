"""The balancing gap of two scalar layers, and their path, for several step sizes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ghosh_2025.common import balancing_gaps, spectrum
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import select

GAPS = ((0.18, "blue"), (0.1997, "orange"), (0.21, "green"))
PATHS = ((0.0005, "black", 1, "-"), (0.1, "blue", 1, "-"), (0.1997, "orange", 31, ""))


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw the gap over iterations, and the two layers on the contours of the loss."""
    canvas = Canvas(1, 2, width=width, height=2.6)
    runs = sweeps["eos_balancing"]
    for size, hue in GAPS:
        run = select(runs, {"learning_rate": size})
        gaps = np.maximum(balancing_gaps(run, 1, 2)[0], 1e-17)
        label = f"$\\eta$ = {size:g}"
        canvas.line(0, run.step.isel(run=0), gaps, f"gap, {size:g}", color=COLORS[hue], label=label)
    flow = balancing_gaps(runs, 1, 2)[0, 0]
    canvas.line(0, [0, 500], [flow, flow], "gradient flow", color=COLORS["gray"], linestyle="--", label="gradient flow")
    canvas.title(0, "balancing gap $|w_1^2 - w_2^2|$")
    canvas.panels[0].set(xlabel="iteration", ylabel="gap", yscale="log", xlim=(0, 500), ylim=(1e-17, 10))
    canvas.panels[0].legend()

    target = spectrum(runs.isel(run=0))[0]
    grid = np.linspace(1.4, 2.75, 100)
    for apart in (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0):  # contours of the loss: w_1 w_2 = target + apart
        canvas.panels[1].plot(grid, (target + apart) / grid, color="0.8", linewidth=0.5)
    for size, hue, every, line in PATHS:
        run = select(runs, {"learning_rate": size}).isel(run=0)
        first, second = (run.layer_diagonal.isel(layer=layer, place=0)[::every] for layer in (0, 1))
        label = "gradient flow" if size < 0.001 else f"$\\eta$ = {size:g}"
        look = {"color": COLORS[hue], "linestyle": line, "marker": "" if size < 0.001 else ".", "markersize": 2}
        canvas.line(1, first, second, f"path, {size:g}", label=label, **look)
    middle, look = [target**0.5], {"color": "black", "marker": "*", "linestyle": ""}
    canvas.line(1, middle, middle, "balanced minimum", label="balanced", **look)
    canvas.title(1, "path of the two layers")
    canvas.panels[1].set(xlabel="$w_1$", ylabel="$w_2$", xlim=(1.4, 2.75), ylim=(1.4, 2.75))
    canvas.panels[1].legend(loc="lower left")
    return canvas
