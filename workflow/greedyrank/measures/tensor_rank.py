"""CP rank as Razin & Cohen 2020 measure it, of what was learned and of the zero-filled observations.

The smallest number of components with which alternating least squares (ALS) comes within a mean squared
error of 1e-6, by bisection. The level is coarse: of a tensor of norm 1 it leaves out relative energy 5e-4 if
there are 8^3 entries, and 4e-3 if there are 8^4.
"""

from __future__ import annotations

import itertools

import numpy as np
import xarray as xr
from tensorly import cp_to_tensor
from tensorly.decomposition import parafac

from greedyrank.spectra.selection import last

TOLERANCE = 1e-6  # mean squared error; it and the number of sweeps as published
SWEEPS = 1000
ATTEMPTS = 100


def _fits(tensor: np.ndarray, components: int, rng: np.random.Generator) -> bool:
    """Return whether ALS from a standard normal init comes within the tolerance.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a linear system was singular from every init; one that is says nothing about the rank.
    """
    level = np.sqrt(TOLERANCE * tensor.size) / np.linalg.norm(tensor)
    for _ in range(ATTEMPTS):
        init = (None, [rng.standard_normal((length, components)) for length in tensor.shape])
        try:
            # A negative `tol`: no stop by slow progress, as published. With 0 the callback would get no errors.
            found = parafac(
                tensor, components, SWEEPS, init=init, tol=-1.0, callback=lambda _, error: bool(error < level)
            )
        except np.linalg.LinAlgError:
            continue
        return np.mean((cp_to_tensor(found) - tensor) ** 2) < TOLERANCE
    raise np.linalg.LinAlgError(f"ALS with {components} components met a singular system from {ATTEMPTS} inits")


def lower_bound(tensor: np.ndarray) -> int:
    """Return a number of components below which none can come within the tolerance.

    A CP of r components has unfoldings of rank at most r, and the best approximation of that rank is known.
    """
    bound = 1
    for count in range(1, tensor.ndim // 2 + 1):
        for rows in itertools.combinations(range(tensor.ndim), count):
            height = np.prod([tensor.shape[mode] for mode in rows])
            unfolding = np.moveaxis(tensor, rows, range(count)).reshape(height, -1)
            energy = np.linalg.svd(unfolding, compute_uv=False) ** 2
            left_out = energy[::-1].cumsum()[::-1] / tensor.size
            bound = max(bound, int(np.sum(left_out >= TOLERANCE)))
    return bound


def tensor_rank(tensor: np.ndarray, rng: np.random.Generator) -> int:
    """Return the CP rank up to the tolerance; 0 for a tensor of zeros.

    Parameters
    ----------
    tensor : np.ndarray
        A tensor of any order, float64.
    rng : np.random.Generator
        Draws the inits of ALS. Where ALS fails although a CP is near, the rank comes out too high, as published.
    """
    if np.allclose(tensor, 0):
        return 0
    low, high = lower_bound(tensor), tensor.size // max(tensor.shape)
    while low < high:
        middle = (low + high) // 2
        if _fits(tensor, middle, rng):
            high = middle
        else:
            low = middle + 1
    return low


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return, (run,), ``tensor_rank`` of the last state, and of the observed entries with zeros elsewhere
    ``zero_filled_rank`` and ``zero_filled_error``, the distance to the target relative to its norm.

    Zeros elsewhere are where gradient descent on the tensor itself ends, from zero; runs with the same
    observations share one rank.
    """
    modes = [dim for dim in runs.target.dims if dim != "run"]
    ends = last(runs).end_to_end.transpose("run", *modes).to_numpy().astype(np.float64)
    seeds = zip(runs.data_seed.to_numpy(), runs.seed.to_numpy(), strict=True)
    ranks = [tensor_rank(end, np.random.default_rng([*pair, 5])) for end, pair in zip(ends, seeds, strict=True)]

    filled, targets = (runs[name].transpose("run", *modes).to_numpy() for name in ("observed_values", "target"))
    rows, inverse = np.unique(filled.reshape(len(filled), -1), axis=0, return_inverse=True)
    filled_ranks = np.array([tensor_rank(row.reshape(targets.shape[1:]), np.random.default_rng(6)) for row in rows])
    axes = tuple(range(1, targets.ndim))
    errors = np.sqrt(((filled - targets) ** 2).sum(axes) / (targets**2).sum(axes))
    found = {"tensor_rank": np.array(ranks), "zero_filled_rank": filled_ranks[inverse], "zero_filled_error": errors}
    return xr.Dataset({name: ("run", values) for name, values in found.items()})
