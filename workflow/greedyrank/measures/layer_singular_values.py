"""Singular values of each recorded layer of a deep linear network."""

from __future__ import annotations

import numpy as np
import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``layer_singular_values`` (run, record, layer, component), the largest first, if layers are recorded."""
    if "layers" not in runs:
        return xr.Dataset()
    layers = runs.layers.to_numpy()
    found = np.full(layers.shape[:-1], np.nan)
    there = np.isfinite(layers).all((2, 3, 4))
    found[there] = np.linalg.svd(layers[there], compute_uv=False)
    return xr.Dataset({"layer_singular_values": (("run", "record", "layer", "component"), found)})
