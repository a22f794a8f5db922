"""What the figures of the determinant-sign counterexample, ``det_sign*``, share: statistics, one number per run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import at_loss, last, select

HALF_SUM_OF_MEAN = 1.5  # half the sum of squares of the three residuals of a 2x2 problem, over their mean


def half_sum(runs: xr.Dataset) -> xr.DataArray:
    """Return half the sum of squared residuals, of which the theorem speaks, also of runs that train the mean."""
    return runs.loss * xr.where(runs.loss_kind == "mean", HALF_SUM_OF_MEAN, 1.0)


def over_curve(ends: xr.Dataset) -> np.ndarray:
    """Return |W_11| sqrt(2 loss) of runs at one record each: 1 on the predicted curve."""
    return (np.abs(ends.unobserved_entry) * np.sqrt(2 * half_sum(ends))).to_numpy()


def entry_over_prediction(runs: xr.Dataset) -> np.ndarray:
    """Return `over_curve` at the last record."""
    return over_curve(last(runs))


def entry_at_loss(runs: xr.Dataset, *, loss: float) -> np.ndarray:
    """Return |W_11| when the loss first reaches a level."""
    return np.abs(at_loss(runs, loss).unobserved_entry).to_numpy()


def last_entry(runs: xr.Dataset) -> np.ndarray:
    """Return |W_11| at the last record."""
    return np.abs(last(runs).unobserved_entry).to_numpy()


def share_below(ends: np.ndarray, published: float, reading: float) -> float:
    """Return the share of runs that end below a published height; those within its reading error count half.

    Parameters
    ----------
    ends : ndarray
        |W_11| at the end of each run.
    published : float
        The height read off a plot.
    reading : float
        The relative error of the reading.

    Returns
    -------
    float
        NaN where there are no runs.
    """
    if not len(ends):
        return np.nan
    near = np.abs(ends / published - 1) <= reading
    return float(np.mean(np.where(near, 0.5, ends < published)))


def outermost_share(runs: xr.Dataset, *, points: list, reading: float) -> float:
    """Return how far out among our seeds the most extreme of some published heights is: 1/2 in the middle, 0 outside.

    Parameters
    ----------
    runs : xr.Dataset
        Runs of several settings, many seeds of each.
    points : list of dict
        ``height``, the published |W_11|, and the settings of its runs.
    reading : float
        The relative error of the reading, as in `share_below`.
    """
    shares = []
    for point in points:
        settings = {name: value for name, value in point.items() if name != "height"}
        shares.append(share_below(last_entry(select(runs, settings)), point["height"], reading))
    return float(np.min(np.minimum(shares, 1 - np.array(shares))))
