"""Reconstruction error and tensor rank against the number of observations, order 3: Razin & Cohen 2020."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures import reductions
from greedyrank.figures.canvas import Canvas, unbroken
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select

ZERO_FILLED = {"color": COLORS["blue"], "marker": "o", "linestyle": "--"}
INITS = {  # standard deviation of the factors' entries; 3e-3 is ours
    1.0e-2: {"color": COLORS["orange"], "marker": "v", "linestyle": "-"},
    3.0e-3: {"color": COLORS["purple"], "marker": "s", "linestyle": ":"},
    1.0e-3: {"color": COLORS["green"], "marker": "^", "linestyle": "-."},
}
HOLLOW: dict[str, Any] = {
    "linestyle": "none",
    "markersize": 3.5,
    "markerfacecolor": "none",
    "markeredgewidth": 0.6,
    "alpha": 0.6,
}
DRAWN, RELEASED = "drawn targets", "released target"


def _points(runs: xr.Dataset, variable: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of observations of some runs, and a variable of theirs."""
    return runs.observations.to_numpy().astype(float), runs[variable].to_numpy()


def _series(
    canvas: Canvas, panel: int, parts: dict[str, xr.Dataset], variable: str, name: str, style: dict, known: Sequence
) -> None:
    """Draw every run on drawn targets, medians and quartiles on the released one, and published medians as diamonds.

    Where there are no runs on the released target, medians and quartiles are of those on drawn ones.
    """
    for part, runs in parts.items():
        x, y = _points(runs, variable)
        canvas.keep(panel, f"{name}, {part}", x, y)
        capped = canvas.shows(runs)
        if part == DRAWN:
            canvas.panels[panel].plot(x, y, **{**style, **HOLLOW})
            canvas.cross(panel, x[capped], y[capped])
    part, runs = next((part, parts[part]) for part in (RELEASED, DRAWN) if parts[part].sizes["run"])
    x, y = _points(runs, variable)
    places = np.unique(x)
    low, middle, high = np.transpose([np.percentile(y[x == place], [25, 50, 75]) for place in places])
    for quartile, values in (("first quartile", low), ("third quartile", high)):
        canvas.keep(panel, f"{name}, {part}, {quartile}", places, values)
    canvas.panels[panel].vlines(places, low, high, color=style["color"], linewidth=2.5, alpha=0.4, zorder=1)
    known_at, known_medians = np.array(known, dtype=float).reshape(-1, 2).T
    left_out = np.union1d(known_at, reductions.in_full(runs, "observations"))
    for number, some in enumerate(unbroken(places, left_out)):
        series, label = f"{name}, {part}, median", None if number else name
        canvas.line(panel, places[some], middle[some], series, label=label, markersize=4, **style)
    if known:
        label = "published" if style is ZERO_FILLED else None
        canvas.published(panel, known_at, known_medians, f"{name}, published", color=style["color"], label=label)


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    error_min: PositiveFloat = 1e-7,
    legend_x: float = 0.5,
    legend_y: float = 0.5,
) -> Canvas:
    """Draw errors (left) and tensor ranks (right), a row for each target rank."""
    ends = {name: last(runs) for name, runs in sweeps.items()}
    drawn = next(runs for name, runs in ends.items() if not name.endswith("_released"))
    released = next((runs for name, runs in ends.items() if name.endswith("_released")), drawn.isel(run=[]))
    target_ranks, shape = np.unique(drawn.target_rank), str(drawn["shape"].values[0])
    canvas = Canvas(len(target_ranks), 2, width=width, height=2.5, sharex=True)
    quantities = (("error", "relative_error", "zero_filled_error"), ("rank", "tensor_rank", "zero_filled_rank"))
    for row, target_rank in enumerate(map(float, target_ranks)):
        here = {
            part: select(runs, {"target_rank": target_rank}) for part, runs in ((DRAWN, drawn), (RELEASED, released))
        }
        stds = np.unique(np.concatenate([runs.factor_std for runs in here.values()]))[::-1]
        for column, (what, learned, filled) in enumerate(quantities):
            panel = 2 * row + column
            known = published.get(f"{target_rank:.0f}", {}).get(what, {})
            _series(canvas, panel, here, filled, "zeros elsewhere", ZERO_FILLED, known.get("zeros elsewhere", []))
            for std in map(float, stds):
                some = {part: select(runs, {"factor_std": std}) for part, runs in here.items()}
                name = f"init {std:g}"
                _series(canvas, panel, some, learned, name, INITS[std], known.get(name, []))
            canvas.title(panel, f"target of rank {target_rank:.0f}")
        errors, counts = canvas.panels[2 * row : 2 * row + 2]
        errors.set(yscale="log", ylabel="relative error")
        errors.set_ylim(bottom=error_min)
        counts.axhline(target_rank, color="0.6", linewidth=0.8, zorder=0)
        counts.set(ylabel="tensor rank")
        counts.set_ylim(bottom=0)
        counts.yaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]  # of a MaxNLocator
        handles = dict(zip(*reversed(counts.get_legend_handles_labels()), strict=True))
        names = sorted(handles, key="published".__eq__)  # which comes last
        counts.legend([handles[name] for name in names], names, loc="center", bbox_to_anchor=(legend_x, legend_y))
    entries = np.prod([int(length) for length in shape.split("x")])
    for axes in canvas.bottom:
        axes.set_xlabel(f"observed entries of {entries:,}")
    if not released.sizes["run"]:
        canvas.remarks.append(f"{len(np.unique(drawn.data_seed))} targets of our own, without the released one")
    return canvas
