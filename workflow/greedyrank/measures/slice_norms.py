"""Norms of the core slices of a Tucker factorization, and of the vectors that belong to them."""

from __future__ import annotations

import numpy as np
import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``slice_norm`` and ``column_norm``, both (run, record, mode, slice), largest slices first.

    Curves are order statistics: each record is sorted, mode by mode, by the norms of its slices; the
    columns stand in the order of their slices. NaN sorts last, so records that are padding stay NaN.
    """
    dims = ("run", "record", "mode", "slice")
    slices, columns = (runs[name].transpose(*dims).to_numpy() for name in ("slice_norm", "column_norm"))
    order = np.argsort(-slices, axis=-1)
    return xr.Dataset(
        {
            "slice_norm": (dims, np.take_along_axis(slices, order, axis=-1)),
            "column_norm": (dims, np.take_along_axis(columns, order, axis=-1)),
        }
    )
