"""How often a random init makes the norm diverge: beyond Razin & Cohen 2020."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat
from scipy import stats

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select

SIGNS = {"det > 0": (1, "orange", "o"), "det < 0": (-1, "green", "s")}
DTYPES = {"float64": ("blue", "o", 1.06), "float32": ("amber", "s", 1 / 1.06)}


def _share(canvas: Canvas, panel: int, place: float, hits: np.ndarray, series: str, **style) -> None:
    """Draw the share of hits with its Wilson interval of 95 %."""
    if not len(hits):
        return
    share = hits.mean()
    interval = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
    canvas.keep(panel, series, [place], [share], low=[interval.low], high=[interval.high], runs=[len(hits)])
    # Rounding can leave an end of the interval inside the share.
    ends = [[max(share - interval.low, 0)], [max(interval.high - share, 0)]]
    canvas.panels[panel].errorbar([place], [share], yerr=ends, capsize=2.5, markersize=4, linestyle="none", **style)


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
        canvas.title(panel, f"depth {depth}, {here.sizes['run']} inits")
        first = np.sign(here.determinant.isel(record=0).to_numpy())
        for name, (sign, color, marker) in SIGNS.items():
            label = name if panel == 0 else None
            hits = level[first == sign] > threshold
            style = {"color": COLORS[color], "marker": marker, "label": label}
            _share(canvas, 3, depth + 0.08 * sign, hits, f"depth {depth}, {name}", **style)
    canvas.remarks.append(f"the thousand inits of each depth train to loss {float(last(runs).loss.max()):.0e}")
    canvas.panels[0].legend(loc="upper left", handlelength=1.0, markerscale=2.5)
    canvas.title(3, "share that diverges")
    canvas.panels[3].set(
        xlabel="depth", ylabel=f"share above {threshold:g} at the stop", xticks=[2, 3, 4], xlim=(1.6, 4.4)
    )
    canvas.panels[3].legend(loc="center left", handlelength=1.0)

    deep = select(runs, {"depth": 3})
    deep = deep.isel(run=np.flatnonzero(deep.determinant.isel(record=0) > 0))
    crossed = (last(deep).determinant < 0).to_numpy()
    style = {"color": COLORS["black"], "marker": "^", "label": "depth 3, float64"}
    _share(canvas, 4, float(deep.learning_rate[0]), crossed, "depth 3, float64", **style)
    for dtype, (color, marker, apart) in DTYPES.items():
        for number, rate in enumerate(np.unique(steps.learning_rate)):
            ends = last(select(steps, {"dtype": dtype, "learning_rate": float(rate)}))
            label = None if number else f"depth 2, {dtype}"
            style = {"color": COLORS[color], "marker": marker, "label": label}
            _share(canvas, 4, rate * apart, (ends.determinant < 0).to_numpy(), f"depth 2, {dtype}", **style)
        ends = last(select(steps, {"dtype": dtype}))
        entry = np.abs(ends.unobserved_entry)
        look = {"color": COLORS[color], "label": dtype}
        canvas.medians(5, ends.learning_rate * apart, entry, dtype, marker, **look)
    canvas.title(4, "share whose det changes sign")
    canvas.panels[4].set(ylabel="share with det < 0 at the stop")
    canvas.title(5, "depth 2: height")
    low, high = canvas.panels[5].get_ylim()
    canvas.panels[5].set(ylabel=r"$|W_{11}|$ at the stop", ylim=(low, high + 0.25 * (high - low)))
    canvas.panels[5].legend(loc="upper left", handlelength=1.4)
    canvas.panels[4].legend(loc="center right", handlelength=1.0)
    for axes in canvas.panels[4:]:
        axes.set(xscale="log", xlim=(0.1, 3e-5), xlabel="learning rate")
    for axes in canvas.panels[3:5]:
        axes.set_ylim(-0.05, 1.08)
    return canvas
