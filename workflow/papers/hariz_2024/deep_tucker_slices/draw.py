"""Core slices and factor columns of deep Tucker factorizations: Hariz et al. 2024."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat, PositiveInt

from greedyrank.figures.canvas import PALE, Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select
from hariz_2024.common import DEPTH_COLORS
from hariz_2024.deep_tucker_slices.statistics import slice_gap

PUBLISHED_RATE = 5.0e-4
PUBLISHED_NORM = 1.2  # our reading of the generator; the other runs have a larger target


def _slices(canvas: Canvas, panel: int, runs: xr.Dataset, rank: int, top: float | None) -> None:
    """Draw the norms of all slices along the first mode: as many as the rank, the next, and the others."""
    looks = {
        "the others": (range(rank + 1, runs.sizes["slice"]), {"color": "0.7", "linewidth": 0.5, "zorder": 1}),
        f"number {rank + 1}": ((rank,), {"color": COLORS["orange"], "linewidth": 1.0, "zorder": 3}),
        f"the {rank} largest": (range(rank), {"color": COLORS["blue"], "linewidth": 0.8, "zorder": 2}),
    }
    steps = runs.step.where(runs.step >= 0) / 1e3
    for name, (places, look) in looks.items():
        for place in places:
            label = name if place == places[0] else None
            norms = runs.slice_norm.isel(mode=0, slice=place)
            drawn = runs if place < rank else runs.isel(run=[0])  # small slices of every run would hide the rest
            canvas.each_run(panel, drawn, steps, norms, f"slice {place + 1}", label=label, **look)
    canvas.panels[panel].set(xlabel="steps / 1000", ylabel="slice norms", ylim=(0, top))


def _published_start(canvas: Canvas, panel: int, runs: xr.Dataset) -> None:
    """Draw the relative error of Adam from the published init, and from ours."""
    published = runs.learning_rate == PUBLISHED_RATE
    small = runs.target_norm == PUBLISHED_NORM
    groups = {
        "our inits": (~published, {"color": "0.7", "linewidth": 0.7}),
        "published init, norm 125": (published & ~small, {"color": COLORS["orange"], "linewidth": 1.0}),
        f"published init, norm {PUBLISHED_NORM}": (published & small, {"color": COLORS["blue"], "linewidth": 1.6}),
    }
    for name, (wanted, look) in groups.items():
        for place, index in enumerate(np.flatnonzero(wanted)):
            run = runs.isel(run=index)
            series = f"{name}, K = {run.depth.item():.0f}, data seed {run.data_seed.item():.0f}"
            style = {**look, "label": name} if place == 0 else {**look, **PALE}
            canvas.line(panel, run.step.where(run.step >= 0) / 1e3, run.relative_error, series, **style)
    canvas.panels[panel].set(xlabel="steps / 1000", ylabel="relative error", yscale="log")
    canvas.panels[panel].set_ylim(bottom=1e-6)  # room for the legend


def _balance(canvas: Canvas, panel: int, groups: dict[str, tuple[xr.Dataset, dict]]) -> None:
    """Draw the norms of the columns against those of their slices at the end, every mode of every run."""
    for name, (runs, look) in groups.items():
        ends = last(runs)
        slices, columns = ends.slice_norm.to_numpy().ravel(), ends.column_norm.to_numpy().ravel()
        canvas.keep(panel, name, slices, columns)
        canvas.panels[panel].plot(slices, columns, linestyle="none", label=name, **look)
    limits = canvas.panels[panel].get_xlim()
    canvas.line(panel, limits, limits, "equal", color=COLORS["black"], linestyle="--", linewidth=0.6, zorder=0)
    canvas.panels[panel].set(xlabel="slice norm", ylabel="column norm", xscale="log", yscale="log")


def _gaps(canvas: Canvas, panel: int, groups: dict[str, tuple[xr.Dataset, str, str]], rank: int) -> None:
    """Draw by how much the first slice too many is smaller, against depth."""
    for place, (name, (runs, color, marker)) in enumerate(groups.items()):
        depths = runs.depth.to_numpy() + 0.12 * (place - 1)
        canvas.medians(
            panel, depths, slice_gap(runs, rank=rank), name, marker, color=COLORS[color], label=name, linewidth=0.8
        )
    canvas.panels[panel].axhline(1, color="0.5", linestyle=":", linewidth=0.8, zorder=0, label="no gap")
    canvas.panels[panel].set(xlabel="depth K", ylabel=f"slice {rank} / slice {rank + 1}", yscale="log")
    canvas.panels[panel].set_ylim(0.9, 40)  # room for the legend
    canvas.panels[panel].set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    canvas.panels[panel].minorticks_off()


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    rank: PositiveInt = 5,
    fraction: PositiveFloat = 0.7,
    norm_max: PositiveFloat = 2.6,
) -> Canvas:
    """Draw the slices for each depth and for Adam, Adam's start as published, balance, and the gap.

    ``rank`` is that of the target along each mode, ``fraction`` the observed one of the trajectories.
    """
    canvas = Canvas(3, 3, width=width, height=2.1)
    runs, adam = sweeps["deep_tucker"], sweeps["deep_tucker_adam"]
    whole = select(runs, {"observed_fraction": fraction})
    for panel, depth in enumerate(DEPTH_COLORS):
        here = select(whole, {"depth": depth})
        _slices(canvas, panel, here, rank, norm_max if depth else None)
        canvas.title(panel, f"K = {depth}, init {here.core_std.values[0]:g}")
    canvas.panels[1].legend(loc="upper left")

    working = adam.isel(run=np.flatnonzero(adam.learning_rate != PUBLISHED_RATE))
    here = select(working, {"depth": 2})
    _slices(canvas, 5, here, rank, None)
    canvas.title(5, f"Adam, K = 2, init {here.core_std.values[0]:g}")

    _published_start(canvas, 6, adam)
    canvas.title(6, "Adam, K = 1 to 4: errors")
    canvas.panels[6].legend(loc="lower left")

    looks = {"marker": ".", "markersize": 2.5, "zorder": 2}
    balanced = {
        f"K = {depth}": (select(whole, {"depth": depth}), {**looks, "color": COLORS[color]})
        for depth, color in DEPTH_COLORS.items()
        if depth > 0
    }
    other = {"Adam": (working, {**looks, "color": "0.7", "zorder": 1})}
    _balance(canvas, 7, {**other, **balanced})
    canvas.title(7, "columns and slices")
    canvas.panels[7].legend(loc="upper left", markerscale=2, handletextpad=0.1)

    parts = {
        f"{share:.0%} observed": (select(runs, {"observed_fraction": share}), color, marker)
        for share, color, marker in zip(np.unique(runs.observed_fraction)[::-1], ("blue", "sky"), "os", strict=False)
    }
    _gaps(canvas, 8, {**parts, f"Adam, {fraction:.0%}": (working, "orange", "^")}, rank)
    canvas.title(8, "the gap")
    canvas.panels[8].legend(loc="upper left")
    return canvas
