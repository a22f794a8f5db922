"""Component norms of a CP factorization of order 3: Razin, Maman & Cohen 2021, appendix."""

from __future__ import annotations

import xarray as xr

from greedyrank.figures.component_norms import dynamics
from greedyrank.style import Canvas


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: str = "text",
    learned: float = 0.01,
    share: float = 0.05,
    norm_max: float = 0.85,
) -> Canvas:
    """Draw the norms for each of three inits, the errors of all, the growth law and the norms at the stop."""
    runs = sweeps["component_norms_order3"]
    return dynamics(runs, published, order=3, width=width, learned=learned, share=share, norm_max=norm_max)
