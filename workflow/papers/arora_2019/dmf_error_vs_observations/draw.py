"""Reconstruction error against the number of observations: Arora et al. 2019, Fig. 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from arora_2019.common import DEPTHS, MINIMUM
from greedyrank.figures import reductions
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import Width
from greedyrank.spectra.selection import last, select


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", error_min: PositiveFloat = 1e-7
) -> Canvas:
    """Draw the error of every depth and of the minimum-nuclear-norm solution, one panel for each target rank."""
    runs = last(sweeps["dmf_observations"])
    runs = select(runs, {"product_std": float(runs.product_std.max())})
    ranks, left_out = np.unique(runs.target_rank), reductions.in_full(runs, "observations")
    canvas = Canvas(1, len(ranks), width=width, height=2.6, sharey=True)
    for panel, rank in enumerate(ranks):
        here = select(runs, {"target_rank": float(rank)})
        for depth, style in DEPTHS.items():
            some = select(here, {"depth": depth})
            if some.sizes["run"]:
                name = f"depth {depth}"
                look: dict[str, Any] = {"label": name, "capped": canvas.shows(some), "left_out": left_out, **style}
                canvas.medians(panel, some.observations, some.relative_squared_error, name, **look)
        name = "minimum nuclear norm"
        canvas.medians(panel, here.observations, here.minimum_error, name, label=name, left_out=left_out, **MINIMUM)
        canvas.panels[panel].axhline(1.0, color="0.5", linewidth=0.8, linestyle=":", zorder=0, label="zero matrix")
        canvas.title(panel, f"rank {rank:.0f}")
        canvas.panels[panel].set(xlabel="observed entries of 10,000", yscale="log", ylim=(error_min, 30))
    canvas.panels[0].set_ylabel("relative squared error")
    canvas.panels[-1].legend(loc="upper right")
    return canvas
