"""Statistics of the two phases: first to the space of the back-projection, then to that of the target."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from karnik_2025.common import value_at


def angle_at(runs: xr.Dataset, *, to: Literal["projection", "target"], step: int) -> np.ndarray:
    """Return the sine of the angle to the leading space of the back-projection, or of the target, at a step."""
    return value_at(runs, f"{to}_angle", step).to_numpy()


def smallest_angle(runs: xr.Dataset, *, error: float) -> np.ndarray:
    """Return the smallest sine of the angle to the back-projection while the relative error is above a level."""
    return runs.projection_angle.where(runs.relative_error > error).min("record").to_numpy()


def power_ratio(runs: xr.Dataset, *, step: int) -> np.ndarray:
    """Return the angle to the back-projection over that of the power iteration, both as sines, at a step."""
    return (value_at(runs, "projection_angle", step) / value_at(runs, "power_angle", step)).to_numpy()


def next_tube(runs: xr.Dataset, *, step: int) -> np.ndarray:
    """Return the norm of the first singular tube beyond the tubal rank of the target, over that of the largest."""
    norms = value_at(runs, "tube_norm", step).transpose("run", "component").to_numpy()
    ranks = runs.target_tubal_rank.to_numpy().astype(int)
    return norms[np.arange(len(norms)), ranks] / norms[:, 0]
