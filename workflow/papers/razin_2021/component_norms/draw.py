"""Component norms of a CP factorization emerge one after another: Razin, Maman & Cohen 2021, Fig. 3."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.claims.statistics import growing
from greedyrank.figures.canvas import PALE, Canvas
from greedyrank.figures.style import COLORS, Width, rank_colors
from greedyrank.spectra.selection import at_stop, select
from greedyrank.theory import growth_laws
from razin_2021.common import INIT_COLORS, errors, inits, trajectories


def growth_law(canvas: Canvas, panel: int, runs: xr.Dataset, order: int, learned: float, share: float) -> None:
    """Draw rate / gamma against the norm for every component that leaves zero, while it grows."""
    colors = rank_colors(runs.sizes["component"])
    for run, component, sigma, gamma, rate in growing(runs, start=1.0, learned=learned, share=share):
        series = f"component {component + 1}, data seed {runs.data_seed.values[run]:.0f}"
        canvas.keep(panel, series, sigma, rate / gamma)
        canvas.panels[panel].plot(sigma, rate / gamma, ".", color=colors[component], markersize=3)
    canvas.panels[panel].set(xscale="log", yscale="log")
    sigma = np.geomspace(max(canvas.panels[panel].get_xlim()[0], 1e-12), canvas.panels[panel].get_xlim()[1], 50)
    law = growth_laws.component_growth(sigma, np.ones_like(sigma), order)
    power = Fraction(2 * order - 2, order)
    canvas.line(
        panel,
        sigma,
        law,
        f"{order} sigma^({power})",
        color=COLORS["black"],
        linestyle="--",
        linewidth=0.8,
        label=rf"${order}\,\sigma^{{{power}}}$",
    )
    canvas.panels[panel].set(xlabel=r"component norm $\sigma$", ylabel=r"growth rate / $\gamma$")
    canvas.panels[panel].legend()


def end_norms(canvas: Canvas, panel: int, runs: xr.Dataset, learned: float) -> None:
    """Draw the ten largest norms at the stopping rule against their rank, one colour per init."""
    for std, color in zip(inits(runs), INIT_COLORS, strict=False):
        final = at_stop(select(runs, {"factor_std": std})).component_norm
        for index in range(final.sizes["run"]):
            ranks = np.arange(1, final.sizes["component"] + 1)
            series = f"init {std:g}, data seed {final.data_seed.values[index]:.0f}"
            look = PALE if index else {"marker": "o", "markersize": 3, "linewidth": 0.9, "label": f"init {std:g}"}
            canvas.line(panel, ranks, np.maximum(final[index], 1e-6), series, color=COLORS[color], **look)
    canvas.panels[panel].axhline(learned, color="0.5", linewidth=0.8, linestyle=":", zorder=0, label=f"{learned:g}")
    canvas.panels[panel].set(xlabel="component", ylabel="component norm", yscale="log", xticks=range(1, 11))


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    learned: PositiveFloat = 0.01,
    share: PositiveFloat = 0.05,
    norm_max: PositiveFloat = 0.85,
) -> Canvas:
    """Draw the norms for each of three inits, the errors of all, the growth law and the norms at the stop."""
    (runs,) = sweeps.values()
    order = len(str(runs["shape"].values[0]).split("x"))
    canvas = Canvas(2, 3, width=width, height=2.25)
    stds = inits(runs)
    for panel, (std, color) in enumerate(zip(stds, INIT_COLORS, strict=False)):
        here = select(runs, {"factor_std": std})
        trajectories(canvas, panel, here, published, norm_max)
        errors(canvas, 3, here, color, published)
    canvas.title(3, "reconstruction error")
    growth_law(canvas, 4, select(runs, {"factor_std": stds[-1]}), order, learned, share)
    canvas.title(4, f"growth law, init {stds[-1]:g}")
    end_norms(canvas, 5, runs, learned)
    canvas.title(5, "at the published stop")
    canvas.panels[5].legend(loc="lower left")
    canvas.legend_of_ranks(0, rank_colors(runs.sizes["component"]), "component", loc="upper right", ncols=3)
    return canvas
