"""The one entry that is not observed."""

from __future__ import annotations

import numpy as np
import xarray as xr


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``unobserved_entry`` (run, record), signed.

    Raises
    ------
    ValueError
        If a run does not have exactly one unobserved entry.
    """
    free = runs.observed_mask == 0
    if (counts := np.unique(free.sum(("row", "column")))).tolist() != [1]:
        raise ValueError(f"unobserved_entry needs one unobserved entry a run; there are {counts.tolist()}")
    entry = runs.end_to_end.where(free).sum(("row", "column"), min_count=1)
    return xr.Dataset({"unobserved_entry": entry})
