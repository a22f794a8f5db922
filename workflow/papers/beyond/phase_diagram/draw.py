"""What is learned, over init scale and number of observations: CP and deep matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LogNorm
from pydantic import PositiveFloat

from beyond.phase_diagram.statistics import cells, degrees_of_freedom, learned_components
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last

# Sweep, init, and what the rows of its panels say.
ROWS = (
    ("phase_cp", "factor_std", "CP, 8 x 8 x 8, rank 3", "init (factors)"),
    ("phase_matrix", "product_std", "matrix, 24 x 24, rank 3", "init (product)"),
)
MOST = 10  # as many components as are measured


def _heat(canvas: Canvas, panel: int, values: xr.DataArray, init: str, series: str, **style):
    """Draw the median of each cell; inits at equal distances, whatever their scale."""
    inits, observations, table = cells(values, init)
    axes = canvas.panels[panel]
    for scale, row in zip(inits, table, strict=True):
        canvas.keep(panel, f"{series}, init {scale:g}", observations, row)
    half = np.diff(observations).min() / 2
    edges = np.append(observations - half, observations[-1] + half)
    drawn = axes.pcolormesh(edges, np.arange(len(inits) + 1) - 0.5, table, **style)
    axes.set_yticks(range(len(inits)), [f"{scale:g}" for scale in inits])
    return drawn, observations, table


def _hatch(axes: Axes, observations: np.ndarray, share: np.ndarray) -> None:
    """Hatch the cells most of whose runs a cap on steps ended."""
    rows, columns = np.nonzero(share >= 0.5)
    look: dict[str, Any] = {"fill": False, "hatch": "////", "edgecolor": "0.55", "linewidth": 0}
    axes.bar(observations[columns], 1, np.diff(observations).min(), bottom=rows - 0.5, **look)


def _mark(axes: Axes, observations: np.ndarray, chosen: np.ndarray) -> None:
    rows, columns = np.nonzero(chosen)
    axes.plot(observations[columns], rows, ".", color="white", markersize=2.5)


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    learned: PositiveFloat = 0.02,
    recovered: PositiveFloat = 0.01,
) -> Canvas:
    """Draw the number of components above a share of the target's norm, and the error, of each cell."""
    canvas = Canvas(2, 2, width=width, height=2.4)
    for row, (name, init, title, label) in enumerate(ROWS):
        runs = sweeps[name]
        rank = int(runs.target_rank[0])
        freedom = degrees_of_freedom(runs["shape"].values[0], rank)
        panels = (2 * row, 2 * row + 1)
        levels = np.arange(0.5, MOST + 1)
        style = {"cmap": "viridis_r", "norm": BoundaryNorm(levels, 256)}
        count = learned_components(runs, learned=learned)
        drawn, observations, table = _heat(canvas, panels[0], count, init, "components", **style)
        bar = canvas.figure.colorbar(drawn, ax=canvas.panels[panels[0]], ticks=[1, 3, 5, 7, 10])
        bar.ax.set_yticklabels(["1", "3", "5", "7", "10+"])
        _mark(canvas.panels[panels[0]], observations, np.abs(table - rank) < 0.5)
        canvas.title(panels[0], f"{title}: components")
        style = {"cmap": "magma", "norm": LogNorm(1e-3, 1)}
        drawn, observations, table = _heat(canvas, panels[1], last(runs).relative_error, init, "error", **style)
        canvas.figure.colorbar(drawn, ax=canvas.panels[panels[1]], extend="both")
        _mark(canvas.panels[panels[1]], observations, table < recovered)
        canvas.title(panels[1], f"{title.split(',')[0]}: relative error")
        capped = xr.DataArray(canvas.shows(runs).astype(float), coords=runs[init].coords, dims="run")
        _, observations, share = cells(capped, init)
        for panel in panels:
            axes = canvas.panels[panel]
            _hatch(axes, observations, share)
            axes.axvline(freedom, color=COLORS["sky"], linestyle="--", linewidth=1.2)
            axes.set(xlabel=f"observations (dashed: {freedom})", ylabel=label)
    return canvas
