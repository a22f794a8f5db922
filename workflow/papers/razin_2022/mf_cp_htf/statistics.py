"""Statistics of the comparison of matrix, CP and hierarchical factorizations: one number per run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.config.settings.problems import TARGET
from greedyrank.data import targets
from greedyrank.spectra.selection import at_stop


def half_records(runs: xr.Dataset) -> xr.DataArray:
    """Return the first record at which each component has half its size at the stop, (run, component)."""
    return (runs.component_size >= at_stop(runs).component_size / 2).argmax("record")


def half_step(runs: xr.Dataset, *, index: int) -> np.ndarray:
    """Return the step at which component ``index`` (counted from 1) has half its size at the stop."""
    return runs.step.isel(record=half_records(runs).isel(component=index - 1)).to_numpy()


def next_when_half(runs: xr.Dataset, *, index: int) -> np.ndarray:
    """Return how far component ``index`` (counted from 1) is grown when the one before it has half its size.

    As a fraction of its own size at the stop: near 0 where components grow one after another, 1/2
    and more where they grow together.
    """
    before = half_records(runs).isel(component=index - 2)
    component = runs.component_size.isel(component=index - 1)
    return (component.isel(record=before) / at_stop(runs).component_size.isel(component=index - 1)).to_numpy()


def most_next_when_half(runs: xr.Dataset, *, count: int) -> np.ndarray:
    """Return the largest `next_when_half` of the first ``count`` components."""
    return np.max([next_when_half(runs, index=index) for index in range(2, count + 1)], axis=0)


def components_above(runs: xr.Dataset, *, threshold: float) -> np.ndarray:
    """Return how many of the ten largest components exceed a threshold at the stop."""
    return (at_stop(runs).component_size > threshold).sum("component").to_numpy()


def largest_deviation(runs: xr.Dataset, *, values: list[float]) -> np.ndarray:
    """Return how far, at most, the largest components at the stop are from given values, relative to these."""
    sizes = at_stop(runs).component_size.isel(component=slice(len(values))).to_numpy()
    return np.abs(sizes / np.array(values) - 1).max(axis=1)


def half_values_found(runs: xr.Dataset, *, count: int, share: float) -> np.ndarray:
    """Return how far, at most, the first ``count`` singular values between the halves are from the target's.

    Relative to each of the target's, 1 where one of them is not learned at all; after a share of the steps to the stop.
    """
    reached = runs.isel(record=(runs.step >= share * runs.stop_step).argmax("record"))
    ratio = (reached.half_value / runs.target_half_value).isel(component=slice(count))
    return np.abs(ratio - 1).max("component").to_numpy()


def share_of_targets(runs: xr.Dataset, *, index: int, level: float, draws: int) -> float:
    """Return the share of random hierarchical targets whose singular value ``index`` (from 1) exceeds a level.

    Singular values are those between the halves. So many targets are drawn, with shape, widths and norm of the runs.
    """
    first = runs.isel(run=0)
    settings = {
        **dict.fromkeys(TARGET),
        "shape": [int(length) for length in str(first["shape"].item()).split("x")],
        "target_widths": [int(width) for width in str(first.target_widths.item()).split(", ")],
        "target_norm": first.target_norm.item(),
    }
    rng = np.random.default_rng(0)
    values = [targets.root_values(targets.draw(settings, rng))[index - 1] for _ in range(draws)]
    return float(np.mean(np.array(values) > level))
