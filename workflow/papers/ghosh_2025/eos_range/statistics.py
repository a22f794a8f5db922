"""Statistics of the oscillation range and its onset."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ghosh_2025.common import over_onset, ranges, spectrum
from greedyrank.spectra.selection import select
from greedyrank.theory import edge_of_stability

OSCILLATES = 0.05  # range from which on a singular value counts as oscillating


def _depth(runs: xr.Dataset) -> int:
    return int(runs.depth[0])


def fitted_onset(steps: np.ndarray, found: np.ndarray, count: int, powers: tuple[int, ...]) -> float:
    """Return where the range begins: the constant of step = a + sum of b_p range^p, fitted to the first steps.

    Parameters
    ----------
    steps, found : ndarray
        Step sizes, rising, and the range there.
    count : int
        How many of the steps with a range above 0.3 are fitted.
    powers : tuple of int
        p. Beyond a flip bifurcation the range squared is smooth in the step, so that even powers fit.
    """
    here = np.flatnonzero(found > 0.3)[:count]
    columns = [np.ones(len(here)), *(found[here] ** power for power in powers)]
    return float(np.linalg.lstsq(np.stack(columns, 1), steps[here], rcond=None)[0][0])


def onsets(runs: xr.Dataset, powers: tuple[int, ...] = (2, 4)) -> np.ndarray:
    """Return the fitted onset of each singular value of a sweep over step sizes; see `fitted_onset`."""
    ordered = runs.sortby("learning_rate")
    steps = ordered.learning_rate.to_numpy()
    return np.array([fitted_onset(steps, found, 4, powers) for found in ranges(ordered).T])


def onset_error(runs: xr.Dataset, *, smooth: bool = True) -> np.ndarray:
    """Return the relative distance of each onset from 2 / (N sigma^(2 - 2/N)), fitted in range^2 and range^4.

    Not ``smooth``: fitted in the range itself and its square.
    """
    expected = [edge_of_stability.onset(value, _depth(runs)) for value in spectrum(runs.isel(run=0))]
    return np.abs(onsets(runs, (2, 4) if smooth else (1, 2)) / expected - 1)


def printed_onset_error(runs: xr.Dataset, *, printed: list[float]) -> np.ndarray:
    """Return the relative distance of each fitted onset from the one printed in the paper's figure."""
    return np.abs(onsets(runs) / printed - 1)


def oscillating(runs: xr.Dataset) -> np.ndarray:
    """Return how many singular values oscillate, one number a run, in the order of the steps."""
    return (ranges(runs.sortby("learning_rate")) > OSCILLATES).sum(1).astype(float)


def range_error(runs: xr.Dataset, *, beyond: float, depth: int) -> np.ndarray:
    """Return the distance of each range from that of the cycle of two steps which theory gives.

    Of the singular values whose onset is exceeded by a share, ``beyond``; theory takes this depth.
    """
    found = ranges(runs)
    errors = []
    for index, step in enumerate(runs.learning_rate.to_numpy()):
        for place, value in enumerate(spectrum(runs.isel(run=index))):
            if step >= (1 + beyond) * edge_of_stability.onset(value, _depth(runs)):
                low, high = edge_of_stability.two_cycle(value, depth, step)
                errors.append(abs(found[index, place] - (high - low)))
    return np.array(errors)


def exponent(runs: xr.Dataset, *, start: float, end: float) -> np.ndarray:
    """Return the exponent of the range of the largest singular value over step / onset - 1, one for each target."""
    apart, found = over_onset(runs) - 1, ranges(runs)[:, 0]
    fits = []
    for target in np.unique(runs.target_spectrum):
        here = (runs.target_spectrum == target).to_numpy() & (0.99 * start <= apart) & (apart <= 1.01 * end)
        if here.sum() > 1:
            fits.append(np.polyfit(np.log(apart[here]), np.log(found[here]), 1)[0])
    return np.array(fits)


def largest_off_diagonal(runs: xr.Dataset) -> np.ndarray:
    """Return the largest entry of the end-to-end matrix off the diagonal, in the eigenbasis, of all records."""
    return runs.off_diagonal.max("record").to_numpy()


def counts_off(runs: xr.Dataset, *, steps: list[float], counts: list[int]) -> np.ndarray:
    """Return how far the number of oscillating values is from ``counts`` at some steps, one number a run there."""
    here = [
        np.abs(oscillating(select(runs, {"learning_rate": step})) - count)
        for step, count in zip(steps, counts, strict=True)
    ]
    return np.concatenate(here)
