"""Growth of what a factorization learns one after another: singular values of matrices, component norms of tensors."""

from __future__ import annotations

import xarray as xr

from greedyrank.measures import component_growth, singular_value_growth


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``growth_sigma``, ``growth_gamma``, ``growth_rate``, ``growth_time`` and ``growth_step``.

    As `greedyrank.measures.component_growth` where a factorization records the norm that its law is
    about, and as `greedyrank.measures.singular_value_growth` for matrices.
    """
    of = component_growth if "growth_component_norm" in runs else singular_value_growth
    return of.measure(runs)
