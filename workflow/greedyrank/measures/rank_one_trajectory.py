"""Distance of a trajectory to the rank-one trajectory that starts where it first leaves a sphere."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.theory import rank_one

RADIUS = 0.05  # of the sphere around the origin, relative to ||W*||
HORIZON = 60.0  # flow time from the sphere on, up to which a run is compared
# The rank-one trajectory goes on for longer, as a run from a large init may be ahead of it.
CURVE_TIMES = np.linspace(0.0, 2 * HORIZON, 601)


def distances(points: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Return the distance of each point, a row, to the polygonal line through the rows of ``curve``."""
    starts, along = curve[:-1], np.diff(curve, axis=0)
    lengths = np.maximum((along**2).sum(axis=1), np.finfo(float).tiny)
    offset = points @ along.T - (starts * along).sum(axis=1)
    place = np.clip(offset / lengths, 0, 1)
    squared = (starts**2).sum(axis=1) - 2 * points @ starts.T - place * (2 * offset - place * lengths)
    nearest = squared.argmin(axis=1)
    # Not the root of the square above, in which digits cancel.
    share = np.take_along_axis(place, nearest[:, None], axis=1)
    return np.linalg.norm(points - starts[nearest] - share * along[nearest], axis=1)


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return how far each run is from the rank-one trajectory, up to a horizon; for completion with Huber loss.

    The balanced rank-one trajectory is gradient flow of one component, from a best rank-one
    approximation of W at the first record with ||W|| >= ``RADIUS`` ||W*|| (Razin, Maman & Cohen 2021,
    section 4; sphere and horizon ours). Each (run, record), norms relative to ||W*||:
    ``trajectory_time``, flow time since that record; ``trajectory_norm``, ||W||; and, from that record
    to the horizon, NaN elsewhere, ``rank_one_norm``, that of the rank-one trajectory at the same flow
    time, and ``rank_one_distance``, the smallest distance to it at any time, which does not depend
    on the time scale.
    """
    steps = runs.step.to_numpy()
    names = ("trajectory_time", "trajectory_norm", "rank_one_norm", "rank_one_distance")
    found = {name: np.full(steps.shape, np.nan) for name in names}
    for run in range(runs.sizes["run"]):
        mask, values, target = (runs[name][run].to_numpy() for name in ("observed_mask", "observed_values", "target"))
        threshold, unit = runs.huber_threshold.values[run], np.linalg.norm(target)
        tensors = runs.end_to_end[run].to_numpy()[steps[run] >= 0]
        tensors = tensors.reshape(len(tensors), -1)
        norms = np.linalg.norm(tensors, axis=1) / unit
        found["trajectory_norm"][run, : len(norms)] = norms
        if not (norms >= RADIUS).any():
            continue
        start = np.argmax(norms >= RADIUS)
        times = runs.flow_time[run].to_numpy()[: len(norms)]
        times = times - times[start]
        found["trajectory_time"][run, : len(norms)] = times

        def gradient(tensor, mask=mask, values=values, threshold=threshold):
            return np.clip((tensor - values) / threshold, -1, 1) * mask / mask.sum()

        inside = slice(start, np.searchsorted(times, HORIZON, side="right"))
        vectors = rank_one.best_rank_one(tensors[start].reshape(target.shape))
        curve = rank_one.rank_one_flow(vectors, gradient, CURVE_TIMES).reshape(len(CURVE_TIMES), -1)
        curve_norms = np.linalg.norm(curve, axis=1) / unit
        found["rank_one_norm"][run, inside] = np.interp(times[inside], CURVE_TIMES, curve_norms)
        found["rank_one_distance"][run, inside] = distances(tensors[inside], curve) / unit
    return xr.Dataset({name: (("run", "record"), array) for name, array in found.items()})
