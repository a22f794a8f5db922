"""Component norms of a CP factorization under Huber loss: Razin, Maman & Cohen 2021, appendix."""

from __future__ import annotations

import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import Width
from greedyrank.spectra.selection import select
from razin_2021.common import trajectories_and_errors


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", norm_max: PositiveFloat = 0.85
) -> Canvas:
    """Draw the norms of the largest and the smallest init and the errors of all, one row per threshold."""
    canvas = Canvas(2, 3, width=width, height=2.25)
    runs = sweeps["component_norms_huber"]
    for row, threshold in enumerate(sorted(set(runs.huber_threshold.values.tolist()), reverse=True)):
        here = select(runs, {"huber_threshold": threshold})
        trajectories_and_errors(canvas, 3 * row, here, f"threshold {threshold:g}", norm_max)
    return canvas
