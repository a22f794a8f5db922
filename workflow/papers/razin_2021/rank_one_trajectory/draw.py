"""From small init the end-to-end tensor follows a rank-one trajectory: Razin, Maman & Cohen 2021, theorem."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.measures.rank_one_trajectory import HORIZON
from greedyrank.spectra.selection import select
from razin_2021.rank_one_trajectory.statistics import first, largest

INIT_COLORS = ("orange", "amber", "green", "sky", "blue", "purple")


def _against_time(canvas: Canvas, panels: tuple[int, int], runs: xr.Dataset, stds: list[float]) -> None:
    """Draw norm and distance against flow time for each init, with the rank-one trajectory of the smallest."""
    for std, color in zip(stds, INIT_COLORS, strict=False):
        here = select(runs, {"factor_std": std})
        inside = np.isfinite(here.rank_one_distance)
        style = {"color": COLORS[color], "linewidth": 1.1, "label": f"{std:g}"}
        canvas.each_run(
            panels[0], here, here.trajectory_time, here.trajectory_norm.where(inside), f"init {std:g}", **style
        )
        canvas.each_run(panels[1], here, here.trajectory_time, here.rank_one_distance, f"init {std:g}", **style)
    curves = select(runs, {"factor_std": stds[-1]}).isel(run=[0])
    style = {
        "color": COLORS["black"],
        "linewidth": 2.2,
        "alpha": 0.25,
        "label": "rank one",
        "zorder": 0,
        "linestyle": "-",
    }
    canvas.each_run(panels[0], curves, curves.trajectory_time, curves.rank_one_norm, "rank-one trajectory", **style)
    for panel in panels:
        canvas.panels[panel].set(xlabel="flow time", xlim=(0, HORIZON))
    canvas.panels[panels[0]].set(ylabel="relative norm", ylim=(0, None))
    canvas.panels[panels[1]].set(ylabel="relative distance", yscale="log")


def _against_init(canvas: Canvas, panel: int, runs: xr.Dataset, coarse: xr.Dataset, order: int) -> None:
    """Draw the largest distance and that on the sphere against init, with the power law of the latter."""
    for distance, color, marker, name in ((largest, "blue", "o", "largest"), (first, "green", "s", "on the sphere")):
        canvas.medians(panel, runs.factor_std, distance(runs), name, marker, color=COLORS[color], label=name)
    name = "largest, 10x steps"
    canvas.medians(panel, coarse.factor_std, largest(coarse), name, "^", color=COLORS["orange"], label=name)
    stds = np.unique(runs.factor_std)[:3]
    law = float(first(runs)[runs.factor_std == stds[0]].median()) * (stds / stds[0]) ** order
    style = {"color": COLORS["black"], "linestyle": "--", "linewidth": 0.8, "label": f"slope {order}"}
    canvas.line(panel, stds, law * 3, f"init^{order}, shifted", **style)
    canvas.panels[panel].set(xscale="log", yscale="log", xlabel="init", ylabel="relative distance")
    canvas.panels[panel].set_ylim(bottom=canvas.panels[panel].get_ylim()[0] * 1e-2)  # room for the legend


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw norm and distance against flow time, and distance against init; one row per rank of the target."""
    canvas = Canvas(2, 3, width=width, height=2.35)
    runs = sweeps["rank_one_trajectory"]
    rates = np.unique(runs.learning_rate)
    for row, rank in enumerate(np.unique(runs.target_rank)):
        here = select(runs, {"target_rank": float(rank)})
        fine, coarse = (select(here, {"learning_rate": float(rate)}) for rate in rates)
        stds = sorted(set(fine.factor_std.values.tolist()), reverse=True)
        _against_time(canvas, (3 * row, 3 * row + 1), fine, stds)
        _against_init(canvas, 3 * row + 2, fine, coarse, len(str(runs["shape"].values[0]).split("x")))
        for panel, name in enumerate(("norm", "distance", "distance")):
            canvas.title(3 * row + panel, f"{name}, rank {rank:.0f}")
    canvas.panels[0].legend(loc="upper left", title="init", handlelength=1.0, labelspacing=0.2)
    canvas.panels[2].legend(loc="lower right")
    return canvas
