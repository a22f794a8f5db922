"""The largest component norms of a CP factorization."""

from __future__ import annotations

import numpy as np
import xarray as xr

LARGEST = 10  # as many as the paper shows


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``component_norm`` (run, record, component), the ten largest, sorted at each record.

    Curves are order statistics, as in Razin, Maman & Cohen 2021: they follow no index. NaN sorts
    last, so records that are padding stay NaN.
    """
    norms = -np.sort(-runs.component_norm.transpose("run", "record", "component").to_numpy(), axis=-1)
    return xr.Dataset({"component_norm": (("run", "record", "component"), norms[..., :LARGEST])})
