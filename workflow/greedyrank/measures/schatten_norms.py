"""Schatten (quasi-)norms of the end-to-end matrix."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra import linear_algebra

ORDERS = (0.5, 1.0, 2.0, np.inf)


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``schatten_norm`` (run, record, order) = (sum of sigma^p)^(1/p), p the coordinate ``order``.

    p = 1/2 is a quasi-norm, 1 the nuclear, 2 the Frobenius and infinity the spectral norm: some of
    the (quasi-)norms that Razin & Cohen 2020, Theorem 1, is about.
    """
    values = linear_algebra.singular_values(runs.end_to_end)
    norms = [
        values.max("component", skipna=False)
        if np.isinf(order)
        else (values**order).sum("component", skipna=False) ** (1 / order)
        for order in ORDERS
    ]
    return xr.Dataset({"schatten_norm": xr.concat(norms, xr.IndexVariable("order", list(ORDERS)))})
