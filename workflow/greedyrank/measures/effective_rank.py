"""Effective rank (Roy & Vetterli) of the end-to-end matrix."""

from __future__ import annotations

import xarray as xr

from greedyrank.spectra import linear_algebra


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``effective_rank`` (run, record); see `greedyrank.spectra.effective_rank`."""
    values = linear_algebra.singular_values(runs.end_to_end)
    return xr.Dataset({"effective_rank": (values.dims[:-1], linear_algebra.effective_rank(values.to_numpy()))})
