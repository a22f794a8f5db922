"""Statistics of the singular-value figure."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import along, last


def gap(runs: xr.Dataset, *, index: int) -> np.ndarray:
    """Return sigma_index / sigma_(index+1) (counted from 1) at the last record of each run."""
    values = last(runs).singular_value
    return (values.isel(component=index - 1) / values.isel(component=index)).to_numpy()


def smallest_error(runs: xr.Dataset) -> np.ndarray:
    """Return the smallest relative squared reconstruction error over each run."""
    return runs.relative_squared_error.min("record").to_numpy()


def error_ratio(runs: xr.Dataset, *, depths: list, until: float = np.inf) -> np.ndarray:
    """Return, for each data seed, the largest ratio of one depth's smallest error to the last one's.

    Below 1, the error falls with every step through ``depths``. Records after step ``until`` are left out.
    """
    return largest_ratio(runs.relative_squared_error.where(runs.step <= until).min("record"), depths)


def largest_ratio(errors: xr.DataArray, depths: list[int]) -> np.ndarray:
    """Return, for each data seed, the largest ratio of one depth's error to that of the one before it."""
    return np.array([max(falling[1:] / falling[:-1]) for falling in along(errors, "depth", depths)])


def alignment_ratio(runs: xr.Dataset, *, vectors: Literal["present", "initial"]) -> np.ndarray:
    """Return the time average of the diagonal over that of the off-diagonal entries, step 0 left out.

    ``vectors``: ``present`` or ``initial`` singular vectors.
    """
    return diagonal_over_other(runs, {"present": "", "initial": "_initial"}[vectors])


def diagonal_over_other(runs: xr.Dataset, suffix: str) -> np.ndarray:
    """Return the ratio of the time averages of the alignment variables with a suffix, step 0 left out."""
    seen = runs.step > 0
    means = [runs[f"alignment_{part}{suffix}"].where(seen).mean("record") for part in ("diagonal", "other")]
    return (means[0] / means[1]).to_numpy()


def law_residual(runs: xr.Dataset, *, exponent_depth: int = 0) -> np.ndarray:
    """Return each run's largest |measured - predicted| growth rate, over its largest predicted rate.

    Over all stencils and the five largest singular values; the rates compared are those of the same
    singular value. ``exponent_depth``: predict with another depth's factor and exponent instead.
    """
    runs = runs.isel(component=slice(5))
    predicted, rate = runs.growth_predicted, runs.growth_rate
    if exponent_depth:
        slope = predicted / (runs.depth * runs.growth_sigma ** (2 - 2 / runs.depth))
        predicted = exponent_depth * runs.growth_sigma ** (2 - 2 / exponent_depth) * slope
    scale = np.abs(predicted).max("growth")
    return (np.abs(rate - predicted).max("growth") / scale).max("component").to_numpy()
