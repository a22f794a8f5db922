"""Singular values of the layers and of their product, below and beyond the edge of stability."""

from __future__ import annotations

import xarray as xr

from ghosh_2025.common import spectrum
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import select

HUES = ("blue", "orange", "green")


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", below: float = 0.01, beyond: float = 0.04
) -> Canvas:
    """Draw the product and the layers over iterations, one column of panels for each step size."""
    canvas = Canvas(2, 2, width=width, height=2.1)
    for column, size in enumerate((below, beyond)):
        run = select(sweeps["eos_layers"], {"learning_rate": size}).isel(run=0)
        depth = int(run.depth)
        for place, (value, hue) in enumerate(zip(spectrum(run), HUES, strict=True)):
            look = {"color": COLORS[hue], "marker": ".", "markersize": 1.5, "linestyle": "none"}
            name = f"$\\sigma$ = {value:g}"
            canvas.line(column, run.step, run.diagonal.isel(place=place), f"product, {value:g}", label=name, **look)
            for layer in range(depth):
                entries = run.layer_diagonal.isel(layer=layer, place=place)
                canvas.line(2 + column, run.step, entries, f"layer {layer + 1}, {value:g}", **look)
        canvas.title(column, f"product, $\\eta$ = {size:g}")
        canvas.title(2 + column, f"{depth} layers, $\\eta$ = {size:g}")
        canvas.panels[column].set(ylabel="singular value", ylim=(-0.5, 14.5))
        canvas.panels[2 + column].set(xlabel="iteration", ylabel="singular value", ylim=(-0.1, 2.7))
    canvas.panels[0].legend(markerscale=5, loc="lower right")
    return canvas
