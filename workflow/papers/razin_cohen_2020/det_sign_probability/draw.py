"""How often a random init makes the norm diverge: beyond Razin & Cohen 2020."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.lines import Line2D
from pydantic import PositiveFloat
from scipy import stats

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select

SIGNS = {"det > 0": (1, "orange", "o"), "det < 0": (-1, "green", "s")}
DTYPES = {"float64": ("blue", "o", 1.06), "float32": ("amber", "s", 1 / 1.06)}


def _share(canvas: Canvas, panel: int, row: float, hits: np.ndarray, series: str, **style) -> None:
    """Draw the share of hits with its Wilson interval of 95 %."""
    if not len(hits):
        return
    share = hits.mean()
    interval = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
    canvas.keep(panel, series, [share], [row], low=[interval.low], high=[interval.high], runs=[len(hits)])
    # Rounding can leave an end of the interval inside the share.
    ends = [[max(share - interval.low, 0)], [max(interval.high - share, 0)]]
    canvas.panels[panel].errorbar([share], [row], xerr=ends, capsize=2.5, markersize=4, linestyle="none", **style)


def _against_det(canvas: Canvas, panel: int, runs: xr.Dataset, level: np.ndarray, threshold: float) -> None:
    first = runs.determinant.isel(record=0) / runs.product_std**2
    axes = canvas.panels[panel]
    for name, (sign, color, marker) in SIGNS.items():
        here = np.flatnonzero(np.sign(first) == sign)
        canvas.keep(panel, name, first[here], level[here])
        axes.plot(first[here], level[here], marker, color=COLORS[color], markersize=1.6, label=name)
    axes.axhline(threshold, color=COLORS["gray"], linestyle=":", linewidth=0.8)
    axes.set(
        xlim=(-12, 12), ylim=(-0.04, 1.15), xlabel=r"det W(0) / init$^2$", ylabel=r"$|W_{11}|\sqrt{2\ell}$ at the stop"
    )
    axes.set_xscale("symlog", linthresh=0.1)
    axes.set_xticks([-10, -1, -0.1, 0, 0.1, 1, 10], ["-10", "-1", "", "0", "", "1", "10"])


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", threshold: PositiveFloat = 0.5
) -> Canvas:
    """Draw the end of a thousand runs per depth against det W(0), shares that diverge, and the role of the step."""
    canvas = Canvas(2, 3, width=width, height=2.35)
    runs, steps = sweeps["det_sign_probability"], sweeps["det_sign_step_size"]
    for panel, depth in enumerate((2, 3, 4)):
        here = select(runs, {"depth": depth})
        ends = last(here)
        level = (np.abs(ends.unobserved_entry) * np.sqrt(2 * ends.loss)).to_numpy()
        _against_det(canvas, panel, here, level, threshold)
        canvas.title(panel, f"depth {depth}")
        first = np.sign(here.determinant.isel(record=0).to_numpy())
        for name, (sign, color, marker) in SIGNS.items():
            hits = level[first == sign] > threshold
            style = {"color": COLORS[color], "marker": marker}
            _share(canvas, 3, depth - 2 - 0.15 * sign, hits, f"depth {depth}, {name}, diverges", **style)
    deep = select(runs, {"depth": 3})
    deep = deep.isel(run=np.flatnonzero(deep.determinant.isel(record=0) > 0))
    crossed = (last(deep).determinant < 0).to_numpy()
    _share(canvas, 3, 4, crossed, "depth 3, det changes sign", color=COLORS["blue"], marker="o")
    for dtype, (color, marker, apart) in DTYPES.items():
        ends = last(select(steps, {"dtype": dtype}))
        row = 3 - 0.15 * np.sign(apart - 1)
        flips = (ends.determinant < 0).to_numpy()
        _share(canvas, 3, row, flips, f"depth 2, det changes sign, {dtype}", color=COLORS[color], marker=marker)
        entry, look = np.abs(ends.unobserved_entry), {"color": COLORS[color], "label": dtype}
        canvas.medians(4, ends.learning_rate * apart, entry, dtype, marker, **look)
    canvas.title(3, "shares of runs")
    rows = [*(f"depth {depth}: above {threshold:g}" for depth in (2, 3, 4)), "depth 2: det flips", "depth 3: det flips"]
    canvas.panels[3].set_yticks(range(len(rows)), rows)
    canvas.panels[3].set(xlabel="share", xlim=(-0.05, 1.05), ylim=(4.5, -0.5))
    canvas.title(4, "depth 2: height")
    axes = canvas.panels[4]
    axes.set(xscale="log", xlim=(0.1, 3e-5), xlabel="step size", ylabel=r"$|W_{11}|$ at the stop")
    handles = [
        Line2D([], [], color=COLORS[color], marker=marker, linestyle="none", markersize=4, label=name)
        for name, (color, marker) in {
            **{name: look[1:] for name, look in SIGNS.items()},
            **{f"{dtype}, det > 0": look[:2] for dtype, look in DTYPES.items()},
        }.items()
    ]
    canvas.panels[5].legend(handles=handles, loc="center")
    canvas.panels[5].set_axis_off()
    return canvas
