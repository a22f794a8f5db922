"""Does gradient descent on U U^T find the minimum nuclear norm? Gunasekar et al. 2017."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select
from gunasekar_2017.nuclear_norm_conjecture.statistics import relative_gap, target_over_minimum

SWEEPS = {
    "conjecture_sensing": ("Gaussian sensing", {"color": COLORS["blue"], "marker": "o"}),
    "conjecture_completion": ("completion", {"color": COLORS["orange"], "marker": "^"}),
    "conjecture_commuting": ("commuting", {"color": COLORS["green"], "marker": "s"}),
}


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    gap_min: PositiveFloat = 1e-4,
    gap_max: PositiveFloat = 3.0,
) -> Canvas:
    """Draw the relative gap to the minimum against init, one panel for each case, columns of U, and step size."""
    canvas = Canvas(2, 3, width=width, height=2.4)
    panels = (
        ("rank 2", ("conjecture_sensing", "conjecture_completion"), np.isnan),
        (r"eigenvalues $k^{-1.5}$", ("conjecture_sensing", "conjecture_completion"), np.isfinite),
        ("commuting: the theorem", ("conjecture_commuting",), np.isfinite),
    )
    for panel, (title, names, of_this) in enumerate(panels):
        for name in names:
            runs = sweeps[name]
            here = runs.isel(run=np.flatnonzero(of_this(runs.target_decay)))
            label, style = SWEEPS[name]
            # On a logarithmic axis a gap within the minimum's own certificate is drawn at its level.
            gaps = np.maximum(relative_gap(here), gap_min)
            canvas.medians(panel, here.factor_norm, gaps, label, label=label, capped=canvas.shows(here), **style)
            level = np.maximum(np.median(target_over_minimum(here)), gap_min)
            canvas.panels[panel].axhline(level, color=style["color"], linestyle=":", linewidth=0.9)
            canvas.keep(panel, f"{label}: target above the minimum", [np.nan], [level])
        canvas.panels[panel].plot([], [], ":", color="0.5", linewidth=0.9, label="target")
        canvas.title(panel, title)
        canvas.panels[panel].set(xscale="log", yscale="log", xlabel=r"$\|U(0)\|_F$", ylim=(gap_min / 1.5, gap_max))
        canvas.panels[panel].legend(loc="upper left")
    _draw_columns(canvas, sweeps["conjecture_columns"], gap_min)
    steps = sweeps["conjecture_step_sizes"]
    label, style = SWEEPS["conjecture_completion"]
    canvas.medians(5, steps.learning_rate, relative_gap(steps), label, label=label, capped=canvas.shows(steps), **style)
    canvas.title(5, "step size, as in (b)")
    canvas.panels[5].set(xscale="log", yscale="log", xlabel="step size", ylim=(gap_min / 1.5, gap_max))
    canvas.panels[5].legend(loc="upper left")
    for panel in (0, 1, 2, 4, 5):
        canvas.panels[panel].set_ylabel("gap to the minimum")
    return canvas


def _draw_columns(canvas: Canvas, runs: xr.Dataset, gap_min: float) -> None:
    """Draw error and gap against the number of columns of U, one line for each init."""
    looks = ({"color": COLORS["blue"], "marker": "o"}, {"color": COLORS["orange"], "marker": "^"})
    for norm, style in zip(np.unique(runs.factor_norm), looks, strict=True):
        here = select(runs, {"factor_norm": float(norm)})
        name, capped = f"init {norm:g}", canvas.shows(here)
        canvas.medians(3, here.columns, last(here).relative_error, name, label=name, capped=capped, **style)
        gaps = np.maximum(relative_gap(here), gap_min)
        canvas.medians(4, here.columns, gaps, name, label=name, capped=capped, **style)
    for panel, title in ((3, "error, rank 2, sensing"), (4, "gap, rank 2, sensing")):
        canvas.title(panel, title)
        canvas.panels[panel].set(xscale="log", yscale="log", xlabel="columns of U")
        canvas.panels[panel].legend()
    canvas.panels[3].set_ylabel("relative error")
