"""The largest components of any factorization: singular values of a matrix, component norms of a tensor."""

from __future__ import annotations

import xarray as xr

from greedyrank.measures import component_norms, singular_values


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``component_size`` (run, record, component), the ten largest, sorted at each record.

    What Razin, Maman & Cohen 2022 draw of each: component norms where a factorization records
    them (of a hierarchical one: those of the local components at its root), otherwise singular values.
    """
    if "component_norm" in runs:
        return component_norms.measure(runs).rename(component_norm="component_size")
    return singular_values.measure(runs).rename(singular_value="component_size")
