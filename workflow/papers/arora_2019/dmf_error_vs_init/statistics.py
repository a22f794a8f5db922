"""Statistics of the errors against init."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import along, last


def error_ratio(runs: xr.Dataset, *, setting: str, of: float, over: float) -> np.ndarray:
    """Return the error at one value of a setting over that at another, for each data seed."""
    return np.array([pair[0] / pair[1] for pair in along(last(runs).relative_squared_error, setting, [of, over])])
