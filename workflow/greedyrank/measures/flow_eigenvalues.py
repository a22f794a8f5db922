"""What gradient flow would have learned of each eigenvalue, where every factor starts as alpha I."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.measures import target_eigenvalues
from greedyrank.theory import recovery_times


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return ``flow_eigenvalue`` (run, record, eigenvector) and ``flow_deviation`` (run).

    For full estimation of a symmetric target from identical init, at the flow times recorded;
    eigenvalues descend. The deviation is the largest distance of gradient descent from the flow over all records and
    positive eigenvalues, relative to the largest of them. (Of a negative eigenvalue the flow never learns
    anything, and descent at depth 2 does in the end, from its rounding errors.)
    """
    learned = target_eigenvalues.measure(runs)
    times = runs.flow_time.to_numpy()
    values = np.linalg.eigvalsh(runs.target.to_numpy())[:, ::-1]
    found = np.full((*times.shape, values.shape[1]), np.nan)
    for run, (depth, alpha) in enumerate(zip(runs.depth.to_numpy(), runs.layer_alpha.to_numpy(), strict=True)):
        here = np.isfinite(times[run])
        for place, eigenvalue in enumerate(values[run]):
            found[run, here, place] = recovery_times.eigenvalue_flow(eigenvalue, int(depth), alpha, times[run, here])
    flow = xr.DataArray(found, dims=("run", "record", "eigenvector"))
    positive = learned.target_eigenvalue > 0
    off = np.abs(learned.learned_eigenvalue - flow).where(positive).max(("record", "eigenvector"))
    deviation = off / learned.target_eigenvalue.max("eigenvector")
    return xr.Dataset({"flow_eigenvalue": flow, "flow_deviation": deviation})
