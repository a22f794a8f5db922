"""Component norms of a CP factorization in tensor sensing: Razin, Maman & Cohen 2021, appendix."""

from __future__ import annotations

import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import Width
from greedyrank.spectra.selection import select
from razin_2021.common import trajectories_and_errors

ENSEMBLES = {"gaussian": "dense", "rank_one": "rank-one"}


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", norm_max: PositiveFloat = 0.85
) -> Canvas:
    """Draw the norms of the largest and the smallest init and the errors of all, one row per kind of A_i."""
    canvas = Canvas(2, 3, width=width, height=2.25)
    for row, (ensemble, name) in enumerate(ENSEMBLES.items()):
        runs = select(sweeps["component_norms_sensing"], {"ensemble": ensemble})
        trajectories_and_errors(canvas, 3 * row, runs, f"{name} $A_i$", norm_max)
    return canvas
