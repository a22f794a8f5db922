"""Statistics of the three inits: by how much the entry grows further from a smaller one."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import select
from razin_cohen_2020.common import last_entry


def height_ratio(runs: xr.Dataset, *, larger: float, smaller: float) -> np.ndarray:
    """Return, for each seed, the height at the smaller of two inits over that at the larger."""
    pair = [select(runs, {"product_std": std}).sortby("seed") for std in (larger, smaller)]
    return last_entry(pair[1]) / last_entry(pair[0])
