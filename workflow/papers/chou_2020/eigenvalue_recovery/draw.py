"""Recovery of one eigenvalue at depths 1 to 9, after a picture that may be of Chou et al. 2020."""

from __future__ import annotations

import numpy as np
import xarray as xr

from chou_2020.eigenvalue_recovery.statistics import first_step
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width, rank_colors
from greedyrank.spectra.selection import select
from greedyrank.theory import step_limits

SCALE = 3.0e-3  # of the product at the start, as in the picture


def _curves(canvas: Canvas, panel: int, runs: xr.Dataset, colors: dict) -> None:
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        depth = int(run.depth)
        steps = run.step.where(run.step >= 0)
        style = {"color": colors[depth], "label": f"N = {depth}"}
        canvas.line(panel, steps, run.learned_eigenvalue.isel(eigenvector=0), f"depth {depth}", **style)


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw depths 1 and 2, depths 2 to 9, and how late and how fast each depth is."""
    canvas = Canvas(1, 3, width=width, height=2.4)
    runs = select(sweeps["eigenvalue_recovery"], {"identity_scale": SCALE}).sortby("depth")
    depths = runs.depth.to_numpy().astype(int)
    colors = dict(zip(depths, rank_colors(len(depths)), strict=True))
    _curves(canvas, 0, select(runs, {"depth": [1, 2]}), {1: COLORS["orange"], 2: COLORS["blue"]})
    read_off = {name: {int(key): value for key, value in points.items()} for name, points in published.items()}
    points = read_off["depth_1"]
    canvas.published(0, list(points), list(points.values()), "depth 1, read off the picture", label="read off")
    _curves(canvas, 1, runs.isel(run=np.flatnonzero(depths > 1)), colors)
    half = list(read_off["half_times"].values())
    canvas.published(1, half, [5.0] * len(half), "half-times, read off the picture", label=None)
    for panel, title in enumerate(("depth 1 and 2", "depth 2 to 9")):
        canvas.title(panel, title)
        canvas.panels[panel].set(xlabel="GD steps", ylabel="recovered of 10")
        canvas.panels[panel].legend(loc="lower right", handlelength=1.0, borderaxespad=0.3)
    canvas.panels[1].set_xlim(-30, 2000)

    canvas.published(2, list(read_off["half_times"]), half, "half-times, read off the picture", label=None)
    duration = first_step(runs, 0.9) - first_step(runs, 0.1)
    for name, values, color, marker in (
        ("half-time", first_step(runs, 0.5), "blue", "o"),
        ("10 to 90 %", duration, "orange", "s"),
    ):
        style = {"color": COLORS[color], "marker": marker, "markersize": 3, "label": name}
        canvas.line(2, depths, values, name, **style)
    canvas.title(2, "how late, and how fast")
    canvas.panels[2].set(xlabel="depth N", ylabel="GD steps", yscale="log", xticks=depths)
    canvas.panels[2].legend(loc="center right", bbox_to_anchor=(1, 0.55))

    limits = {depth: step_limits.limit([10.0], depth, SCALE ** (1 / depth)) for depth in depths if depth > 1}
    beyond = [str(depth) for depth, limit in limits.items() if runs.learning_rate[0] >= limit]
    if beyond:
        canvas.remarks.append(f"step size beyond the theorem's limit at N = {', '.join(beyond)}")
    return canvas
