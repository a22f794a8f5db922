"""Singular values of the unfoldings of the end-to-end tensor along each mode."""

from __future__ import annotations

import numpy as np
import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``multilinear_value`` (run, record, mode, component), float64, relative to each mode's largest.

    Singular values of the unfoldings: the norms of the core slices of the higher-order SVD (De
    Lathauwer et al. 2000). How many are above a threshold is the multilinear rank at that threshold.
    NaN pads modes with fewer values, and records.
    """
    modes = [dim for dim in runs.end_to_end.dims if dim not in ("run", "record")]
    tensors = runs.end_to_end.transpose("run", "record", *modes).to_numpy().astype(np.float64)
    whole = ~np.isnan(tensors[..., *[0] * len(modes)])
    values = np.full((*whole.shape, len(modes), max(tensors.shape[2:])), np.nan)
    for mode, length in enumerate(tensors.shape[2:]):
        unfolded = np.moveaxis(tensors[whole], 1 + mode, 1).reshape(whole.sum(), length, -1)
        found = np.linalg.svd(unfolded, compute_uv=False)
        values[whole, mode, : found.shape[1]] = found / found[:, :1]
    return xr.Dataset({"multilinear_value": (("run", "record", "mode", "component"), values)})
