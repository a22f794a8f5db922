"""Plateaus of the effective rank from random init, where no theorem of Chou et al. 2020 applies."""

from __future__ import annotations

import numpy as np
import xarray as xr

from chou_2020.common import resting_values
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import select
from greedyrank.theory import recovery_times

LOOKS = (("sky", "o"), ("orange", "s"))  # of the larger and the smaller init


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw the effective rank at each depth and init, and where it rests, seed by seed."""
    canvas = Canvas(2, 3, width=width, height=2.15)
    runs = sweeps["effective_rank_random_init"]
    identical = select(sweeps["effective_rank_plateaus"], {"layer_beta": 0.0, "target_spectrum": "10, 7, 5, -5"})
    heights = recovery_times.plateau_heights(runs.target_eigenvalue[0].to_numpy())[:4]
    for panel, depth in enumerate((2, 3, 4)):
        here = select(runs, {"depth": depth})
        axes = canvas.panels[panel]
        for height in heights:
            axes.axhline(height, linestyle="--", linewidth=0.6, color=COLORS["gray"], zorder=0)
        for std, (color, _) in zip(sorted(set(here.product_std.values), reverse=True), LOOKS, strict=False):
            chosen = select(here, {"product_std": float(std)})
            style = {"color": COLORS[color], "label": f"init {std:g}", "linestyle": "-", "linewidth": 1.2}
            canvas.each_run(
                panel, chosen, chosen.flow_time.where(chosen.step > 0), chosen.nuclear_rank, f"init {std:g}", **style
            )
        reference = select(identical, {"depth": depth})
        if reference.sizes["run"] and here.sizes["run"]:
            run = reference.isel(run=0)
            times = run.flow_time.where((run.flow_time > 0) & (run.flow_time < here.flow_time.max()))
            style = {"color": COLORS["black"], "linestyle": ":", "label": "identical, 0.1", "zorder": 4}
            canvas.line(panel, times, run.nuclear_rank, "identical init, alpha 0.1", **style)
        canvas.title(panel, f"N = {depth}")
        axes.set(
            xscale="log",
            xlim=(0.008, None),
            ylim=(0.8, 6.2),
            xlabel="flow time",
            ylabel="effective rank",
        )
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left", borderaxespad=0, frameon=False)

    for place in (1, 2, 3):
        panel = place + 2
        axes = canvas.panels[panel]
        axes.axhline(heights[place - 1], linestyle="--", linewidth=0.6, color=COLORS["gray"], zorder=0)
        rests = resting_values(runs, place)
        for number, (color, marker) in enumerate(LOOKS):
            x, y = [], []
            for depth in np.unique(runs.depth):
                stds = sorted(set(runs.product_std.values[runs.depth == depth]), reverse=True)
                if number < len(stds):
                    places = np.flatnonzero((runs.depth == depth) & (runs.product_std == stds[number]))
                    x += [depth + 0.24 * number - 0.12] * len(places)
                    y += list(rests[places])
            name = ("larger init", "smaller init")[number]
            if x:
                canvas.medians(
                    panel, x, y, f"rest {place}, {name}", marker, color=COLORS[color], label=name, linewidth=0.6
                )
        canvas.title(panel, f"plateau near {heights[place - 1]:.3g}")
        axes.set(xlabel="depth N", xticks=[2, 3, 4], ylabel="plateau")
    canvas.panels[3].legend(loc="upper right")
    return canvas
