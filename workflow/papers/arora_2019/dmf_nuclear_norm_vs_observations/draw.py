"""Nuclear norm and effective rank against the number of observations: Arora et al. 2019, Fig. 2."""

from __future__ import annotations

import numpy as np
import xarray as xr

from arora_2019.common import compare
from greedyrank.figures import reductions
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select

SMALLER = ((0.5, COLORS["sky"], "v"), (0.25, COLORS["gray"], "<"))


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw error, nuclear norm and effective rank, one row for each target rank."""
    runs = last(sweeps["dmf_observations"])
    std = float(runs.product_std.max())
    ranks, left_out = np.unique(runs.target_rank), reductions.in_full(runs, "observations")
    canvas = Canvas(len(ranks), 3, width=width, height=2.2)
    for row, rank in enumerate(ranks):
        here = select(runs, {"target_rank": float(rank), "product_std": std})
        compare(canvas, row, here, here.observations, f"rank {rank:.0f}", left_out)
        canvas.panels[3 * row + 1].set_yscale("symlog", linthresh=1)
        for factor, color, marker in SMALLER:
            some = select(runs, {"target_rank": float(rank), "product_std": factor * std, "depth": 2})
            for panel, variable in ((3 * row, "relative_squared_error"), (3 * row + 2, "effective_rank")):
                if some.sizes["run"]:
                    name = f"depth 2, init times {factor:g}"
                    canvas.medians(
                        panel,
                        some.observations,
                        some[variable],
                        name,
                        marker,
                        color=color,
                        label=name,
                        left_out=left_out,
                    )
        for panel in range(3 * row, 3 * row + 3):
            canvas.panels[panel].set_xlabel("entries of 10,000")
    canvas.legend_above(*canvas.panels[2].get_legend_handles_labels(), columns=5)
    return canvas
