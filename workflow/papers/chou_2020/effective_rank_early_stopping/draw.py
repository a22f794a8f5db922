"""Stopping where the effective rank is that of the truth: a noisy low-rank matrix, completely observed."""

from __future__ import annotations

import xarray as xr
from pydantic import PositiveFloat

from chou_2020.effective_rank_early_stopping.statistics import interval
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import select
from greedyrank.theory import recovery_times

LOOKS = {0.1: "blue", 0.3: "orange"}


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", share: PositiveFloat = 0.05
) -> Canvas:
    """Draw error and effective rank at each depth, with the predicted intervals of the true rank."""
    canvas = Canvas(2, 3, width=width, height=2.2, sharex="col")
    runs = sweeps["effective_rank_early_stopping"]
    truth = runs.target_eigenvalue[0].to_numpy()
    rank = int((truth > 1e-9 * truth[0]).sum())
    height = recovery_times.plateau_heights(truth)[rank - 1]
    for column, depth in enumerate((2, 3, 4)):
        upper, lower = canvas.panels[column], canvas.panels[column + 3]
        for noise, color in LOOKS.items():
            here = select(runs, {"depth": depth, "noise_std": noise})
            if not here.sizes["run"]:
                continue
            steps = here.step.where(here.step > 0)
            style = {"color": COLORS[color], "linewidth": 1.1}
            label = f"noise {noise:g}"
            canvas.each_run(column, here, steps, here.relative_error, f"error, {label}", label=label, **style)
            canvas.each_run(
                column + 3, here, steps, here.nuclear_rank, f"effective rank, {label}", label=label, **style
            )
            best = here.isel(record=here.relative_error.argmin("record"))
            for panel, values in ((column, best.relative_error), (column + 3, best.nuclear_rank)):
                canvas.keep(panel, f"smallest error, {label}", best.step, values)
                canvas.panels[panel].plot(best.step, values, "o", color=COLORS[color], markersize=3.5, zorder=5)
            for index in range(here.sizes["run"]):
                run = here.isel(run=index)
                error = run.low_rank_error.values[rank]
                ends = run.step.max().item()
                series = f"best rank-{rank} approximation, {label}, data seed {run.data_seed.item():.0f}"
                look = {"color": COLORS[color], "linestyle": ":", "linewidth": 0.7}
                canvas.line(column, [1, ends], [error, error], series, **look)
                start, end = interval(run, rank, share)
                if start < min(end, ends):
                    level = height - 0.35 - 0.12 * (index + here.sizes["run"] * (noise == max(LOOKS)))
                    look = {"color": COLORS[color], "linewidth": 2, "alpha": 0.6, "solid_capstyle": "butt"}
                    series = f"predicted interval, {label}, data seed {run.data_seed.item():.0f}"
                    canvas.line(column + 3, [start, min(end, ends)], [level, level], series, **look)
        lower.axhline(height, linestyle="--", linewidth=0.6, color=COLORS["gray"], zorder=0)
        canvas.title(column, f"N = {depth}: error to the truth")
        canvas.title(column + 3, f"N = {depth}: effective rank")
        upper.set(xscale="log", yscale="log", ylabel="relative error", ylim=(0.05, 1.2))
        lower.set(xlabel="GD steps", ylabel="effective rank", ylim=(0.8, 5))
        last = runs.step.values[runs.depth == depth]
        if last.size:
            lower.set_xlim(last.max() / 400, 1.3 * last.max())
    canvas.panels[0].plot([], [], "o", color="0.5", markersize=3.5, label="smallest error")
    canvas.panels[0].plot([], [], ":", color="0.5", linewidth=0.7, label="best of rank 3")
    canvas.panels[0].legend(loc="upper right", borderaxespad=0)
    return canvas
