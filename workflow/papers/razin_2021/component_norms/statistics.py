"""Statistics of the CP component-norm figure."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.claims.statistics import growing
from greedyrank.spectra.selection import last


def _median_error(runs: xr.Dataset, first: xr.DataArray, last: xr.DataArray) -> np.ndarray:
    inside = (runs.step > first) & (runs.step <= last)
    return runs.relative_error.where(inside).median("record").to_numpy()


def error_after_smaller_steps(runs: xr.Dataset, *, steps: int) -> np.ndarray:
    """Return the error at the end of the finish over the median of the last ``steps`` steps before the stop."""
    before = _median_error(runs, runs.stop_step - steps, runs.stop_step)
    return last(runs).relative_error.to_numpy() / before


def error_after_equal_steps(runs: xr.Dataset, *, steps: int) -> np.ndarray:
    """Return the median error of the last ``steps`` steps before the stop over that of as many steps before these."""
    late = _median_error(runs, runs.stop_step - steps, runs.stop_step)
    return late / _median_error(runs, runs.stop_step - 2 * steps, runs.stop_step - steps)


def growth_exponents(
    runs: xr.Dataset, *, start: float, learned: float, share: float, divide_by_gamma: bool
) -> np.ndarray:
    """Return the slope of log(rate / gamma) against log(sigma), one for each learned component."""
    return np.array(
        [
            np.polyfit(np.log(sigma), np.log(rate / gamma if divide_by_gamma else rate), 1)[0]
            for _, _, sigma, gamma, rate in growing(runs, start=start, learned=learned, share=share)
        ]
    )


def growth_prefactors(runs: xr.Dataset, *, start: float, learned: float, share: float, order: float) -> np.ndarray:
    """Return the median of rate / (gamma sigma^(2 - 2/order)), one for each learned component."""
    return np.array(
        [
            np.median(rate / (gamma * sigma ** (2 - 2 / order)))
            for _, _, sigma, gamma, rate in growing(runs, start=start, learned=learned, share=share)
        ]
    )
