"""Singular values emerge one after another: Arora et al. 2019, Fig. 3, synthetic row."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width, rank_colors
from greedyrank.spectra.selection import select


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", growth_floor: PositiveFloat = 1e-3
) -> Canvas:
    """Draw the ten largest singular values for each depth, the alignment, and the growth law."""
    canvas = Canvas(2, 3, width=width, height=2.25)
    runs = select(sweeps["singular_values"], {"replacement": False})
    for panel, depth in enumerate((1, 2, 3, 4)):
        here = select(runs, {"depth": depth})
        steps = here.step.where(here.step >= 0) / 1e3
        for component, color in enumerate(rank_colors(here.sizes["component"])):
            values = here.singular_value.isel(component=component)
            canvas.each_run(panel, here, steps, values, f"sigma {component + 1}", color=color)
        ends = published.get("final", {}).get(str(depth), [])
        if len(ends):
            at = published["steps"][str(depth)] / 1e3
            canvas.published(panel, [at] * len(ends), ends)
        canvas.title(panel, f"depth {depth}" + (" (ours)" if depth == 4 else ""))
        canvas.panels[panel].set(xlabel="GD steps / 1000", ylabel="singular values", ylim=(-2, None))

    canvas.legend_of_ranks(0, rank_colors(runs.sizes["component"]), "singular value", loc="upper left")

    here = select(runs, {"depth": 2})
    for variable, color, name in (
        ("alignment_diagonal", "blue", "diagonal"),
        ("alignment_other", "orange", "off-diagonal"),
    ):
        steps = here.step.where(here.step > 0) / 1e3
        canvas.each_run(4, here, steps, here[variable], name, color=COLORS[color], label=name)
    if "alignment" in published:
        x, y = zip(*published["alignment"], strict=True)
        canvas.published(4, x, y)
    canvas.title(4, "alignment, depth 2")
    canvas.panels[4].set(xlabel="GD steps / 1000", ylabel="mean entry of the gradient", yscale="log")
    canvas.panels[4].legend()

    # Hollow markers of three sizes: the depths lie on one line and would hide each other.
    for depth, color, marker, size in ((2, "blue", "o", 7), (3, "orange", "s", 4), (4, "green", "^", 2)):
        here = select(runs, {"depth": depth})
        for index in range(here.sizes["run"]):
            run = here.isel(run=index)
            predicted, rate = run.growth_predicted.to_numpy().ravel(), run.growth_rate.to_numpy().ravel()
            clear = (predicted > growth_floor * np.nanmax(predicted)) & (rate > 0)
            canvas.keep(5, f"depth {depth}, data seed {run.data_seed.item():.0f}", predicted[clear], rate[clear])
            canvas.panels[5].plot(
                predicted[clear],
                rate[clear],
                marker,
                color=COLORS[color],
                markersize=size,
                markerfacecolor="none",
                markeredgewidth=0.6,
                linestyle="none",
                label=f"depth {depth}" if index == 0 else None,
            )
    canvas.panels[5].set(xscale="log", yscale="log")
    low, high = canvas.panels[5].get_xlim()
    canvas.panels[5].plot([low, high], [low, high], "--", color=COLORS["black"], linewidth=0.8, zorder=0)
    canvas.title(5, "the growth law")
    canvas.panels[5].set(xlabel="rate by the theorem", ylabel="measured rate")
    canvas.panels[5].legend()
    return canvas
