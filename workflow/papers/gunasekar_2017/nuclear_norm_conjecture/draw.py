"""Does gradient descent on U U^T find the minimum nuclear norm? Gunasekar et al. 2017."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS
from gunasekar_2017.nuclear_norm_conjecture.statistics import relative_gap, target_over_minimum

SWEEPS = {
    "conjecture_sensing": ("Gaussian sensing", {"color": COLORS["blue"], "marker": "o"}),
    "conjecture_completion": ("completion", {"color": COLORS["orange"], "marker": "^"}),
    "conjecture_commuting": ("commuting measurements", {"color": COLORS["green"], "marker": "s"}),
}


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: str = "text", gap_min: float = 1e-4, gap_max: float = 3.0
) -> Canvas:
    """Draw the relative gap between gradient descent and the minimum against init, one panel for each case."""
    canvas = Canvas(1, 3, width=width, height=2.6, sharey=True)
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
            canvas.medians(panel, here.factor_norm, gaps, label, label=label, **style)
            level = np.maximum(np.median(target_over_minimum(here)), gap_min)
            canvas.panels[panel].axhline(level, color=style["color"], linestyle=":", linewidth=0.9)
            canvas.keep(panel, f"{label}: target above the minimum", [np.nan], [level])
        canvas.title(panel, title)
        canvas.panels[panel].set(xscale="log", yscale="log", xlabel=r"$\|U(0)\|_F$", ylim=(gap_min / 1.5, gap_max))
        canvas.panels[panel].legend(loc="upper left")
    canvas.panels[0].set_ylabel(r"$\|W\|_*\,/\,\min\|X\|_* - 1$")
    return canvas
