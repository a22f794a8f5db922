"""Statistics of the MovieLens figure."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from arora_2019.singular_values.statistics import diagonal_over_other, largest_ratio
from greedyrank.spectra.selection import last


def final_value(runs: xr.Dataset, *, index: int) -> np.ndarray:
    """Return sigma_index (counted from 1) at the last record of each run."""
    return last(runs).singular_value.isel(component=index - 1).to_numpy()


def final_ratio(runs: xr.Dataset) -> np.ndarray:
    """Return sigma_1 / sigma_2 at the last record of each run."""
    return final_value(runs, index=1) / final_value(runs, index=2)


def jump_step(runs: xr.Dataset) -> np.ndarray:
    """Return the step at which sigma_1 of each run first exceeds half of its last value."""
    largest = runs.singular_value.isel(component=0)
    first = (largest > final_value(runs, index=1)[:, None] / 2).argmax("record")
    return runs.step.isel(record=first).to_numpy()


def smallest_error(runs: xr.Dataset) -> np.ndarray:
    """Return the smallest mean squared error of the held-out ratings over each run."""
    return runs.test_error.min("record").to_numpy()


def error_ratio(runs: xr.Dataset, *, depths: list, until: float = np.inf) -> np.ndarray:
    """Return, for each data seed, the largest ratio of one depth's smallest error to the last one's.

    Below 1, the error falls with every step through ``depths``. Records after step ``until`` are left out.
    """
    return largest_ratio(runs.test_error.where(runs.step <= until).min("record"), depths)


def alignment_ratio(runs: xr.Dataset, *, vectors: Literal["present", "unit"]) -> np.ndarray:
    """Return the time average of the diagonal over that of the off-diagonal entries, step 0 left out.

    ``vectors``: the ``present`` singular vectors, or the ``unit`` vectors, which are those of W(0).
    """
    return diagonal_over_other(runs, {"present": "", "unit": "_unit"}[vectors])
