"""Deep matrix factorizations in matrix sensing: Arora et al. 2019, appendix."""

from __future__ import annotations

import numpy as np
import xarray as xr

from arora_2019.common import compare, initial_norm, inits_in_full
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import Width
from greedyrank.spectra.selection import last, select


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw error, nuclear norm and effective rank, one row for each number of measurements."""
    runs = last(sweeps["dmf_sensing"])
    runs = select(runs, {"learning_rate": float(runs.learning_rate.max())})
    counts = np.unique(runs.measurements)
    canvas = Canvas(len(counts), 3, width=width, height=2.3)
    for row, count in enumerate(counts):
        here = select(runs, {"measurements": float(count)})
        compare(canvas, row, here, initial_norm(here), f"{count:.0f} measurements", inits_in_full(runs))
        for panel in range(3 * row, 3 * row + 3):
            canvas.panels[panel].set(xscale="log", xlabel=r"$\|W(0)\|_F$")
    canvas.legend_above(*canvas.panels[2].get_legend_handles_labels(), columns=4)
    return canvas
