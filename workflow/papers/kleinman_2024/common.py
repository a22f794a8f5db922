"""What the figures of critical periods share: errors at the end of each run, drawn and compared."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS
from greedyrank.spectra.selection import along, last

DEPTHS = {1: ("orange", "x"), 2: ("blue", "s"), 3: ("green", "^")}  # colour and marker


def draw_errors(
    canvas: Canvas,
    panel: int,
    runs: xr.Dataset,
    x: ArrayLike,
    label: str,
    look: tuple[str, str],
    left_out: ArrayLike = (),
) -> None:
    """Draw the final error of each run, and a line through the medians."""
    canvas.shows(runs)
    errors, (color, marker) = last(runs).relative_squared_error, look
    canvas.medians(panel, x, errors, label, marker, left_out=left_out, color=COLORS[color], label=label, linewidth=0.8)
    canvas.panels[panel].set(ylabel="reconstruction error", yscale="log")


def final_error(runs: xr.Dataset) -> np.ndarray:
    """Return the reconstruction error at the end of each run."""
    return last(runs).relative_squared_error.to_numpy()


def largest_change(runs: xr.Dataset) -> np.ndarray:
    """Return, for each data seed, by how much the error differs at most between deficits of different lengths."""
    errors = last(runs).relative_squared_error
    return np.array([np.ptp(errors.to_numpy()[errors.data_seed == seed]) for seed in np.unique(errors.data_seed)])


def damage(runs: xr.Dataset, *, deficit_steps: int) -> np.ndarray:
    """Return the error after a deficit less that after one of a single step, for each data seed and depth."""
    errors = last(runs).relative_squared_error
    found = [
        along(errors[errors.depth == depth], "deficit_steps", [1, deficit_steps]) for depth in np.unique(runs.depth)
    ]
    return np.array([after - before for pairs in found for before, after in pairs])
