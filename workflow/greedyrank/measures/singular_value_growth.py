"""Growth rates of singular values against the theorem's right-hand side."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.measures.singular_values import LARGEST
from greedyrank.theory import growth_laws


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return measured and predicted growth rates at each stencil (first, middle, last step).

    ``growth_rate``: (sigma(last) - sigma(first)) / (flow time between them).
    ``growth_predicted``: -N (sigma^2)^(1-1/N) <grad loss(W), u v^T> at the middle (Arora et al.
    2019, Theorem 3). ``growth_sigma``, ``growth_gamma``: sigma and -<grad loss(W), u v^T> at the
    middle. Each (run, growth, component), the ten largest. Also ``growth_step``, of the first step, and
    ``growth_time``, flow time at the middle, (run, growth). A stencil that starts from a multiple of the
    identity is left out: there all singular values are equal.
    """
    largest = min(LARGEST, runs.sizes["row"], runs.sizes["column"])
    shape = (*runs.growth_step.shape[:2], largest)
    rate, predicted, sigma, gamma = (np.full(shape, np.nan) for _ in range(4))
    matrices = runs.growth_end_to_end.transpose("run", "growth", "offset", "row", "column").to_numpy()
    values, mask = runs.observed_values.to_numpy(), runs.observed_mask.to_numpy()
    steps, times = runs.growth_step.to_numpy(), runs.growth_flow_time.to_numpy()
    for run in range(shape[0]):
        weight = 2 / mask[run].sum() if str(runs.loss_kind[run].item()) == "mean" else 1.0
        whole = np.flatnonzero(steps[run, :, 0] >= 0)
        first, middle, last = np.moveaxis(matrices[run, whole].astype(np.float64), 1, 0)
        before, after = (np.linalg.svd(matrix, compute_uv=False)[:, :largest] for matrix in (first, last))
        duration = times[run, whole, -1] - times[run, whole, 0]
        left, middle_values, right = np.linalg.svd(middle)
        gradient = weight * mask[run] * (middle - values[run])
        slopes = np.einsum("sik,sij,skj->sk", left[..., :largest], gradient, right[:, :largest], optimize=True)
        law = growth_laws.singular_value_growth(middle_values[:, :largest], slopes, int(runs.depth[run]))
        parts = ((after - before) / duration[:, None], law, middle_values[:, :largest], -slopes)
        distinct = np.ptp(before, axis=1) > 1e-6 * before[:, 0]
        for array, value in zip((rate, predicted, sigma, gamma), parts, strict=True):
            array[run, whole[distinct]] = value[distinct]
    dims = ("run", "growth", "component")
    found = {"growth_rate": rate, "growth_predicted": predicted, "growth_sigma": sigma, "growth_gamma": gamma}
    clock = {"growth_step": runs.growth_step[..., 0], "growth_time": (dims[:2], times[..., 1])}
    return xr.Dataset({**{name: (dims, array) for name, array in found.items()}, **clock})
