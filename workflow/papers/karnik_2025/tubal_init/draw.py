"""The init scale of a tubal factorization: Karnik et al. 2025, Fig. 4, and with fewer measurements."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.claims.statistics import final_error
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import select
from karnik_2025.common import error_at, points
from karnik_2025.tubal_init.statistics import tubal_rank

LOOKS = {0.1: "gray", 1.0e-2: "orange", 1.0e-4: "amber", 1.0e-6: "green", 1.0e-8: "blue"}
MEASUREMENTS = {190: ("blue", "o"), 159: ("orange", "s"), 127: ("green", "^")}
THEOREM = 21 / 32  # exponent of alpha in the bound of the error, not squared


def _bias(canvas: Canvas, sweep: xr.Dataset) -> None:
    for count, (color, marker) in MEASUREMENTS.items():
        runs = select(sweep, {"measurements": count})
        if not runs.sizes["run"]:
            continue
        alphas, look = runs.tubal_alpha.to_numpy(), {"color": COLORS[color], "label": f"m = {count}"}
        canvas.medians(2, alphas, final_error(runs), f"m = {count}", marker, **look)
        canvas.medians(3, alphas, tubal_rank(runs, above=1e-2).astype(float), f"m = {count}", marker, **look)
        ends = [alphas.min(), alphas.max()]
        least = [float(runs.least_norm_error.median())] * 2
        canvas.line(2, ends, least, f"least norm, m = {count}", color=COLORS[color], linestyle="--", linewidth=0.7)
    canvas.panels[2].plot([], [], color=COLORS["gray"], linestyle="--", linewidth=0.7, label="least norm")
    rank = float(sweep.target_tubal_rank[0])
    canvas.panels[3].axhline(rank, linestyle="--", linewidth=0.6, color=COLORS["gray"], zorder=0)


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw the error by step and by alpha, and with fewer measurements the error and the tubal rank by alpha."""
    canvas = Canvas(2, 2, width=width, height=2.4)
    sweep = sweeps["tubal_init"]
    read = {float(alpha): points(errors) for alpha, errors in published["error"].items()}
    for alpha, color in LOOKS.items():
        runs = select(sweep, {"tubal_alpha": alpha})
        label = f"alpha = {alpha:g}"
        if runs.sizes["run"]:
            canvas.each_run(0, runs, runs.step, runs.relative_error, label, color=COLORS[color], label=label)
        if alpha in read:
            canvas.published(0, *read[alpha], f"{label}, published", color=COLORS[color], label=None)

    for step, color, marker in ((1000, "amber", "s"), (4000, "blue", "o")):
        errors, look = error_at(sweep, step=step), {"color": COLORS[color]}
        canvas.medians(1, sweep.tubal_alpha.to_numpy(), errors, f"step {step}", marker, label=f"step {step}", **look)
        seen = [values[steps.index(step)] for steps, values in read.values()]
        canvas.published(1, list(read), seen, f"step {step}, published", label=None, **look)
    alphas = np.array([min(read), max(read)])
    style = {"color": COLORS["black"], "linestyle": ":", "label": "alpha^(21/32)"}
    canvas.line(1, alphas, 0.3 * alphas**THEOREM, "slope of the theorem", **style)
    _bias(canvas, sweeps["tubal_bias"])

    canvas.title(0, "285 measurements")
    canvas.title(1, "285 measurements, by alpha")
    canvas.title(2, "fewer than 210 measurements")
    canvas.title(3, "tubal rank of X")
    canvas.panels[0].set(yscale="log", xlabel="GD steps", ylabel="relative error")
    for panel, text in ((1, "relative error"), (2, "relative error")):
        canvas.panels[panel].set(xscale="log", yscale="log", xlabel="alpha", ylabel=text)
    canvas.panels[3].set(xscale="log", xlabel="alpha", ylabel="singular tubes above 1 %")
    for panel in range(4):
        canvas.panels[panel].legend()
    return canvas
