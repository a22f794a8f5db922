"""Statistics of the latent spectra, the singular values d_1 >= d_2 >= ... of the covariance of the codes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra import linear_algebra
from greedyrank.spectra.selection import last, select


def normalised(runs: xr.Dataset) -> xr.DataArray:
    """Return d_i / d_1, (..., component); NaN where there is no record."""
    return runs.latent_value / runs.latent_value.max("component")


def effective_ranks(runs: xr.Dataset) -> xr.DataArray:
    """Return the effective rank (Roy & Vetterli) of the covariance, (run, record)."""
    values = runs.latent_value.transpose("run", "record", "component")
    return xr.DataArray(linear_algebra.effective_rank(values.to_numpy()), dims=("run", "record"))


def counts(runs: xr.Dataset, above: float, up_to: float = 1.0) -> xr.DataArray:
    """Return how many d_i / d_1 are above one number and at most another, (...); NaN where there is no record."""
    shares = normalised(runs)
    return ((shares > above) & (shares <= up_to)).sum("component").where(shares.notnull().all("component"))


def directions(runs: xr.Dataset, *, above: float, up_to: float = 1.0) -> np.ndarray:
    """Return how many d_i / d_1 are above one number and at most another, at the end."""
    return counts(last(runs), above, up_to).to_numpy()


def at_equal_error(runs: xr.Dataset) -> xr.Dataset:
    """Return each run at the record whose test error is nearest, in logarithms, to the largest that a run ends with."""
    errors = np.log(runs.test_error)
    return runs.isel(record=np.abs(errors - np.log(last(runs).test_error.max())).argmin("record"))


def _pairs(runs: xr.Dataset, layers: int) -> list[tuple[xr.Dataset, xr.Dataset]]:
    """Return, for each seed that has both, the run with ``layers`` linear layers and the run without any."""
    pairs = []
    for seed in np.unique(runs.seed):
        deep, plain = (select(runs, {"seed": float(seed), "linear_layers": count}) for count in (layers, 0))
        if deep.sizes["run"] and plain.sizes["run"]:
            pairs.append((deep, plain))
    return pairs


def rank_ratio(runs: xr.Dataset, *, layers: int) -> np.ndarray:
    """Return, for each seed, the effective rank at the end with ``layers`` linear layers over that without any."""
    ranks = [
        [linear_algebra.effective_rank(last(run).latent_value.to_numpy()).item() for run in pair]
        for pair in _pairs(runs, layers)
    ]
    return np.array([ours / without for ours, without in ranks])


def ratio_at_equal_error(runs: xr.Dataset, *, layers: int, above: float) -> np.ndarray:
    """Return, for each seed, the ratio of how many d_i / d_1 are above a number, with ``layers`` layers to without any.

    The first at the end, the second when the run without layers had that test error: interpolated between
    its records, both in logarithms. NaN where it never had.
    """
    found = []
    for run, reference in _pairs(runs, layers):
        errors, numbers = (np.log(of.to_numpy().ravel()) for of in (reference.test_error, counts(reference, above)))
        error = np.log(last(run).test_error.item())
        falling = np.flatnonzero(np.isfinite(errors))[np.argsort(errors[np.isfinite(errors)])]
        expected = np.interp(error, errors[falling], numbers[falling], left=np.nan, right=np.nan)
        found.append(counts(last(run), above).item() / np.exp(expected))
    return np.array(found)
