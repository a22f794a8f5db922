"""What the figures of deep matrix factorizations, ``dmf_*``, share: how they are drawn, and their statistics.

Statistics are those at the end of each run.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from greedyrank.figures import reductions
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS
from greedyrank.spectra.selection import last

DEPTHS = {
    2: {"color": COLORS["blue"], "marker": "o"},
    3: {"color": COLORS["orange"], "marker": "^"},
    4: {"color": COLORS["green"], "marker": "v"},
}
MINIMUM = {"color": COLORS["purple"], "marker": "s", "linestyle": "--"}
TRUTH = {"color": COLORS["black"], "marker": "_", "linestyle": ":"}


def initial_norm(runs: xr.Dataset) -> xr.DataArray:
    """Return the expected ||W(0)||_F of each run, n times the entries' standard deviation.

    The targets have ``target_norm`` = n: their mean squared entry is 1.
    """
    return runs.product_std * runs.target_norm


def inits_in_full(runs: xr.Dataset) -> np.ndarray:
    """Return the expected ||W(0)||_F of the inits in full, where the runs have fewer."""
    return reductions.in_full(runs, "product_std") * runs.target_norm.to_numpy()[:1]


def compare(canvas: Canvas, row: int, runs: xr.Dataset, x: xr.DataArray, title: str, left_out: ArrayLike = ()) -> None:
    """Draw a row: error, nuclear norm above the minimum, and effective rank, with minimum and truth.

    Targets differ in their nuclear norm from data seed to data seed; the excess over the minimum
    that fits compares them. ``x`` is in the order of ``runs``; no line goes over values that are ``left_out`` there.
    """
    errors, norms, ranks = (3 * row + column for column in range(3))
    for depth, style in DEPTHS.items():
        here = np.flatnonzero(runs.depth == depth)
        some = runs.isel(run=here)
        drawn = (some.relative_squared_error, some.nuclear_norm - some.minimum_nuclear_norm, some.effective_rank)
        for panel, values in zip((errors, norms, ranks), drawn, strict=True):
            if len(here):
                name, capped = f"depth {depth}", canvas.shows(some)
                canvas.medians(panel, x[here], values, name, label=name, capped=capped, left_out=left_out, **style)
    minima = (runs.minimum_error, 0 * runs.minimum_error, runs.minimum_effective_rank)
    for panel, values in zip((errors, norms, ranks), minima, strict=True):
        canvas.medians(
            panel, x, values, "minimum nuclear norm", label="minimum nuclear norm", left_out=left_out, **MINIMUM
        )
    truths = (runs.target_nuclear_norm - runs.minimum_nuclear_norm, runs.target_effective_rank)
    for panel, values in zip((norms, ranks), truths, strict=True):
        canvas.medians(panel, x, values, "target", label="target", left_out=left_out, **TRUTH)
    canvas.title(errors, f"{title}: error")
    canvas.title(norms, "nuclear norm")
    canvas.title(ranks, "effective rank")
    canvas.panels[errors].set(yscale="log", ylabel="relative squared error")
    canvas.panels[norms].set_ylabel("nuclear norm - minimum")
    canvas.panels[ranks].set_ylabel("effective rank")


def error(runs: xr.Dataset) -> np.ndarray:
    """Return the reconstruction error, the relative squared distance to the target."""
    return last(runs).relative_squared_error.to_numpy()


def minimum_error(runs: xr.Dataset) -> np.ndarray:
    """Return the reconstruction error of the solution of minimum nuclear norm."""
    return runs.minimum_error.to_numpy()


def nuclear_norm_excess(runs: xr.Dataset) -> np.ndarray:
    """Return the nuclear norm minus the minimum over all matrices that fit."""
    return (last(runs).nuclear_norm - runs.minimum_nuclear_norm).to_numpy()


def excess_over_truth(runs: xr.Dataset) -> np.ndarray:
    """Return the nuclear norm's excess over the minimum, relative to the target's excess."""
    return nuclear_norm_excess(runs) / (runs.target_nuclear_norm - runs.minimum_nuclear_norm).to_numpy()


def effective_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the effective rank."""
    return last(runs).effective_rank.to_numpy()


def minimum_effective_rank(runs: xr.Dataset) -> np.ndarray:
    """Return the effective rank of the solution of minimum nuclear norm."""
    return runs.minimum_effective_rank.to_numpy()


def rank_below_minimum(runs: xr.Dataset) -> np.ndarray:
    """Return by how much the effective rank is below that of the solution of minimum nuclear norm."""
    return minimum_effective_rank(runs) - effective_rank(runs)
