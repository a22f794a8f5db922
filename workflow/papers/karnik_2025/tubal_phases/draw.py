"""Two phases of gradient descent on a tubal factorization: Karnik et al. 2025, Fig. 2."""

from __future__ import annotations

import xarray as xr

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width, rank_colors
from greedyrank.spectra.selection import select
from karnik_2025.common import points

PUBLISHED = 1.0e-7  # alpha
ANGLES = {"projection": ("blue", "to back-projection"), "target": ("orange", "to target")}


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw the error, the angles to the back-projection and to the target, and the singular tubes."""
    canvas = Canvas(1, 3, width=width, height=2.6)
    sweep = sweeps["tubal_phases"]
    runs = select(sweep, {"tubal_alpha": PUBLISHED})
    steps = runs.step.where(runs.step >= 0)
    large = select(sweep, {"tubal_alpha": 0.1})
    label = "alpha = 0.1"
    canvas.each_run(0, large, large.step, large.relative_error, label, color=COLORS["gray"], label=label)
    label = "alpha = 1e-7"
    canvas.each_run(0, runs, steps, runs.relative_error, label, color=COLORS["blue"], label=label)
    canvas.published(0, *points(published["error"]), "published")

    later = steps.where(steps > 0)
    for name, (color, label) in ANGLES.items():
        canvas.each_run(1, runs, later, runs[f"{name}_angle"], label, color=COLORS[color], label=label)
        series = f"{label}, published"
        canvas.published(1, *points(published[f"{name}_angle"]), series, color=COLORS[color], label=None)
    first = runs.isel(run=0)
    style = {"color": COLORS["black"], "linestyle": ":", "label": "power iteration", "zorder": 4}
    canvas.line(1, later.isel(run=0), first.power_angle, "power iteration", **style)

    colors = rank_colors(first.sizes["component"])
    for component in reversed(range(len(colors))):
        norms = first.tube_norm.isel(component=component)
        canvas.line(2, steps.isel(run=0), norms, f"tube {component + 1}", color=colors[component])
    canvas.legend_of_ranks(2, colors, "tube", loc="lower right")

    canvas.title(0, "relative error")
    canvas.title(1, "sine of the angle")
    canvas.title(2, "norms of singular tubes")
    for panel, text in enumerate(("||X - X*|| / ||X*||", "sine of the largest angle", "norm of singular tube of X")):
        canvas.panels[panel].set(yscale="log", xlabel="GD steps", ylabel=text)
    canvas.panels[1].set(xscale="log", xlim=(20, None), ylim=(5e-6, 2))
    canvas.panels[0].legend(loc="lower left")
    canvas.panels[1].legend(loc="lower left")
    return canvas
