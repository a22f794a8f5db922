"""How a 2x2 problem with one free entry is perturbed, and on which side of zero its runs end."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return what the perturbed theorem of Razin & Cohen 2020 is about; W_11 is free.

    ``eps`` (run): the observed W_22. ``product`` (run): z z', of the observed W_12 and W_21.
    ``corner_entry`` (run, record): W_22 itself. ``wrong_branch`` (run): 1 where it ends on the other
    side of zero than eps, else 0.
    """
    observed, corner = runs.observed_values, runs.end_to_end.isel(row=1, column=1)
    eps = observed.isel(row=1, column=1)
    end = last(xr.Dataset({"corner": corner, "step": runs.step})).corner
    return xr.Dataset(
        {
            "eps": eps,
            "product": observed.isel(row=0, column=1) * observed.isel(row=1, column=0),
            "corner_entry": corner,
            "wrong_branch": (np.sign(end) * np.sign(eps) < 0).astype(float),
        }
    ).drop_vars(("row", "column"), errors="ignore")
