"""Statistics of local components beside singular values: one number per run.

``of`` names what is meant: local components at the node {1, 2} (``node_12``) or at the root (``root``), or singular
values of the matricizations {1, 2} and {1, 3} (``half`` and ``crossing``).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import at_stop
from razin_2022.mf_cp_htf import statistics as one_by_one


def sizes(runs: xr.Dataset, of: str) -> xr.DataArray:
    """Return the ten largest of what is meant, (run, record, component), descending."""
    if of == "node_12":
        return runs.pair_component_norm.isel(pair=0)
    return {"root": runs.component_size, "half": runs.half_value, "crossing": runs.crossing_value}[of]


def above(runs: xr.Dataset, *, of: str, threshold: float) -> np.ndarray:
    """Return how many of the ten largest exceed a threshold at the stop."""
    return (sizes(at_stop(runs), of) > threshold).sum("component").to_numpy()


def most_next_when_half(runs: xr.Dataset, *, of: str, count: int) -> np.ndarray:
    """Return how far at most one of the first ``count`` is grown when the one before it has half its size at the stop.

    As a fraction of its own size at the stop: near 0 where they grow one after another, 1/2 and more where they grow
    together.
    """
    return one_by_one.most_next_when_half(runs.assign(component_size=sizes(runs, of)), count=count)


def most_in_excess(runs: xr.Dataset, *, of: str, threshold: float, components_above: float) -> np.ndarray:
    """Return by how many, at most, values above a threshold outnumber the local components at the root, at any record.

    Of these the ones above ``components_above`` count.
    """
    excess = (sizes(runs, of) > threshold).sum("component") - (runs.component_size > components_above).sum("component")
    return excess.max("record").to_numpy()
