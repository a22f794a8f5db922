"""Plateaus of the effective rank in matrix sensing, where no theorem of Chou et al. 2020 applies."""

from __future__ import annotations

import numpy as np
import xarray as xr

from chou_2020.common import resting_values
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import select
from greedyrank.theory import recovery_times

INITS = {0.0: ("identical", "blue"), 0.023: ("perturbed", "orange")}


def _each(canvas: Canvas, panel: int, runs: xr.Dataset, values: xr.DataArray) -> None:
    for beta, (name, color) in INITS.items():
        chosen = np.flatnonzero(runs.layer_beta.values == beta)
        here = runs.isel(run=chosen)
        times = here.flow_time.where(here.step > 0)
        canvas.each_run(panel, here, times, values.isel(run=chosen), name, color=COLORS[color], label=name)
    canvas.panels[panel].set(xscale="log", xlabel="flow time")


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw the effective rank for each number of measurements, the errors, and the eigenvalue -5."""
    canvas = Canvas(2, 3, width=width, height=2.15)
    runs = sweeps["effective_rank_sensing"]
    counts = np.unique(runs.measurements.values)
    heights = recovery_times.plateau_heights(runs.target_eigenvalue[0].to_numpy())[:4]
    seen = select(sweeps["effective_rank_plateaus"], {"depth": 3, "target_spectrum": "10, 7, 5, -5", "data_seed": 0})
    for panel, count in enumerate(counts):
        here = select(runs, {"measurements": int(count)})
        end = here.flow_time.max().item()
        for height in heights:
            canvas.panels[panel].axhline(height, linestyle="--", linewidth=0.6, color=COLORS["gray"], zorder=0)
        _each(canvas, panel, here, here.nuclear_rank)
        for beta in INITS:
            whole = select(seen, {"layer_beta": beta})
            if not whole.sizes["run"]:
                continue
            run = whole.isel(run=0)
            style = {"color": COLORS["black"], "linestyle": ":", "linewidth": 0.9, "zorder": 4}
            style["label"] = None if beta else "all entries seen"
            times = run.flow_time.where((run.flow_time > 0) & (run.flow_time < end))
            canvas.line(panel, times, run.nuclear_rank, f"all entries seen, {INITS[beta][0]}", **style)
        canvas.title(panel, f"{count:.0f} measurements")
        canvas.panels[panel].set(ylim=(0.8, 3.9), xlim=(0.2, 1.2 * end), ylabel="effective rank")
    canvas.panels[0].legend(loc="upper right", handlelength=1.2, borderaxespad=0)

    for panel, (quantity, title) in enumerate((("error", "relative error"), ("learned", "the eigenvalue -5")), start=3):
        for count, color in zip(counts, ("purple", "amber", "green"), strict=False):
            here = select(runs, {"measurements": int(count), "layer_beta": 0.0})
            values = here.relative_error if quantity == "error" else here.learned_eigenvalue.isel(eigenvector=-1)
            style = {"color": COLORS[color], "label": f"m = {count:.0f}"}
            canvas.each_run(
                panel, here, here.flow_time.where(here.step > 0), values, f"{title}, {count} measurements", **style
            )
        canvas.title(panel, f"identical: {title}")
        canvas.panels[panel].set(xscale="log", xlabel="flow time", xlim=(0.2, None))
    canvas.panels[3].set(yscale="log", ylabel="relative error")
    canvas.panels[4].set(ylabel="learned of -5")
    canvas.panels[3].legend(loc="lower left")

    for place, (color, marker) in enumerate((("blue", "o"), ("orange", "s"), ("green", "^")), start=1):
        canvas.panels[5].axhline(heights[place - 1], linestyle="--", linewidth=0.6, color=COLORS["gray"], zorder=0)
        x, y = runs.measurements.values, resting_values(runs, place)
        name = f"near {heights[place - 1]:.3g}"
        canvas.medians(5, x, y, f"rest {place}", marker, color=COLORS[color], linewidth=0.6, label=name)
    canvas.panels[5].legend(loc="center", bbox_to_anchor=(0.6, 0.27))
    canvas.title(5, "plateaus, both inits")
    canvas.panels[5].set(xlabel="measurements m", xticks=counts, ylabel="effective rank")
    return canvas
