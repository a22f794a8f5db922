"""Init scales of the determinant-sign counterexample: Razin & Cohen 2020, slide with three inits."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select
from greedyrank.theory import counterexample
from razin_cohen_2020.common import HALF_SUM_OF_MEAN, share_below

INITS = {1e-3: "blue", 1e-4: "green", 1e-5: "orange"}
NAMES = {1e-3: "1e-3", 1e-4: "1e-4", 1e-5: "1e-5"}
DRAWN = 20  # seeds whose curves are drawn; their ends are drawn of all
MIDDLE = 0.9  # the gray band: where a published run of the same settings lies with this probability

# Depth, balanced, sign of the determinant: the settings that the slide leaves open.
CURVES = ((3, False, "positive"), (4, True, "negative"), (3, True, "positive"))
READINGS = tuple((d, b, s) for b in (False, True) for s in ("positive", "negative") for d in (2, 3, 4))


def _name(depth: int, balanced: bool, det: str, long: bool = True) -> str:
    sign = ">" if det == "positive" else "<"
    mark = ", b" if balanced else ""
    return f"depth {depth}, det {sign} 0{mark}" if long else f"{depth}, {sign} 0{' (b)' if balanced else ''}"


def _runs(sweep: xr.Dataset, depth: int, balanced: bool, det: str) -> xr.Dataset:
    return select(sweep, {"depth": depth, "balanced": balanced, "det": det})


def _curves(canvas: Canvas, panel: int, runs: xr.Dataset, published: dict) -> None:
    for std, color in INITS.items():
        here = select(runs, {"product_std": std, "seed": list(range(DRAWN))})
        style = {"color": COLORS[color], "linestyle": "-", "linewidth": 1.2, "label": f"init {NAMES[std]}"}
        canvas.each_run(panel, here, here.loss, np.abs(here.unobserved_entry), f"init {NAMES[std]}", **style)
    losses = np.geomspace(1, 1e-4, 200)
    style = {"color": COLORS["black"], "linestyle": "--", "linewidth": 0.8, "zorder": 5, "label": r"$1/\sqrt{3\,\ell}$"}
    canvas.line(panel, losses, counterexample.unobserved_entry(HALF_SUM_OF_MEAN * losses), "1/sqrt(3 loss)", **style)
    ends = [height for _, height in published.get("heights", [])]
    canvas.published(panel, [published["loss"]] * len(ends), ends)


def _heights(canvas: Canvas, panel: int, sweep: xr.Dataset, readings: tuple, published: dict) -> None:
    looks = (("blue", "o"), ("orange", "s"), ("green", "^"))
    for number, (reading, (color, marker)) in enumerate(zip(readings, looks, strict=True)):
        ends = last(_runs(sweep, *reading))
        apart = ends.product_std * 10 ** (0.13 * (number - 1))
        name, look = _name(*reading), {"color": COLORS[color], "label": f"depth {reading[0]}"}
        canvas.medians(panel, apart, np.abs(ends.unobserved_entry), name, marker, capped=canvas.shows(ends), **look)
    points = np.array(published["heights"])
    canvas.published(panel, points[:, 0], points[:, 1])
    canvas.panels[panel].set(xscale="log", xlim=(3e-3, 3e-6), xlabel="init (std of the product)")


def _shares(canvas: Canvas, panel: int, sweep: xr.Dataset, published: dict) -> None:
    """Draw the share of the seeds that ends below the published height, for each reading and init."""
    axes = canvas.panels[panel]
    for number, (std, height) in enumerate(published["heights"]):
        color = COLORS[INITS[std]]
        shares = []
        for reading in READINGS:
            ends = last(select(_runs(sweep, *reading), {"product_std": std}))
            shares.append(share_below(np.abs(ends.unobserved_entry.to_numpy()), height, published["reading"]))
        rows = np.arange(len(READINGS)) + 0.2 * (number - 1)
        canvas.keep(panel, f"init {NAMES[std]}", shares, rows, reading=[_name(*reading) for reading in READINGS])
        axes.plot(shares, rows, "os^"[number], color=color, markersize=3.5, label=NAMES[std])
    axes.axvspan((1 - MIDDLE) / 2, (1 + MIDDLE) / 2, color="0.93", zorder=0)
    axes.set_yticks(range(len(READINGS)), [_name(*reading, long=False) for reading in READINGS])
    axes.set(xlim=(-0.06, 1.06), ylim=(len(READINGS) - 0.4, -3.2), xlabel="share below published")
    axes.set_ylabel("depth, sign of det (b: balanced)")
    axes.legend(loc="upper center", ncols=3, title="init", handletextpad=0, columnspacing=0.6, borderaxespad=0.1)


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    entry_max: PositiveFloat = 65.0,
) -> Canvas:
    """Draw |W_11| against the mean loss for three readings, and which readings have the published heights."""
    canvas = Canvas(2, 3, width=width, height=2.9)
    sweep = sweeps["det_sign_init"]
    for panel, reading in enumerate(CURVES):
        _curves(canvas, panel, _runs(sweep, *reading), published)
        canvas.title(panel, _name(*reading))
        axes = canvas.panels[panel]
        axes.set(xscale="log", xlim=(1.0, 8e-5), ylim=(-1, entry_max), xlabel="loss (mean)", ylabel=r"$|W_{11}|$")
    canvas.panels[0].legend(loc="upper left", handlelength=1.4)
    for panel, balanced, det in ((3, False, "positive"), (4, True, "negative")):
        _heights(canvas, panel, sweep, tuple((depth, balanced, det) for depth in (2, 3, 4)), published)
        canvas.title(panel, "not b, det > 0" if not balanced else "b, det < 0")
        canvas.panels[panel].set(ylim=(-2, 1.45 * entry_max), ylabel=r"$|W_{11}|$ at loss 1e-4")
        canvas.panels[panel].legend(loc="upper left", handlelength=1.4)
    _shares(canvas, 5, sweep, published)
    canvas.title(5, "which reading?")
    return canvas
