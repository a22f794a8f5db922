"""Statistics of the deep CP figure: one number per run, or one per number of observations."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last, select


def last_error(runs: xr.Dataset) -> np.ndarray:
    """Return the relative error (unsquared) at the end of the smaller steps."""
    return last(runs).relative_error.to_numpy()


def last_loss(runs: xr.Dataset) -> np.ndarray:
    """Return the mean squared residual of what is seen at the end of the smaller steps."""
    return last(runs).loss.to_numpy()


def components_above(runs: xr.Dataset, *, threshold: float) -> np.ndarray:
    """Return how many of the ten largest component norms exceed a threshold at the last record."""
    return (last(runs).component_norm > threshold).sum("component").to_numpy()


def gap(runs: xr.Dataset, *, index: int) -> np.ndarray:
    """Return component norm ``index`` (counted from 1) over the next, at the last record."""
    norms = last(runs).component_norm
    return (norms.isel(component=index - 1) / norms.isel(component=index)).to_numpy()


def growth_of(runs: xr.Dataset, *, index: int) -> np.ndarray:
    """Return component norm ``index`` (counted from 1) at the last record over that of the same rank at the first."""
    ends, starts = (found.component_norm.isel(component=index - 1) for found in (last(runs), runs.isel(record=0)))
    return (ends / starts).to_numpy()


def error_ratio(runs: xr.Dataset, *, fitted: dict, against: dict) -> np.ndarray:
    """Return the median error over data seeds of some settings over that of others, one a number of observations."""
    ends = last(runs)
    counts = np.intersect1d(*(select(ends, settings).observations for settings in (fitted, against)))
    ours, theirs = (
        [float(select(ends, {**settings, "observations": float(seen)}).relative_error.median()) for seen in counts]
        for settings in (fitted, against)
    )
    return np.array(ours) / np.array(theirs)
