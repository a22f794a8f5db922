"""Statistics that the figures of several papers share: functions of selected runs, one number, or one per run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import at_stop, last


def error_at_stop(runs: xr.Dataset) -> np.ndarray:
    """Return the relative error (unsquared) at the published stop."""
    return at_stop(runs).relative_error.to_numpy()


def final_error(runs: xr.Dataset) -> np.ndarray:
    """Return the relative error (unsquared) at the last record."""
    return last(runs).relative_error.to_numpy()


def growing_stencils(runs: xr.Dataset, *, start: float, learned: float, share: float):
    """Yield run, component, sigma, gamma and rate at all stencils, and at which it grows, of each learned component.

    A component is learned if its norm comes to exceed ``learned``. It grows where it is larger than
    ``start`` times its first norm and gamma is above ``share`` of its largest value: once a
    component has its final norm, gamma is about zero, and its increments are the oscillation of
    finite steps.
    """
    sigmas, gammas, rates = (
        runs[f"growth_{name}"].transpose("run", "component", "growth").to_numpy() for name in ("sigma", "gamma", "rate")
    )
    for run, component in np.argwhere(np.nanmax(sigmas, axis=2) > learned):
        sigma, gamma, rate = (array[run, component] for array in (sigmas, gammas, rates))
        inside = (gamma > share * np.nanmax(gamma)) & (rate > 0) & (sigma > start * sigma[0])
        yield run, component, sigma, gamma, rate, inside


def growing(runs: xr.Dataset, *, start: float, learned: float, share: float):
    """Yield run index, component index, and sigma, gamma and rate of each learned component while it grows."""
    for run, component, sigma, gamma, rate, inside in growing_stencils(runs, start=start, learned=learned, share=share):
        yield run, component, sigma[inside], gamma[inside], rate[inside]
