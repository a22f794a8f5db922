"""The determinant-sign counterexample: Razin & Cohen 2020, Fig. 1."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, SMALLEST, Width
from greedyrank.spectra.selection import last, select
from greedyrank.theory import counterexample

DTYPES = {"float32": "-", "float64": (0, (1, 1))}
BALANCED = {"false": ("blue", "sky"), "true": ("orange", "amber")}


def _curves(canvas: Canvas, panel: int, runs: xr.Dataset, variable: str, color: str, label: str, **style) -> None:
    canvas.shows(runs)
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        series = f"{label}, {run.dtype_.item()}, seed {run.seed.item():.0f}"
        canvas.line(
            panel,
            run.loss,
            np.abs(run[variable]),
            series,
            color=COLORS[color],
            linestyle=DTYPES[run.dtype_.item()],
            linewidth=0.9,
            label=label if index == 0 else None,
            **style,
        )


def _short(std: float) -> str:
    return f"{std:.0e}".replace("e-0", "e-")


def _prediction(canvas: Canvas, panel: int) -> None:
    losses = np.geomspace(1, 1e-4, 200)
    style = {"color": COLORS["black"], "linestyle": "--", "linewidth": 0.8, "zorder": 5}
    curve = counterexample.unobserved_entry(losses)
    canvas.line(panel, losses, curve, "1/sqrt(2 loss)", label=r"$1/\sqrt{2\,\ell}$", **style)


def _loss_axis(canvas: Canvas, panel: int, title: str, label: str) -> None:
    axes = canvas.panels[panel]
    canvas.title(panel, title)
    axes.set(xscale="log", xlim=(1.3, 8e-5), xlabel="loss", ylabel=label)


def _ends(canvas: Canvas, panel: int, seeds: xr.Dataset, published: dict) -> None:
    """Draw where each seed ends, with the median and the published end, for each published curve of depth 3 and 4."""
    axes = canvas.panels[panel]
    curves = [end for end in published.get("ends", []) if end["depth"] > 2]
    for place, curve in enumerate(curves):
        ends = last(select(seeds, {name: value for name, value in curve.items() if name != "height"}))
        name = f"depth {curve['depth']}, init {curve['product_std']:g}{' (b)' if curve['balanced'] else ''}"
        heights = np.abs(ends.unobserved_entry.to_numpy())
        spread = place + 0.16 * (np.arange(len(heights)) % 5 - 2)
        color = COLORS[BALANCED[str(curve["balanced"]).lower()][0]]
        canvas.keep(panel, name, [place] * len(heights), heights)
        axes.plot(spread, heights, "o", color=color, markersize=2, markerfacecolor="none", markeredgewidth=0.6)
        capped = canvas.shows(ends)
        canvas.cross(panel, spread[capped], heights[capped])
        if len(heights):
            axes.plot([place - 0.4, place + 0.4], [np.median(heights)] * 2, color=color, linewidth=1.4)
    canvas.published(panel, range(len(curves)), [curve["height"] for curve in curves])
    names = [f"{curve['depth']}{'b' if curve['balanced'] else ''}, {curve['product_std']:.0e}" for curve in curves]
    axes.set_xticks(range(len(curves)), [name.replace("e-0", "e-") for name in names], fontsize=SMALLEST, rotation=90)
    axes.set(xlabel="depth, init", ylabel=r"$|W_{11}|$ at the stop")


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    entry_max: PositiveFloat = 80.0,
    entry_max_depth_2: PositiveFloat = 20.0,
) -> Canvas:
    """Draw |W_11| against the loss for each depth, the det < 0 variant, ends of many seeds, and norm against rank."""
    canvas = Canvas(2, 3, width=width, height=2.35)
    runs = sweeps["det_sign"].rename(dtype="dtype_")
    larger = sweeps["det_sign_larger_init"].rename(dtype="dtype_")
    for panel, depth in enumerate((2, 3, 4)):
        here = select(runs, {"depth": depth})
        pairs = sorted(set(zip(here.learning_rate.values, here.product_std.values, strict=True)), reverse=True)
        for balanced, colors in BALANCED.items():
            for color, (rate, std) in zip(colors, pairs, strict=False):
                chosen = here.isel(run=np.flatnonzero((here.balanced == balanced) & (here.product_std == std)))
                suffix = " (b)" if balanced == "true" else ""
                _curves(canvas, panel, chosen, "unobserved_entry", color, f"{rate:g}, {_short(std)}{suffix}")
        if ends := [end["height"] for end in published.get("ends", []) if end["depth"] == depth]:
            canvas.published(panel, [published["loss"]] * len(ends), ends)
        _prediction(canvas, panel)
        _loss_axis(canvas, panel, f"depth {depth}, det > 0", r"$|W_{11}|$")
        top = entry_max if depth > 2 else entry_max_depth_2
        canvas.panels[panel].set_ylim(-0.03 * top, top)
        canvas.panels[panel].legend(
            loc="upper left", title="step size, init", handlelength=1.2, borderaxespad=0.1, labelspacing=0.2
        )

    here = select(larger, {"depth": 3})
    for det, color in (("positive", "orange"), ("negative", "green")):
        sign = ">" if det == "positive" else "<"
        _curves(canvas, 3, select(here, {"det": det}), "unobserved_entry", color, f"det {sign} 0 (b)")
    _prediction(canvas, 3)
    inits = ", ".join(map(_short, np.unique(here.product_std)))
    _loss_axis(canvas, 3, f"depth 3, init {inits}", r"$|W_{11}|$")
    canvas.panels[3].set_ylim(-2, entry_max)
    canvas.panels[3].legend(loc="upper left")

    _ends(canvas, 4, sweeps["det_sign_seeds"], published)
    canvas.panels[4].set_ylim(-2, entry_max)
    canvas.title(4, "ends of 40 seeds each")

    deep = select(runs, {"depth": 3, "balanced": True, "dtype_": "float64"})
    ranks = canvas.panels[5].twinx()
    ranks.spines["right"].set_visible(True)
    for index in range(deep.sizes["run"]):
        run = deep.isel(run=index)
        series = f"depth 3 (b), init {run.product_std.item():g}, seed {run.seed.item():.0f}"
        canvas.line(5, run.loss, run.nuclear_norm, f"nuclear norm: {series}", color=COLORS["purple"])
        excess = (run.effective_rank - 1).dropna("record")
        canvas.keep(5, f"effective rank - 1: {series}", run.loss.dropna("record"), excess)
        ranks.plot(run.loss.dropna("record"), excess, color=COLORS["black"], linestyle=":")
    _loss_axis(canvas, 5, "depth 3 (b), det > 0", "nuclear norm (solid)")
    ranks.set(ylabel="effective rank minus 1 (dotted)", yscale="log")
    return canvas
