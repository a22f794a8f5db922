"""Errors of low-rank approximations of the noisy matrix, where all of it is observed."""

from __future__ import annotations

import numpy as np
import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``low_rank_error`` (run, rank) and ``observed_eigenvalue`` (run, eigenvector).

    The relative distance to the target of the best approximation of rank 0, 1, ... of the observed matrix,
    which is symmetric; and its eigenvalues, descending.
    """
    seen, target = runs.observed_values.to_numpy(), runs.target.to_numpy()
    values, vectors = np.linalg.eigh(seen)
    by_size = np.argsort(-np.abs(values), axis=1)
    errors = np.empty((len(seen), seen.shape[1] + 1))
    for run, order in enumerate(by_size):
        for rank in range(errors.shape[1]):
            kept = order[:rank]
            found = (vectors[run][:, kept] * values[run][kept]) @ vectors[run][:, kept].T
            errors[run, rank] = np.linalg.norm(found - target[run]) / np.linalg.norm(target[run])
    return xr.Dataset(
        {"low_rank_error": (("run", "rank"), errors), "observed_eigenvalue": (("run", "eigenvector"), values[:, ::-1])}
    )
