"""Growth rates of singular values against the theorem's right-hand side."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank import theory
from greedyrank.measures.singular_values import LARGEST


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return measured and predicted growth rates at each stencil (first, middle, last step).

    ``growth_rate``: (sigma(last) - sigma(first)) / (flow time between them).
    ``growth_predicted``: -N (sigma^2)^(1-1/N) <grad loss(W), u v^T> at the middle (Arora et al.
    2019, Theorem 3). ``growth_sigma``: sigma at the middle. Each (run, growth, component), the ten
    largest. The stencil at step 0 is left out: there all singular values are equal.
    """
    largest = min(LARGEST, runs.sizes["row"], runs.sizes["column"])
    shape = (*runs.growth_step.shape[:2], largest)
    rate, predicted, sigma = (np.full(shape, np.nan) for _ in range(3))
    values, mask = runs.observed_values.to_numpy(), runs.observed_mask.to_numpy()
    steps, times = runs.growth_step.to_numpy(), runs.growth_flow_time.to_numpy()
    for run in range(shape[0]):
        weight = 2 / mask[run].sum() if str(runs.loss_kind[run].item()) == "mean" else 1.0
        for stencil in np.flatnonzero(steps[run, :, 0] > 0):
            first, middle, last = runs.growth_end_to_end[run, stencil].to_numpy().astype(np.float64)
            ends = (np.linalg.svd(matrix, compute_uv=False)[:largest] for matrix in (first, last))
            before, after = ends
            rate[run, stencil] = (after - before) / (times[run, stencil, -1] - times[run, stencil, 0])
            left, middle_values, right = np.linalg.svd(middle)
            gradient = weight * mask[run] * (middle - values[run])
            slopes = np.einsum("ik,ij,kj->k", left[:, :largest], gradient, right[:largest])
            sigma[run, stencil] = middle_values[:largest]
            predicted[run, stencil] = theory.singular_value_growth(sigma[run, stencil], slopes, int(runs.depth[run]))
    dims = ("run", "growth", "component")
    found = {"growth_rate": rate, "growth_predicted": predicted, "growth_sigma": sigma}
    return xr.Dataset(
        {**{name: (dims, array) for name, array in found.items()}, "growth_step": runs.growth_step[..., 0]}
    )
