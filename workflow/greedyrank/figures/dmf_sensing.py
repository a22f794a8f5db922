"""Deep matrix factorizations in matrix sensing: Arora et al. 2019, appendix."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.figures.dmf_error_vs_init import initial_norm
from greedyrank.figures.dmf_nuclear_norm_vs_init import compare
from greedyrank.selection import last, select
from greedyrank.style import Canvas

PUBLISHED_SIZE = 100


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: str = "text") -> Canvas:
    """Draw error, nuclear norm and effective rank, one row for each number of measurements."""
    runs = last(sweeps["dmf_sensing"])
    runs = select(runs, {"learning_rate": float(runs.learning_rate.max())})
    if (size := float(runs.target_norm[0])) < PUBLISHED_SIZE:
        canvas_remark = f"{size:.0f}x{size:.0f} matrices, published {PUBLISHED_SIZE}x{PUBLISHED_SIZE}"
    else:
        canvas_remark = None
    counts = np.unique(runs.measurements)
    canvas = Canvas(len(counts), 3, width=width, height=2.3)
    canvas.remarks += [canvas_remark] if canvas_remark else []
    for row, count in enumerate(counts):
        here = select(runs, {"measurements": float(count)})
        compare(canvas, row, here, initial_norm(here), f"{count:.0f} measurements")
        for panel in range(3 * row, 3 * row + 3):
            canvas.panels[panel].set(xscale="log", xlabel=r"$\|W(0)\|_F$")
    canvas.panels[2].legend(loc="upper left")
    return canvas
