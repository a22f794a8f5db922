"""Singular tubes of the end-to-end tensor, by the t-SVD: the singular values of its Fourier pages."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.theory import tubal


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return, of tensors of order 3 with tubes along the last mode,

    ``page_value`` (run, record, page, component): the singular values of each page, descending; ``tube_norm`` (run,
    record, component): the norms of the singular tubes. The tubal rank is the number of tubes that are not 0.
    """
    tensors = runs.end_to_end.transpose("run", "record", "mode_0", "mode_1", "mode_2").to_numpy().astype(np.float64)
    there = runs.step.to_numpy() >= 0
    shape = tensors.shape[2:]
    weights = tubal.page_weights(shape[-1])
    values = np.full((*there.shape, len(weights), min(shape[:2])), np.nan)
    values[there] = np.linalg.svd(tubal.pages(tensors[there]), compute_uv=False)
    norms = np.sqrt(np.einsum("p,rtpc->rtc", weights, values**2))
    return xr.Dataset(
        {
            "page_value": (("run", "record", "page", "component"), values),
            "tube_norm": (("run", "record", "component"), norms),
        }
    )
