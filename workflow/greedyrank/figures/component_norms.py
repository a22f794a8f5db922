"""Component norms of a CP factorization emerge one after another: Razin, Maman & Cohen 2021, Fig. 3."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank import theory
from greedyrank.claims.component_norms import growing
from greedyrank.selection import at_stop, select
from greedyrank.style import COLORS, LINES, Canvas, rank_colors

INIT_COLORS = ("orange", "green", "blue")


def _trajectories(canvas: Canvas, panel: int, runs: xr.Dataset, published: dict, norm_max: float) -> None:
    """Draw the ten largest norms up to the published stop, one line style a data seed."""
    std = f"{runs.factor_std.values[0]:g}"
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        before = (run.step >= 0) & (run.step <= run.stop_step)
        for component, color in enumerate(rank_colors(run.sizes["component"])):
            canvas.line(
                panel,
                run.step.where(before) / 1e3,
                run.component_norm.isel(component=component),
                f"norm {component + 1}, data seed {run.data_seed.item():.0f}",
                color=color,
                linestyle=LINES[index % len(LINES)],
                linewidth=1.2 if index == 0 else 0.7,
            )
    for index in np.flatnonzero(runs.component_norm.max(("record", "component")) > norm_max):
        peak = float(runs.component_norm[index].max())
        text = f"data seed {runs.data_seed.values[index]:.0f} peaks at {peak:.1f}"
        canvas.panels[panel].text(
            0.98, 0.99, text, transform=canvas.panels[panel].transAxes, ha="right", va="top", size=7
        )
    if std in published.get("final", {}):
        norms = published["final"][std]
        at = [published["iterations"][std] / 1e3] * len(norms)
        canvas.published(panel, at, norms, markersize=4)
    canvas.title(panel, f"init {std}")
    canvas.panels[panel].set(xlabel="iterations / 1000", ylabel="component norms", ylim=(-0.02, norm_max))


def _errors(canvas: Canvas, panel: int, runs: xr.Dataset, color: str, published: dict) -> None:
    """Draw the errors, thick up to the published stop and thin through the finish after it."""
    std = f"{runs.factor_std.values[0]:g}"
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        style = {"color": COLORS[color], "linestyle": LINES[index % len(LINES)]}
        for part, where, width in (
            ("to the stop", (run.step >= 0) & (run.step <= run.stop_step), 1.0),
            ("smaller steps", run.step >= run.stop_step, 0.5),
        ):
            series = f"init {std}, data seed {run.data_seed.item():.0f}, {part}"
            label = f"init {std}" if index == 0 and width == 1.0 else None
            canvas.line(
                panel, run.step.where(where) / 1e3, run.relative_error, series, linewidth=width, label=label, **style
            )
    if std in published.get("error", {}):
        at, error = published["iterations"][std] / 1e3, published["error"][std]
        canvas.published(panel, [at], [error], f"init {std}, published", color=COLORS[color], alpha=0.4, markersize=4)


def _growth(canvas: Canvas, panel: int, runs: xr.Dataset, learned: float, share: float) -> None:
    """Draw rate / gamma against the norm for every component that leaves zero, while it grows."""
    colors = rank_colors(runs.sizes["component"])
    for run, component, sigma, gamma, rate in growing(runs, start=1.0, learned=learned, share=share):
        series = f"component {component + 1}, data seed {runs.data_seed.values[run]:.0f}"
        canvas.keep(panel, series, sigma, rate / gamma)
        canvas.panels[panel].plot(sigma, rate / gamma, ".", color=colors[component], markersize=3)
    canvas.panels[panel].set(xscale="log", yscale="log")
    sigma = np.geomspace(max(canvas.panels[panel].get_xlim()[0], 1e-12), canvas.panels[panel].get_xlim()[1], 50)
    law = theory.component_growth(sigma, np.ones_like(sigma), order=4)
    canvas.line(
        panel,
        sigma,
        law,
        "4 sigma^1.5",
        color=COLORS["black"],
        linestyle="--",
        linewidth=0.8,
        label=r"$4\,\sigma^{3/2}$",
    )


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: str = "text",
    learned: float = 0.01,
    share: float = 0.05,
    norm_max: float = 0.85,
) -> Canvas:
    """Draw the norms for each init, the errors of all, and the growth law of the smallest init."""
    canvas = Canvas(2, 3, width=width, height=2.25)
    runs = sweeps["component_norms"]
    stds = sorted(set(runs.factor_std.values), reverse=True)
    for panel, (std, color) in enumerate(zip(stds, INIT_COLORS, strict=False)):
        here = select(runs, {"factor_std": float(std)})
        _trajectories(canvas, panel, here, published, norm_max)
        _errors(canvas, 3, here, color, published)
    canvas.title(3, "reconstruction error")
    canvas.panels[3].set(xlabel="iterations / 1000", ylabel=r"$\|W - W^*\|\,/\,\|W^*\|$", yscale="log")

    smallest = select(runs, {"factor_std": float(stds[-1])})
    _growth(canvas, 4, smallest, learned, share)
    canvas.title(4, f"growth law, init {stds[-1]:g}")
    canvas.panels[4].set(xlabel=r"component norm $\sigma$", ylabel=r"$(d\sigma/dt)\,/\,\gamma$")
    canvas.panels[4].legend()

    for std, color in zip(stds, INIT_COLORS, strict=False):
        here = select(runs, {"factor_std": float(std)})
        final = at_stop(here).component_norm
        for index in range(final.sizes["run"]):
            ranks = np.arange(1, final.sizes["component"] + 1)
            series = f"init {std:g}, data seed {final.data_seed.values[index]:.0f}"
            label = f"init {std:g}" if index == 0 else None
            style = {"color": COLORS[color], "marker": "o", "markersize": 3, "linestyle": LINES[index % len(LINES)]}
            canvas.line(5, ranks, np.maximum(final[index], 1e-6), series, linewidth=0.8, label=label, **style)
    canvas.panels[5].axhline(learned, color="0.7", linewidth=0.8, zorder=0)
    canvas.title(5, "at the published stop")
    canvas.panels[5].set(xlabel="component", ylabel="component norm", yscale="log", xticks=range(1, 11))
    canvas.panels[5].legend(loc="lower left")
    return canvas
