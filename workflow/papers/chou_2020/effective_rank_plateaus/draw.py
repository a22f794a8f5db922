"""Plateaus of the effective rank, predicted intervals and recovery times: Chou et al. 2020, theorems 2.1 to 3.1."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from chou_2020.effective_rank_plateaus import recovery_draws
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, SMALLEST, Width
from greedyrank.spectra.selection import select
from greedyrank.theory import recovery_times, step_limits

SPECTRA = ("10, 7, 5, -5", "10, 7, 5, 3")
MARKS = {2: ("blue", "o"), 3: ("orange", "s"), 4: ("green", "^")}


def _plateaus(canvas: Canvas, panel: int, runs: xr.Dataset, share: float) -> None:
    """Draw the effective rank of identical and perturbed runs, the predicted heights and intervals."""
    axes = canvas.panels[panel]
    ends = runs.step.max().item()
    heights = recovery_times.plateau_heights(runs.target_eigenvalue[0].to_numpy())
    for place, height in enumerate(heights):
        axes.axhline(height, linestyle="--", linewidth=0.6, color=COLORS["gray"], zorder=0)
        canvas.keep(panel, f"predicted height {place + 1}", [0, ends], [height, height])
    for beta, here in runs.groupby("layer_beta"):
        name, color = ("perturbed", "orange") if beta else ("identical", "blue")
        steps = here.step.where(here.step > 0)
        canvas.each_run(panel, here, steps, here.nuclear_rank, name, color=COLORS[color], label=name)
    first = select(runs, {"layer_beta": 0.0}).isel(run=0)
    depth, alpha, rate = (first[name].item() for name in ("depth", "layer_alpha", "learning_rate"))
    intervals = recovery_times.rank_intervals(first.target_eigenvalue.to_numpy(), int(depth), alpha, rate, share)
    for place, (start, end) in enumerate(intervals):
        if start < end and start < ends:
            x, y = [start, min(end, ends)], [heights[place] - 0.16] * 2
            look = {"linewidth": 4.5, "color": COLORS["sky"], "solid_capstyle": "butt"}
            canvas.line(panel, x, y, f"predicted interval {place + 1}", **look)
    axes.set(xscale="log", xlim=(ends / 200, 1.3 * ends), ylim=(0.7, 4.15))
    axes.set(xlabel="GD steps", ylabel="effective rank")


def _eigenvalues(canvas: Canvas, panel: int, runs: xr.Dataset, share: float) -> None:
    """Draw what is learned of each eigenvalue, and the bounds on the recovery of the positive ones."""
    for beta, here in runs.groupby("layer_beta"):
        run = here.isel(run=0)
        color = COLORS["orange" if beta else "blue"]
        for place, value in enumerate(run.target_eigenvalue.to_numpy()):
            label = "perturbed" if beta else "identical"
            curve = run.learned_eigenvalue.isel(eigenvector=place)
            series = f"eigenvalue {value:.0f}, {label}"
            canvas.line(panel, run.step.where(run.step > 0), curve, series, color=color, label=None if place else label)
            if beta == 0 and value > 0:
                depth, alpha, rate = (run[name].item() for name in ("depth", "layer_alpha", "learning_rate"))
                tolerance = value ** (1 / depth) * (1 - (1 - share) ** (1 / depth))
                bound = recovery_times.recovery_bound(value, int(depth), alpha, rate, tolerance)
                look = {"marker": "v", "color": COLORS["black"], "markersize": 3.5, "linestyle": "none"}
                canvas.line(panel, [bound], [value], f"bound, eigenvalue {value:.0f}", **look)
    ends = runs.step.max().item()
    canvas.panels[panel].set(
        xscale="log", xlim=(ends / 200, 1.3 * ends), xlabel="GD steps", ylabel="learned eigenvalues"
    )
    canvas.panels[panel].legend(loc="center left")


def _bounds(canvas: Canvas, panel: int, draws: xr.Dataset) -> None:
    """Draw the bound over the steps taken, one mark per draw, and the medians of each case."""
    axes = canvas.panels[panel]
    ratio = np.ceil(draws.bound) / draws.steps
    for offset, (depth, (color, marker)) in zip((-0.22, 0, 0.22), MARKS.items(), strict=True):
        here = draws.depth == depth
        for place, case in enumerate(recovery_times.RECOVERY_CASES):
            values = ratio[here & (draws.case == case)].to_numpy()
            canvas.keep(panel, f"{case}, depth {depth}", np.full(len(values), place), values)
            jitter = place + offset + 0.09 * np.linspace(-1, 1, len(values))
            look: dict[str, Any] = {
                "color": COLORS[color],
                "markersize": 1.8,
                "markerfacecolor": "none",
                "markeredgewidth": 0.5,
            }
            label = f"N = {depth}" if place == 0 else None
            axes.plot(jitter, values, marker, linestyle="none", label=label, **look)
    for place, case in enumerate(recovery_times.RECOVERY_CASES):
        middle = ratio[draws.case == case].median().item()
        canvas.keep(panel, f"{case}, median", [place], [middle])
        axes.plot([place - 0.36, place + 0.36], [middle] * 2, color=COLORS["black"], linewidth=1)
        axes.text(place, 9.2, f"{middle:.2f}", ha="center", fontsize=SMALLEST)
    axes.axhline(1, linestyle="--", linewidth=0.8, color=COLORS["black"], zorder=0)
    axes.set(yscale="log", ylim=(0.8, 12), ylabel="bound / steps taken")
    axes.set_xticks(
        range(len(recovery_times.RECOVERY_CASES)), recovery_times.RECOVERY_CASES, fontsize=SMALLEST, rotation=90
    )
    axes.set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    axes.minorticks_off()
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.9), handletextpad=0.2, borderaxespad=0.2)


def _emptiness(canvas: Canvas, panel: int, eigenvalues: np.ndarray, alpha: float, share: float) -> None:
    """Draw how much later than its start each interval ends, against the step size."""
    fractions = np.geomspace(1e-3, 1, 40, endpoint=False)
    for depth, (color, _) in MARKS.items():
        rates = fractions * step_limits.limit(eigenvalues, depth, alpha)
        found = np.array([recovery_times.rank_intervals(eigenvalues, depth, alpha, rate, share)[:2] for rate in rates])
        for place, style in enumerate(("-", ":")):
            ratio = found[:, place, 1] / found[:, place, 0]
            look = {"color": COLORS[color], "linestyle": style, "label": None if place else f"N = {depth}"}
            canvas.line(panel, fractions, ratio, f"depth {depth}, interval {place + 1}", **look)
    canvas.panels[panel].axhline(1, linestyle="--", linewidth=0.8, color=COLORS["black"], zorder=0)
    canvas.panels[panel].set(
        xscale="log", ylim=(0, 2), xlabel="step size / its limit", ylabel="end / start of the interval"
    )
    canvas.panels[panel].legend(loc="upper right")


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    share: PositiveFloat = 0.05,
    draws: PositiveInt = 40,
    draws_seed: NonNegativeInt = 0,
) -> Canvas:
    """Draw the plateaus for each depth and spectrum, one run's eigenvalues, the bounds, the intervals.

    ``share`` is how much of an eigenvalue the intervals leave unrecovered; ``draws`` are taken for
    each depth and each case of the bound.
    """
    canvas = Canvas(3, 3, width=width, height=2.05)
    runs = sweeps["effective_rank_plateaus"]
    for row, spectrum in enumerate(SPECTRA):
        for column, depth in enumerate((2, 3, 4)):
            panel = 3 * row + column
            _plateaus(canvas, panel, select(runs, {"depth": depth, "target_spectrum": spectrum}), share)
            canvas.title(panel, f"N = {depth}: {spectrum}")
    canvas.panels[0].plot([], [], color=COLORS["sky"], linewidth=4.5, label="predicted")
    canvas.panels[0].legend(loc="upper right")
    mixed = select(runs, {"depth": 3, "target_spectrum": SPECTRA[0]})
    _eigenvalues(canvas, 6, mixed, share)
    canvas.title(6, f"N = 3: {SPECTRA[0]}")
    _bounds(canvas, 7, recovery_draws.draw(tuple(MARKS), draws, draws_seed))
    canvas.title(7, f"{5 * len(MARKS) * draws} random draws, medians")
    _emptiness(canvas, 8, mixed.target_eigenvalue[0].to_numpy(), mixed.layer_alpha[0].item(), share)
    canvas.title(8, "intervals: empty below 1")
    return canvas
