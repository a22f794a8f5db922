"""Statistics of the errors against init."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import along, last


def init_ratio(runs: xr.Dataset, *, large: float, small: float) -> np.ndarray:
    """Return the error from one init over that from a smaller one, for each data seed."""
    return np.array(
        [pair[0] / pair[1] for pair in along(last(runs).relative_squared_error, "product_std", [large, small])]
    )
