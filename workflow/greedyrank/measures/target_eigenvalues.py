"""What is learned along each eigenvector of a symmetric target."""

from __future__ import annotations

import numpy as np
import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``target_eigenvalue`` (run, eigenvector) and ``learned_eigenvalue`` (run, record, eigenvector).

    The target is V diag(lambda) V^T with lambda descending; what is learned is the diagonal of
    V^T W V.
    """
    values, vectors = np.linalg.eigh(runs.target.to_numpy())
    values, vectors = values[:, ::-1], vectors[:, :, ::-1]
    learned = np.einsum("rij,rkil,rlj->rkj", vectors, runs.end_to_end.to_numpy(), vectors, optimize=True)
    return xr.Dataset(
        {
            "target_eigenvalue": (("run", "eigenvector"), values),
            "learned_eigenvalue": (("run", "record", "eigenvector"), learned),
        }
    )
