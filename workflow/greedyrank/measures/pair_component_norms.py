"""The largest norms of the local components at the nodes of a hierarchical factorization that join two modes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.measures.component_norms import LARGEST


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``pair_component_norm`` (run, record, pair, component), the ten largest, sorted at each record."""
    norms = runs.pair_component_norm.transpose("run", "record", "pair", "pair_component").to_numpy()
    largest = -np.sort(-norms, axis=-1)[..., :LARGEST]
    return xr.Dataset({"pair_component_norm": (("run", "record", "pair", "component"), largest)})
