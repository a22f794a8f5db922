"""Norms grow while the rank falls: Razin & Cohen 2020, Theorem 1, which the paper does not draw."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import select
from greedyrank.theory import counterexample

ORDERS = {
    0.5: ("purple", "p = 1/2"),
    1.0: ("blue", "p = 1"),
    2.0: ("green", "p = 2"),
    np.inf: ("orange", r"p = $\infty$"),
}
DEPTHS = {2: "blue", 3: "orange", 4: "green"}
REFERENCE = {"color": COLORS["black"], "linestyle": "--", "linewidth": 0.8, "zorder": 5}


def _norms(canvas: Canvas, panel: int, runs: xr.Dataset) -> None:
    for number, (order, (color, name)) in enumerate(ORDERS.items()):
        # The norms nearly coincide: each is drawn thinner than the one below it.
        style = {"color": COLORS[color], "linestyle": "-", "linewidth": 1.9 - 0.4 * number, "label": name}
        canvas.each_run(panel, runs, runs.loss, runs.schatten_norm.sel(order=order), name, **style)
    losses = np.geomspace(1, 1e-4, 200)
    label = r"$1/\sqrt{2\,\ell}$"
    canvas.line(panel, losses, counterexample.unobserved_entry(losses), "1/sqrt(2 loss)", label=label, **REFERENCE)


def _rank(canvas: Canvas, panel: int, runs: xr.Dataset, color: str, name: str, **style) -> None:
    look = {"color": COLORS[color], "linestyle": "-", "linewidth": 1.1, "label": name, **style}
    canvas.each_run(panel, runs, runs.loss, runs.effective_rank - 1, f"effective rank - 1: {name}", **look)


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", norm_max: PositiveFloat = 120.0
) -> Canvas:
    """Draw four Schatten (quasi-)norms and the effective rank against the loss, for both signs of det."""
    canvas = Canvas(2, 3, width=width, height=2.35)
    runs = select(sweeps["det_sign"], {"balanced": True, "dtype": "float64"})
    larger = sweeps["det_sign_larger_init"]
    for panel, depth in enumerate(DEPTHS):
        _norms(canvas, panel, select(runs, {"depth": depth}))
        canvas.title(panel, f"depth {depth}, det > 0")
    _norms(canvas, 3, select(larger, {"depth": 3, "det": "negative"}))
    canvas.title(3, "depth 3, det < 0, init 0.01")
    for depth, color in DEPTHS.items():
        _rank(canvas, 4, select(runs, {"depth": depth}), color, f"depth {depth}")
    canvas.title(4, "det > 0")
    for depth, color in ((3, "orange"), (4, "green")):
        for det, style in (("positive", "-"), ("negative", ":")):
            here = select(larger, {"depth": depth, "det": det})
            sign = ">" if det == "positive" else "<"
            _rank(canvas, 5, here, color, f"depth {depth}, det {sign} 0", linestyle=style)
    canvas.title(5, "larger init")
    for panel in (4, 5):
        losses = np.geomspace(1, 1e-4, 200)
        canvas.line(panel, losses, np.sqrt(losses), "sqrt(loss)", label=r"$\sqrt{\ell}$", **REFERENCE)
    for panel, axes in enumerate(canvas.panels):
        limits, label = ((0.5, norm_max), "Schatten norm") if panel < 4 else ((1e-16, 3), "effective rank minus 1")
        axes.set(xscale="log", yscale="log", xlim=(1.3, 8e-5), ylim=limits, xlabel="loss", ylabel=label)
    canvas.panels[0].legend(loc="upper left", handlelength=1.4)
    canvas.panels[4].legend(loc="lower right", handlelength=1.4)
    canvas.panels[5].legend(loc="lower left", handlelength=1.4)
    return canvas
