"""How far singular values oscillate, over the step size."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ghosh_2025.common import over_onset, ranges, spectrum
from ghosh_2025.eos_range.statistics import largest_off_diagonal
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.theory import edge_of_stability

HUES = ("blue", "orange", "green")  # of the singular values, the largest first


def _over_steps(canvas: Canvas, panel: int, runs: xr.Dataset, published: list[float]) -> None:
    ordered = runs.sortby("learning_rate")
    steps, found = ordered.learning_rate.to_numpy(), ranges(ordered)
    depth = int(runs.depth[0])
    dense = np.linspace(steps[0], steps[-1], 400)
    for value, hue, column in zip(spectrum(runs.isel(run=0)), HUES, found.T, strict=True):
        cycles = np.array([edge_of_stability.two_cycle(value, depth, step) for step in dense])
        name = f"$\\sigma$ = {value:g}"
        canvas.line(panel, dense, cycles[:, 1] - cycles[:, 0], f"theory, {value:g}", color=COLORS[hue], linewidth=0.8)
        look = {"color": COLORS[hue], "marker": "o", "markersize": 3, "linestyle": "none", "label": name}
        canvas.line(panel, steps, column, f"measured, {value:g}", **look)
    canvas.published(panel, published, np.zeros(len(published)), "published onsets", label="onset, published")
    canvas.title(panel, "oscillation range")
    canvas.panels[panel].set(xlabel="step size $\\eta$", ylabel="range of the singular value", ylim=(-0.4, 9.5))
    canvas.panels[panel].legend(loc="upper left")


def _growth(canvas: Canvas, panel: int, runs: xr.Dataset) -> None:
    apart, found = over_onset(runs) - 1, ranges(runs)[:, 0]
    for target, hue in zip(("10", "9.5", "9"), HUES, strict=True):
        here = np.flatnonzero((runs.target_spectrum == target).to_numpy())
        order = here[np.argsort(apart[here])]
        look = {"color": COLORS[hue], "marker": "o", "markersize": 3, "linewidth": 0.6}
        name = f"$\\sigma$ = {target}"
        canvas.line(panel, apart[order], found[order] / float(target), f"near the onset, {target}", label=name, **look)
    ends = np.array([0.002, 0.17])
    look = {"color": COLORS["gray"], "linestyle": "--", "label": "square root"}
    canvas.line(panel, ends, 1.58 * np.sqrt(ends), "square root", **look)
    canvas.title(panel, "growth beyond the onset")
    canvas.panels[panel].set(xscale="log", yscale="log", xlabel="$\\eta$ / onset - 1", ylabel="range / $\\sigma$")
    canvas.panels[panel].legend()


def _rotated(canvas: Canvas, panel: int, runs: xr.Dataset) -> None:
    largest = largest_off_diagonal(runs)
    look = {"color": COLORS["purple"], "label": "rotated"}
    canvas.medians(panel, runs.learning_rate, np.maximum(largest, 1e-17), "off the diagonal, rotated", "s", **look)
    values = spectrum(runs.isel(run=0))
    unstable = 2 / edge_of_stability.cross_curvature(values[0], values[1], int(runs.depth[0]))
    canvas.panels[panel].axvline(unstable, color=COLORS["gray"], linestyle="--", linewidth=0.8, label="theory")
    canvas.title(panel, "off the diagonal")
    canvas.panels[panel].set(
        yscale="log", xlabel="step size $\\eta$", ylabel="largest entry", xticks=[0.031, 0.032, 0.033]
    )
    canvas.panels[panel].legend(loc="lower right")


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw the range over the step, its growth beyond the onset, and what rounding does to a rotated target."""
    canvas = Canvas(1, 3, width=width, height=2.4)
    _over_steps(canvas, 0, sweeps["eos_range"], published["onsets"])
    _growth(canvas, 1, sweeps["eos_onset"])
    _rotated(canvas, 2, sweeps["eos_rotated"])
    return canvas
