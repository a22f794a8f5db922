"""Reconstruction error against the number of observations: Arora et al. 2019, Fig. 1."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from arora_2019.common import DEPTHS, MINIMUM
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import Width
from greedyrank.spectra.selection import last, select


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", error_min: PositiveFloat = 1e-7
) -> Canvas:
    """Draw the error of every depth and of the minimum-nuclear-norm solution, one panel for each target rank."""
    runs = last(sweeps["dmf_observations"])
    runs = select(runs, {"product_std": float(runs.product_std.max())})
    ranks = np.unique(runs.target_rank)
    canvas = Canvas(1, len(ranks), width=width, height=2.6, sharey=True)
    for panel, rank in enumerate(ranks):
        here = select(runs, {"target_rank": float(rank)})
        for depth, style in DEPTHS.items():
            some = select(here, {"depth": depth})
            if some.sizes["run"]:
                name = f"depth {depth}"
                canvas.medians(panel, some.observations, some.relative_squared_error, name, label=name, **style)
        name = "minimum nuclear norm"
        canvas.medians(panel, here.observations, here.minimum_error, name, label=name, **MINIMUM)
        canvas.panels[panel].axhline(1.0, color="0.8", linewidth=0.8, zorder=0)
        canvas.title(panel, f"rank {rank:.0f}")
        canvas.panels[panel].set(xlabel="observed entries of 10,000", yscale="log", ylim=(error_min, 10))
    canvas.panels[0].set_ylabel(r"$\|W - W^*\|_F^2\,/\,\|W^*\|_F^2$")
    canvas.panels[-1].legend(loc="upper right")
    return canvas
