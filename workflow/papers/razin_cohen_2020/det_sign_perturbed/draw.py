"""Perturbed observations of the determinant-sign counterexample: Razin & Cohen 2020."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import select
from greedyrank.theory import counterexample
from razin_cohen_2020.common import HALF_SUM_OF_MEAN

EPS = {0.5: "purple", 0.1: "blue", 0.05: "sky", 0.01: "amber", 0.0: "orange"}
PREDICTED = {"color": COLORS["black"], "linestyle": "--", "linewidth": 0.7, "zorder": 5}


def _entries(canvas: Canvas, panel: int, runs: xr.Dataset, sign: int) -> None:
    """Draw |W_11| of every run, one colour per eps; ``sign`` is -1 on the wrong branch."""
    drawn = []
    for eps, color in EPS.items():
        here = select(runs, {"eps": eps})
        if not here.sizes["run"]:
            continue
        style = {"color": COLORS[color], "linestyle": "-", "linewidth": 1.2}
        name = rf"$\epsilon$ = {eps:g}" if sign > 0 else f"{eps:g} ({here.sizes['run']})"
        entry = np.abs(here.unobserved_entry)
        canvas.each_run(panel, here, here.loss, entry, f"eps {eps:g}", label=name, **style)
        drawn.append((sign * eps, float(here["product"][0])))
    label = r"$|zz'|/(\epsilon+\sqrt{3\ell})$" if sign > 0 else r"$|zz'|/(\sqrt{3\ell}-\epsilon)$"
    for number, (corner, product) in enumerate(drawn):
        floor = corner**2 / 2 / HALF_SUM_OF_MEAN
        losses = np.geomspace(2, max(1e-4, 1.0001 * floor) if sign < 0 else 1e-4, 400)
        curve = counterexample.unobserved_entry(HALF_SUM_OF_MEAN * losses, product, corner)
        series = f"predicted, eps {abs(corner):g}"
        canvas.line(panel, losses, curve, series, label=None if number else label, **PREDICTED)


def _plane(canvas: Canvas, panel: int, runs: xr.Dataset) -> None:
    """Draw the runs of one eps in the plane of W_11 and W_22: det < 0 keeps them off the axis between."""
    eps, product = float(runs.eps[0]), float(runs["product"][0])
    entries = np.geomspace(0.1, 300, 400)
    for sign in (-1, 1):
        style = {**PREDICTED, "label": r"$W_{11}W_{22} = zz'$" if sign > 0 else None}
        canvas.line(panel, sign * entries, product / (sign * entries), "det W = 0", **style)
    for wrong, color in ((0.0, "blue"), (1.0, "orange")):
        here = select(runs, {"wrong_branch": wrong})
        name = "wrong branch" if wrong else "right branch"
        style = {"color": COLORS[color], "linestyle": "-", "linewidth": 0.8}
        canvas.each_run(panel, here, here.unobserved_entry, here.corner_entry, name, label=name, **style)
    axes = canvas.panels[panel]
    axes.axhline(eps, color=COLORS["gray"], linestyle=":", label=r"observed: $\epsilon$")
    axes.set(xlim=(-200, 300), ylim=(-0.9, 0.9), xlabel=r"$W_{11}$", ylabel=r"$W_{22}$")
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks([-100, -1, 0, 1, 100], ["-100", "-1", "0", "1", "100"])
    axes.legend(loc="lower left", handlelength=1.4)


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    entry_max: PositiveFloat = 80.0,
    entry_max_depth_2: PositiveFloat = 10.0,
    plane_eps: PositiveFloat = 0.1,
) -> Canvas:
    """Draw |W_11| against the loss for each eps and depth, the wrong branch, and why there is one."""
    canvas = Canvas(2, 3, width=width, height=2.45)
    every = sweeps["det_sign_perturbed"]
    runs = select(every, {"balanced": True})
    first = ((0, 2, runs), (1, 3, select(every, {"balanced": False})), (2, 4, runs))
    for panel, depth, here in first:
        _entries(canvas, panel, select(here, {"depth": depth, "wrong_branch": 0.0}), sign=1)
        top = entry_max_depth_2 if depth == 2 else entry_max
        entries = [entry for _, entry in published.get("entries", []) if entry <= top]
        if entries:
            canvas.published(panel, [published["loss"]] * len(entries), entries)
        canvas.title(panel, f"depth {depth}, {'unbalanced' if panel == 1 else 'balanced'}")
        canvas.panels[panel].set_ylim(-0.03 * top, top)
    canvas.panels[1].legend(loc="upper left", handlelength=1.4)
    for panel, depth in ((3, 3), (4, 4)):
        _entries(canvas, panel, select(runs, {"depth": depth, "wrong_branch": 1.0}), sign=-1)
        canvas.title(panel, f"depth {depth}, wrong branch")
        canvas.panels[panel].set_ylim(-0.05 * entry_max, 2 * entry_max)
        if canvas.panels[panel].lines:
            canvas.panels[panel].legend(
                loc="upper left", handlelength=1.4, title=r"$\epsilon$ (runs)", alignment="left"
            )
    for axes in canvas.panels[:5]:
        axes.set(xscale="log", xlim=(3, 8e-5), xlabel="loss (mean)", ylabel=r"$|W_{11}|$")
    _plane(canvas, 5, select(runs, {"depth": 4, "eps": plane_eps}))
    canvas.title(5, rf"depth 4, $\epsilon$ = {plane_eps:g}")
    return canvas
