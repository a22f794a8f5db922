"""Statistics of the phase diagram."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from greedyrank.spectra.selection import last

Init = Literal["factor_std", "product_std"]


def degrees_of_freedom(shape: str, rank: int) -> int:
    """Return how many numbers a matrix, or a CP tensor, of a rank has: r (sum of lengths - order + 1), or less r^2 - r.

    A matrix U V^T stays as it is under every invertible change of U, of r^2 numbers; in a tensor of higher
    order only the lengths of the vectors of each component may change, all but one.
    """
    lengths = [int(length) for length in shape.split("x")]
    if len(lengths) == 2:
        return rank * (sum(lengths) - rank)
    return rank * (sum(lengths) - len(lengths) + 1)


def learned_components(runs: xr.Dataset, *, learned: float) -> xr.DataArray:
    """Return how many of the ten largest components exceed a share of the target's norm at the end, (run,)."""
    return (last(runs).component_size > learned * runs.target_norm).sum("component")


def cells(values: xr.DataArray, init: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return inits, numbers of observations, and the median over data seeds of each cell, (inits, observations)."""
    scales, numbers, found = values[init].to_numpy(), values.observations.to_numpy(), values.to_numpy()
    inits, observations = np.unique(scales), np.unique(numbers)
    table = [[np.median(found[(scales == scale) & (numbers == number)]) for number in observations] for scale in inits]
    return inits, observations, np.array(table)


def counts(runs: xr.Dataset, *, init: Init, learned: float) -> np.ndarray:
    """Return the number of learned components of each cell, in the median over data seeds."""
    return cells(learned_components(runs, learned=learned), init)[2].ravel()


def errors(runs: xr.Dataset, *, init: Init) -> np.ndarray:
    """Return the relative error at the end of each cell, in the median over data seeds."""
    return cells(last(runs).relative_error, init)[2].ravel()


def boundary(runs: xr.Dataset, *, init: Init, recovered: float) -> np.ndarray:
    """Return, for each init, from how many observations on the error stays below a level, over degrees of freedom.

    Where none suffice: the number of all entries, over degrees of freedom.
    """
    _, observations, table = cells(last(runs).relative_error, init)
    shape, rank = runs["shape"].values[0], int(runs.target_rank[0])
    found = []
    for row in table:
        failed = np.flatnonzero(row >= recovered)
        enough = observations[failed[-1] + 1 :] if len(failed) else observations
        found.append(enough[0] if len(enough) else np.prod([int(length) for length in shape.split("x")]))
    return np.array(found) / degrees_of_freedom(shape, rank)
