"""Statistics of compressed deep linear networks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import select
from greedyrank.theory import invariant_subspace


def whole(runs: xr.Dataset) -> xr.Dataset:
    """Return the runs whose network is not compressed."""
    return runs.isel(run=np.flatnonzero(np.isnan(runs.compressed_width.to_numpy())))


def kept_products(run: xr.Dataset) -> np.ndarray:
    """Return the product of the layers on the directions that training keeps, at each record of one run."""
    steps = run.step.to_numpy()
    depth, size = int(run.depth), int(run.observations)
    scales = invariant_subspace.kept_scales(
        float(run.layer_scale), depth, 1 / size, float(run.learning_rate), int(steps.max())
    )
    return scales[steps] ** depth


def identity_error(runs: xr.Dataset) -> np.ndarray:
    """Return by which share ||W - compressed W|| differs from the product of the kept scales, for each whole run.

    The largest share of a run.
    """
    found, runs = [], whole(runs)
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        found.append(float(np.abs(run.compressed_difference / kept_products(run) - 1).max()))
    return np.array(found)


def middle_spread(runs: xr.Dataset, *, rank: int) -> np.ndarray:
    """Return how far the singular values of the first layer, but 2 rank of them, are from the kept scale at the end."""
    values = runs.layer_singular_values.isel(layer=0, record=-1).to_numpy()[:, rank:-rank]
    kept = [kept_products(runs.isel(run=index))[-1] ** (1 / int(runs.depth[index])) for index in range(len(values))]
    return np.abs(values - np.array(kept)[:, None]).max(1)


def _paired(runs: xr.Dataset, outer_rate: float) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the whole runs and those compressed with an outer rate, both in the order of their data seeds."""
    return whole(runs).sortby("data_seed"), select(runs, {"outer_rate": outer_rate}).sortby("data_seed")


def step_ratio(runs: xr.Dataset, *, outer_rate: float) -> np.ndarray:
    """Return the steps of each whole run over those of the compressed run on the same data."""
    all_of, compressed = _paired(runs, outer_rate)
    return all_of.stop_step.to_numpy() / compressed.stop_step.to_numpy()


def cost_ratio(runs: xr.Dataset, *, outer_rate: float) -> np.ndarray:
    """Return the multiplications of each whole run over those of the compressed run on the same data."""
    _, compressed = _paired(runs, outer_rate)
    side, depth = int(str(runs["shape"].values[0]).split("x")[0]), int(runs.depth[0])
    inner = int(compressed.compressed_width[0])
    each = [invariant_subspace.multiplications(side, depth, of) for of in (None, inner)]
    return step_ratio(runs, outer_rate=outer_rate) * each[0] / each[1]


def first_error(runs: xr.Dataset) -> np.ndarray:
    """Return the relative error after the first 500 steps."""
    return runs.relative_error.where(runs.step == 500).max("record").to_numpy()
