"""Statistics of the errors against the number of observations, at the end of each run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from arora_2019.common import error, minimum_error
from greedyrank.spectra.selection import along, last


def error_over_minimum(runs: xr.Dataset) -> np.ndarray:
    """Return the reconstruction error over that of the solution of minimum nuclear norm."""
    return error(runs) / minimum_error(runs)


def depth_ratio(runs: xr.Dataset, *, shallow: float, deep: float) -> np.ndarray:
    """Return the error at one depth over that at another, for each data seed and init."""
    errors = last(runs).relative_squared_error
    ratios = []
    for std in np.unique(runs.product_std):
        ratios += [pair[0] / pair[1] for pair in along(errors[runs.product_std == std], "depth", [shallow, deep])]
    return np.array(ratios)
