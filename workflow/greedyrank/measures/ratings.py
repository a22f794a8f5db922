"""What training on ratings records: spectra, alignment, and the error of held-out ratings."""

from __future__ import annotations

import xarray as xr

NAMES = ("singular_value", "alignment_diagonal", "alignment_other", "alignment_diagonal_unit", "alignment_other_unit")


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return what `greedyrank.problems.movielens` recorded, (run, record), with the largest singular values first."""
    return runs[[*NAMES, "test_error"]]
