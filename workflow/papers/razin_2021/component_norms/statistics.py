"""Statistics of the CP component-norm figure."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import at_stop, last


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


def norm_at_stop(runs: xr.Dataset, *, index: int) -> np.ndarray:
    """Return component norm ``index`` (counted from 1) at the published stop."""
    return at_stop(runs).component_norm.isel(component=index - 1).to_numpy()


def onset(runs: xr.Dataset, *, index: int, threshold: float) -> np.ndarray:
    """Return the first recorded step at which component norm ``index`` (counted from 1) exceeds a threshold.

    Infinite for a run in which it never does.
    """
    above = runs.component_norm.isel(component=index - 1) > threshold
    return runs.step.isel(record=above.argmax("record")).where(above.any("record"), np.inf).to_numpy()


def plateaus_over_published(runs: xr.Dataset, *, plateaus: list, begun: float) -> np.ndarray:
    """Return the error before each component but the first leaves zero over a published one, medians over the runs.

    Before component k + 1 leaves zero: at the last record at which its norm is below ``begun`` times its norm at the
    stop. ``plateaus`` are the published errors for k = 1, 2, ...
    """
    ratios = []
    for k, published in enumerate(plateaus, start=1):
        norm = runs.component_norm.isel(component=k)
        begins = (norm >= begun * at_stop(runs).component_norm.isel(component=k)).argmax("record")
        ratios.append(float(runs.relative_error.isel(record=np.maximum(begins - 1, 0)).median()) / published)
    return np.array(ratios)
