"""Recovery times of single eigenvalues, over random admissible settings of the theorem that bounds them.

With identical init gradient descent on a symmetric matrix separates into scalar recursions
d <- d - eta d^(N - 1) (d^N - lambda), Chou et al. 2020. These recursions are run here: the theorem is about them,
and several hundred take a second.
"""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from greedyrank.theory import recovery_times, step_limits

LONGEST = 20_000  # steps; draws whose bound is beyond are left out


def _draw(case: str, depth: int, rng: np.random.Generator) -> dict[str, float]:
    """Draw a setting to which one case of the bound applies; all but its scale is uniform."""
    size = 10 ** rng.uniform(0, 1)
    alpha = size ** (1 / depth) * 10 ** rng.uniform(-1.5, 0)
    eigenvalue, highest = size, recovery_times.fastest_share(depth) ** (1 / depth)
    if case == "negative":
        eigenvalue = -size
    elif case == "above":
        eigenvalue = alpha**depth * rng.uniform(0, 1)
    elif case == "late":
        alpha = size ** (1 / depth) * rng.uniform(highest, 1)
    elif alpha**depth > recovery_times.fastest_share(depth) * size:
        alpha *= highest
    distance = abs(alpha - max(eigenvalue, 0.0) ** (1 / depth))
    tolerance = distance * 10 ** rng.uniform(-3, 0)
    if case == "early":
        tolerance = rng.uniform((1 - highest) * size ** (1 / depth), distance)
    elif case == "full":
        tolerance = (1 - highest) * size ** (1 / depth) * 10 ** rng.uniform(-3, 0)
    rate = step_limits.limit([eigenvalue], depth, alpha) * 10 ** rng.uniform(-1.5, 0)
    return {"eigenvalue": eigenvalue, "alpha": alpha, "tolerance": tolerance, "rate": rate}


def recovery_steps(draws: xr.Dataset) -> np.ndarray:
    """Return the first step at which |d - max(lambda, 0)^(1/N)| <= tolerance, infinite where not within the bound."""
    depth, eigenvalue = draws.depth.to_numpy(), draws.eigenvalue.to_numpy()
    rate, tolerance = draws.rate.to_numpy(), draws.tolerance.to_numpy()
    root = np.maximum(eigenvalue, 0.0) ** (1 / depth)
    d = draws.alpha.to_numpy().copy()
    steps = np.full(len(d), np.inf)
    for step in range(1, int(np.ceil(draws.bound.max())) + 2):
        d -= rate * d ** (depth - 1) * (d**depth - eigenvalue)
        steps[np.isinf(steps) & (np.abs(d - root) <= tolerance)] = step
        if np.isfinite(steps).all():
            break
    return steps


@functools.cache
def draw(depths: tuple[int, ...], count: int, seed: int) -> xr.Dataset:
    """Draw settings, ``count`` for each depth and each case of the bound, and run them.

    Returns
    -------
    xr.Dataset
        Along ``draw``: ``case``, ``depth``, ``eigenvalue``, ``alpha``, ``tolerance``, ``rate``; ``steps``
        until recovery; ``bound`` on them, `recovery_times.recovery_bound`; ``flow_steps`` that gradient flow takes.
    """
    rng = np.random.default_rng([seed, 4])
    rows = []
    for depth in depths:
        for case in recovery_times.RECOVERY_CASES:
            kept = 0
            while kept < count:
                drawn = _draw(case, int(depth), rng)
                bound = recovery_times.recovery_bound(depth=int(depth), **drawn)
                if bound > LONGEST:
                    continue
                kept += 1
                rows.append({"case": case, "depth": int(depth), **drawn, "bound": bound})
    draws = xr.Dataset({name: ("draw", np.array([row[name] for row in rows])) for name in rows[0]})
    return draws.assign(steps=("draw", recovery_steps(draws)), flow_steps=("draw", _flow_steps(draws)))


def _flow_steps(draws: xr.Dataset) -> np.ndarray:
    root = np.maximum(draws.eigenvalue, 0.0) ** (1 / draws.depth)
    ends = (root + np.sign(draws.alpha - root) * draws.tolerance).to_numpy()
    columns = (draws[name].to_numpy() for name in ("eigenvalue", "depth", "alpha", "rate"))
    return np.array(
        [
            recovery_times.flow_time(value, depth, alpha, end) / rate
            for value, depth, alpha, rate, end in zip(*columns, ends, strict=True)
        ]
    )
