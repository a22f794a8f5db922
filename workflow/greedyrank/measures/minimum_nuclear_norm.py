"""Properties of the target and of the matrix of minimum nuclear norm, with which runs are compared."""

from __future__ import annotations

import xarray as xr

from greedyrank.spectra import linear_algebra


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return properties of each run's baseline and target, (run,).

    ``minimum_nuclear_norm`` and its certified ``minimum_lower_bound``; ``minimum_effective_rank``;
    ``minimum_error``, the relative squared distance to the target; ``target_nuclear_norm`` and
    ``target_effective_rank``.
    """
    found = {
        "minimum_nuclear_norm": runs.baseline_upper,
        "minimum_lower_bound": runs.baseline_lower,
        "minimum_error": ((runs.baseline_matrix - runs.target) ** 2).sum(("row", "column"))
        / (runs.target**2).sum(("row", "column")),
    }
    for name, matrices in (("minimum", runs.baseline_matrix), ("target", runs.target)):
        values = linear_algebra.singular_values(matrices)
        found[f"{name}_effective_rank"] = ("run", linear_algebra.effective_rank(values.to_numpy()))
        found.setdefault(f"{name}_nuclear_norm", values.sum("component"))
    return xr.Dataset(found)
