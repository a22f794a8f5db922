"""How far a compressed network is from the whole one that it stands for."""

from __future__ import annotations

import numpy as np
import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``compressed_difference`` (run, record): the spectral norm of W minus the compressed W.

    Of each whole network, ``compressed_width`` NaN, against the compressed network of the same target and seed; NaN for
    the compressed ones themselves, where there is no such one, and where one of the two has ended. Nothing where no
    matrices are recorded.
    """
    if "end_to_end" not in runs:
        return xr.Dataset()
    matrices, whole = runs.end_to_end.to_numpy(), np.isnan(runs.compressed_width.to_numpy())
    found = np.full(matrices.shape[:2], np.nan)
    for run in np.flatnonzero(whole):
        same = (runs.data_seed == runs.data_seed[run]) & (runs.seed == runs.seed[run]) & ~whole
        for partner in np.flatnonzero(same)[:1]:
            apart = matrices[run] - matrices[partner]
            both = np.isfinite(apart).all((1, 2))
            found[run, both] = np.linalg.norm(apart[both], 2, axis=(1, 2))
    return xr.Dataset({"compressed_difference": (("run", "record"), found)})
