"""Statistics of the component-norm figure of order 3."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.claims.component_norms import (  # noqa: F401  found by name
    components_above,
    error_at_stop,
    gap_growth,
    growth_exponents,
    growth_prefactors,
)


def lowest_error(runs: xr.Dataset) -> np.ndarray:
    """Return the lowest relative error of each run at any record."""
    return runs.relative_error.min("record").to_numpy()
