"""Singular tubes of the end-to-end tensor, by the t-SVD: the singular values of its Fourier pages."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.theory import tubal


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``tube_norm`` (run, record, component), of tensors of order 3 with tubes along the last mode.

    The norms of the singular tubes, descending; the tubal rank is the number of those that are not 0.
    """
    tensors = runs.end_to_end.transpose("run", "record", "mode_0", "mode_1", "mode_2").to_numpy().astype(np.float64)
    there = runs.step.to_numpy() >= 0
    values = np.linalg.svd(tubal.pages(tensors[there]), compute_uv=False)
    norms = np.full((*there.shape, values.shape[-1]), np.nan)
    norms[there] = np.sqrt(np.einsum("p,rpc->rc", tubal.page_weights(tensors.shape[-1]), values**2))
    return xr.Dataset({"tube_norm": (("run", "record", "component"), norms)})
