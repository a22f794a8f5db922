"""End-to-end matrix, and its layers where they are recorded, in the basis of the target's eigenvectors."""

from __future__ import annotations

import numpy as np
import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``diagonal`` (run, record, place), ``off_diagonal`` (run, record), and ``layer_diagonal`` if it is known.

    The target is symmetric, V diag(lambda) V^T with lambda descending. ``diagonal`` is that of V^T W V, and
    ``off_diagonal`` the largest size of its other entries. ``layer_diagonal`` (run, record, layer, place), the
    diagonals of V^T W_j V, is there where the factorization records its layers.
    """
    _, vectors = np.linalg.eigh(runs.target.to_numpy())
    vectors = vectors[:, :, ::-1]
    matrices = np.einsum("rij,rkil,rlm->rkjm", vectors, runs.end_to_end.to_numpy(), vectors, optimize=True)
    found = {
        "diagonal": (("run", "record", "place"), np.diagonal(matrices, axis1=2, axis2=3)),
        "off_diagonal": (("run", "record"), np.abs(matrices * (1 - np.eye(matrices.shape[-1]))).max((2, 3))),
    }
    if "layers" in runs:
        layers = np.einsum("rij,rknil,rlj->rknj", vectors, runs.layers.to_numpy(), vectors, optimize=True)
        found["layer_diagonal"] = (("run", "record", "layer", "place"), layers)
    return xr.Dataset(found)
