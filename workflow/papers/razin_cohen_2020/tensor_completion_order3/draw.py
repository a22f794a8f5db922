"""Reconstruction error and tensor rank against the number of observations, order 3: Razin & Cohen 2020."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS
from greedyrank.spectra.selection import last, select

ZERO_FILLED = {"color": COLORS["blue"], "marker": "o", "linestyle": "--"}
INITS = {  # standard deviation of the factors' entries; 3e-3 is ours
    1.0e-2: {"color": COLORS["orange"], "marker": "v", "linestyle": "-"},
    3.0e-3: {"color": COLORS["purple"], "marker": "s", "linestyle": ":"},
    1.0e-3: {"color": COLORS["green"], "marker": "^", "linestyle": "-."},
}
PUBLISHED_SIZES = {"8x8x8": 10, "8x8x8x8": 9}


def _series(
    canvas: Canvas, panel: int, runs: xr.Dataset, variable: str, name: str, style: dict, known: Sequence
) -> None:
    """Draw every run, medians, bars from the first to the third quartile, and published medians in gray."""
    x, y = runs.observations.to_numpy().astype(float), runs[variable].to_numpy()
    canvas.medians(panel, x, y, name, label=name, **style)
    places = np.unique(x)
    low, high = np.transpose([np.percentile(y[x == place], [25, 75]) for place in places])
    canvas.keep(panel, f"{name}, first quartile", places, low)
    canvas.keep(panel, f"{name}, third quartile", places, high)
    canvas.panels[panel].vlines(places, low, high, color=style["color"], linewidth=2.5, alpha=0.35, zorder=1)
    if known:
        label = "published" if style is ZERO_FILLED else None
        at, medians = zip(*known, strict=True)
        look = {"marker": style["marker"], "markersize": 7, "label": label}
        canvas.published(panel, at, medians, f"{name}, published", **look)


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: str = "text",
    error_min: float = 1e-7,
    legend_x: float = 0.5,
    legend_y: float = 0.5,
) -> Canvas:
    """Draw errors (left) and tensor ranks (right), a row for each target rank."""
    (runs,) = sweeps.values()
    runs = last(runs)
    target_ranks, shape = np.unique(runs.target_rank), str(runs["shape"].values[0])
    canvas = Canvas(len(target_ranks), 2, width=width, height=2.5, sharex=True)
    quantities = (("error", "relative_error", "zero_filled_error"), ("rank", "tensor_rank", "zero_filled_rank"))
    for row, target_rank in enumerate(target_ranks):
        here = select(runs, {"target_rank": float(target_rank)})
        for column, (what, learned, filled) in enumerate(quantities):
            panel = 2 * row + column
            known = published.get(f"{target_rank:.0f}", {}).get(what, {})
            _series(canvas, panel, here, filled, "zeros elsewhere", ZERO_FILLED, known.get("zeros elsewhere", []))
            for std in np.unique(here.factor_std)[::-1]:
                name, some = f"init {std:g}", select(here, {"factor_std": float(std)})
                _series(canvas, panel, some, learned, name, INITS[float(std)], known.get(name, []))
            canvas.title(panel, f"target of rank {target_rank:.0f}")
        errors, counts = canvas.panels[2 * row : 2 * row + 2]
        errors.set(yscale="log", ylabel=r"$\|W - W^*\|\,/\,\|W^*\|$")
        errors.set_ylim(bottom=error_min)
        counts.axhline(target_rank, color="0.6", linewidth=0.8, zorder=0)
        counts.set(ylabel="tensor rank")
        counts.set_ylim(bottom=0)
        counts.yaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]  # of a MaxNLocator
        counts.legend(loc="center", bbox_to_anchor=(legend_x, legend_y))
    entries = np.prod([int(length) for length in shape.split("x")])
    for axes in canvas.panels[-2:]:
        axes.set_xlabel(f"observed entries of {entries:,}")
    sizes, whole = len(np.unique(runs.observations)), PUBLISHED_SIZES.get(shape)
    canvas.remarks.append(f"{len(np.unique(runs.data_seed))} targets, published 1")
    if whole and sizes < whole:
        canvas.remarks.append(f"{sizes} of {whole} numbers of entries")
    return canvas
