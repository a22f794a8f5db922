"""Statistics of the three inits: heights at which the entry flattens, and where a published one lies among them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import select
from razin_cohen_2020.common import last_entry


def share_below(runs: xr.Dataset, *, height: float) -> float:
    """Return the share of the runs that end below a height."""
    return float(np.mean(last_entry(runs) < height))


def outermost_share(runs: xr.Dataset, *, points: list) -> float:
    """Return how far out the most extreme of several published heights lies: 1/2 in the middle, 0 outside.

    ``points`` has the pairs (product_std, height).
    """
    shares = [share_below(select(runs, {"product_std": std}), height=height) for std, height in points]
    return min(min(share, 1 - share) for share in shares)


def height_ratio(runs: xr.Dataset, *, larger: float, smaller: float) -> np.ndarray:
    """Return, for each seed, the height at the smaller of two inits over that at the larger."""
    pair = [select(runs, {"product_std": std}).sortby("seed") for std in (larger, smaller)]
    return last_entry(pair[1]) / last_entry(pair[0])
