"""Singular values of stacks of matrices, and what is computed from them."""

from __future__ import annotations

import numpy as np
import xarray as xr


def singular_values(matrices: xr.DataArray) -> xr.DataArray:
    """Return the singular values of ``(..., row, column)`` in float64, descending; NaN stays NaN."""
    dims = [dim for dim in matrices.dims if dim not in ("row", "column")]
    stack = matrices.transpose(*dims, "row", "column").to_numpy().astype(np.float64)
    whole = ~np.isnan(stack).any(axis=(-2, -1))
    values = np.full((*whole.shape, min(stack.shape[-2:])), np.nan)
    values[whole] = np.linalg.svd(stack[whole], compute_uv=False)
    return xr.DataArray(values, dims=[*dims, "component"])


def effective_rank(values: np.ndarray) -> np.ndarray:
    """Return exp of the entropy of the normalised singular values, along the last axis.

    Roy & Vetterli 2007; the effective rank of Arora et al. 2019 and Razin & Cohen 2020. Not the
    nuclear rank of Chou et al., which is the nuclear over the spectral norm.
    """
    share = values / values.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(share > 0, share * np.log(share), np.where(np.isnan(share), np.nan, 0.0))
    return np.exp(-terms.sum(axis=-1))
