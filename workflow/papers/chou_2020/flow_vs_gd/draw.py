"""Gradient descent against gradient flow, one eigenvalue at a time."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width, rank_colors
from greedyrank.spectra.selection import select
from greedyrank.theory import recovery_times, step_limits

MARKS = {2: ("blue", "o"), 3: ("orange", "s"), 4: ("green", "^")}
DEPTH = 3  # of the curves


def _label(run: xr.Dataset) -> str:
    limit = step_limits.limit(run.target_eigenvalue.to_numpy(), int(run.depth), run.layer_alpha.item())
    return f"{run.learning_rate.item() / limit:.2g} of limit"


def _curves(canvas: Canvas, runs: xr.Dataset, end: float) -> None:
    """Draw what gradient descent learns at each step size, and how far it is behind the flow, at one depth."""
    runs = runs.sortby("learning_rate", ascending=False)
    last_step = runs.isel(run=-1)
    for panel in (0, 1):
        for index, color in enumerate(rank_colors(runs.sizes["run"])):
            run = runs.isel(run=index)
            time = run.flow_time.where(run.flow_time <= end)
            for place, value in enumerate(run.target_eigenvalue.to_numpy()):
                learned = run.learned_eigenvalue.isel(eigenvector=place)
                style = {"color": color, "label": None if place else _label(run)}
                if panel == 0:
                    canvas.line(0, time, learned, f"eigenvalue {value:.0f}, {_label(run)}", **style)
                elif place == 0:
                    off = learned - run.flow_eigenvalue.isel(eigenvector=place)
                    canvas.line(1, time, off, f"eigenvalue {value:.0f}, {_label(run)}", **style)
    look = {"color": COLORS["black"], "linestyle": "--", "linewidth": 0.8}
    for place, value in enumerate(last_step.target_eigenvalue.to_numpy()):
        flow = last_step.flow_eigenvalue.isel(eigenvector=place)
        time = last_step.flow_time.where(last_step.flow_time <= end)
        canvas.line(0, time, flow, f"flow, eigenvalue {value:.0f}", label=None if place else "gradient flow", **look)
    largest, alpha = last_step.target_eigenvalue.values[0], last_step.layer_alpha.item()
    fastest = (recovery_times.fastest_share(DEPTH) * largest) ** (1 / DEPTH)
    time = recovery_times.flow_time(largest, DEPTH, alpha, fastest)
    canvas.panels[1].axvline(time, color=COLORS["black"], linestyle=":", linewidth=0.8)
    canvas.panels[1].text(
        time, 0.05, "fastest ", ha="right", fontsize="small", transform=canvas.panels[1].get_xaxis_transform()
    )


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", end: PositiveFloat = 0.9) -> Canvas:
    """Draw one depth up to flow time ``end``, and the largest deviation at each depth and step size."""
    canvas = Canvas(1, 3, width=width, height=2.4)
    runs = sweeps["flow_vs_gd"]
    _curves(canvas, select(runs, {"depth": DEPTH, "data_seed": 0}), end)
    canvas.title(0, f"N = {DEPTH}: 10, 7, 5, -5")
    canvas.panels[0].set(xlabel="flow time", ylabel="learned eigenvalues", ylim=(-0.5, 11))
    canvas.title(1, f"N = {DEPTH}: eigenvalue 10")
    canvas.panels[1].set(xlabel="flow time", ylabel="descent - flow")
    handles = canvas.panels[0].get_legend_handles_labels()
    canvas.panels[1].legend(*handles, loc="lower right", borderaxespad=0.3, handlelength=1.0)

    limits = np.array(
        [
            step_limits.limit(values, depth, alpha)
            for values, depth, alpha in zip(
                runs.target_eigenvalue.values, runs.depth.values, runs.layer_alpha.values, strict=True
            )
        ]
    )
    for depth, (color, marker) in MARKS.items():
        here = runs.depth.values == depth
        style = {"color": COLORS[color], "label": f"N = {depth}"}
        canvas.medians(
            2,
            (runs.learning_rate.values / limits)[here],
            runs.flow_deviation.values[here],
            f"depth {depth}",
            marker,
            **style,
        )
    guide = np.array([0.05, 0.5])
    canvas.line(2, guide, 0.5 * guide, "first order", color=COLORS["black"], linestyle="--", label="first order")
    canvas.title(2, "largest deviation")
    canvas.panels[2].set(xscale="log", yscale="log", xlabel="step size / its limit", ylabel="relative deviation")
    canvas.panels[2].set_ylim(1e-3, None)
    canvas.panels[2].legend(loc="lower right")
    return canvas
