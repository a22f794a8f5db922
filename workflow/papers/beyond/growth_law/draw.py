"""One growth law, from matrices to hierarchical tensors, step by step and integrated."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.ticker import NullLocator
from pydantic import PositiveFloat

from beyond.growth_law.statistics import FEWEST, exponents, integrated, integrated_errors, laws
from greedyrank.claims.statistics import growing
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width, rank_colors
from greedyrank.spectra.selection import select


class Family(NamedTuple):
    """How a factorization is drawn, and the control of its integrated law: other runs, or a wrong law."""

    title: str
    size: str
    law: str
    color: str
    marker: str
    setting: str | None  # what its curves differ in
    symbol: str
    control: str
    control_runs: dict
    control_law: dict


FAMILIES = {
    "matrix": Family(
        "matrix, depth N",
        r"singular value $\sigma$",
        r"matrix: $2-2/N$",
        "blue",
        "o",
        "depth",
        "N",
        "p + 0.1",
        {},
        {"exponent_offset": 0.1},
    ),
    "cp": Family(
        "CP, order N",
        r"component norm $\sigma$",
        r"CP: $2-2/N$",
        "orange",
        "s",
        "shape",
        "N",
        "unbalanced",
        {"balanced": False},
        {},
    ),
    "deep_cp": Family(
        "deep CP, order 3, depth K",
        r"product of factor norms $\sigma$",
        r"deep CP: $2-2/3K$",
        "green",
        "D",
        "depth",
        "K",
        r"0.9 $\kappa$",
        {},
        {"kappa_factor": 0.9},
    ),
    "tucker": Family(
        "Tucker, depth K",
        r"norm of a core slice $q$",
        r"Tucker: $K$",
        "purple",
        "^",
        "depth",
        "K",
        r"other's $\gamma$",
        {},
        {"gamma_of": 1},
    ),
    "hierarchical": Family(
        "hierarchical, root",
        r"local component norm $\sigma$",
        r"hierarchical: $4/3$",
        "amber",
        "v",
        None,
        "",
        "unbalanced",
        {"balanced": False},
        {},
    ),
}
CURVES = ("blue", "orange", "green", "purple")
POINTS = 40  # drawn of each component, of up to two thousand stencils


def _balanced(sweeps: dict[str, xr.Dataset], name: str) -> xr.Dataset:
    """Return the runs from balanced inits, on which the law is exact; some factorizations have no others."""
    runs = sweeps[f"growth_{name}"]
    return select(runs, {"balanced": True}) if "balanced" in runs.coords else runs


def _curves(runs: xr.Dataset, setting: str | None) -> list[tuple[str, xr.Dataset]]:
    """Return the runs of each curve, and its depth or order in words."""
    if setting is None:
        return [("", runs)]
    if setting == "shape":
        shapes = sorted(np.unique(runs["shape"]), key=lambda shape: shape.count("x"))
        return [(str(shape.count("x") + 1), select(runs, {"shape": str(shape)})) for shape in shapes]
    return [(f"{value:.0f}", select(runs, {setting: float(value)})) for value in np.unique(runs[setting])]


def _law(canvas: Canvas, panel: int, runs: xr.Dataset, name: str, growth: dict) -> None:
    """Draw rate / gamma against the norm of every component while it grows, and the law."""
    family, axes = FAMILIES[name], canvas.panels[panel]
    for (value, here), color in zip(_curves(runs, family.setting), CURVES, strict=False):
        sizes = []
        for run, component, sigma, gamma, rate in growing(here, **growth):
            if len(sigma) < FEWEST:
                continue
            thin = np.unique(np.linspace(0, len(sigma) - 1, POINTS).astype(int))
            series = f"{family.symbol}{value} seed {here.seed.values[run]:.0f}, component {component + 1}"
            canvas.keep(panel, series, sigma[thin], (rate / gamma)[thin])
            axes.plot(sigma[thin], (rate / gamma)[thin], ".", color=COLORS[color], markersize=2.5)
            sizes.append(sigma)
        if not sizes:
            continue
        kappa, exponent = laws(here, name)[0]
        sigma = np.geomspace(np.concatenate(sizes).min() / 1.5, np.concatenate(sizes).max() * 1.5, 30)
        label = f"{family.symbol} = {value}, power {exponent:.3g}" if value else f"power {exponent:.3g}"
        look = {"color": COLORS[color], "linewidth": 0.8, "linestyle": "--", "zorder": 0}
        canvas.line(panel, sigma, kappa * sigma**exponent, f"{family.symbol}{value} theory", label=label, **look)
    canvas.title(panel, family.title)
    axes.set(xscale="log", yscale="log", xlabel=family.size, ylabel=r"rate / $\gamma$")
    axes.legend(loc="upper left", handlelength=1.2, borderaxespad=0.1)


def _exponents(canvas: Canvas, panel: int, place: int, runs: xr.Dataset, name: str, growth: dict) -> None:
    """Draw the exponent of every component, less the theory's."""
    family = FAMILIES[name]
    label: str | None = family.law
    for _, here in _curves(runs, family.setting):
        difference = exponents(here, family=name, **growth)
        theory = np.full(len(difference), laws(here, name)[0][1])
        canvas.keep(panel, family.law, theory, difference)
        look: dict[str, Any] = {
            "color": COLORS[family.color],
            "markersize": 3,
            "markerfacecolor": "none",
            "markeredgewidth": 0.7,
        }
        # Side by side where families have the same exponent.
        canvas.panels[panel].plot(theory + 0.04 * (place - 2), difference, family.marker, label=label, **look)
        label = None


def _errors(canvas: Canvas, panel: int, place: int, sweeps: dict[str, xr.Dataset], name: str, growth: dict) -> None:
    """Draw the largest error of the integrated law on every component, and that of the control."""
    family, axes, runs = FAMILIES[name], canvas.panels[panel], _balanced(sweeps, name)
    wrong = select(sweeps[f"growth_{name}"], family.control_runs) if family.control_runs else runs
    drawn: tuple[tuple[str, xr.Dataset, dict, float, dict[str, Any]], ...] = (
        ("law", runs, {}, -0.2, {"color": COLORS[family.color]}),
        ("control", wrong, family.control_law, 0.2, {"color": COLORS["gray"], "markerfacecolor": "none"}),
    )
    for series, here, law, apart, look in drawn:
        values = integrated_errors(here, family=name, **growth, **law)
        canvas.keep(panel, f"{name}, {series}", np.full(len(values), place), values)
        spread = np.linspace(-0.12, 0.12, len(values))
        axes.plot(place + apart + spread, values, family.marker, markersize=2.5, markeredgewidth=0.6, **look)


def _trajectories(canvas: Canvas, panel: int, run: xr.Dataset, name: str, growth: dict) -> None:
    """Draw the components of one run that grow, and the integrated law's, against steps."""
    found = list(integrated(run, family=name, **growth))
    step = run.growth_step.values[0]
    thin = slice(None, None, max(len(step) // 400, 1))
    for number, ((_, component, sigma, predicted, _), color) in enumerate(
        zip(found, rank_colors(len(found)), strict=True)
    ):
        actual, law = ("actual", "integrated law") if number == 0 else (None, None)
        series = f"component {component + 1}"
        canvas.line(panel, step[thin] / 1e3, sigma[thin], series, color=color, linewidth=1.7, label=actual)
        look = {"color": COLORS["black"], "linestyle": (0, (3, 2)), "linewidth": 0.8, "label": law}
        canvas.line(panel, step[thin] / 1e3, predicted[thin], f"{series}, integrated law", **look)
    canvas.panels[panel].set(yscale="log", xlabel="steps / 1000", ylabel=FAMILIES[name].size)


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    start: PositiveFloat = 1.5,
    learned: PositiveFloat = 0.25,
    share: PositiveFloat = 0.05,
) -> Canvas:
    """Draw the law for each family, its exponents, and its integral against trajectories."""
    growth = {"start": start, "learned": learned, "share": share}
    canvas = Canvas(3, 3, width=width, height=2.2)
    for place, name in enumerate(FAMILIES):
        runs = _balanced(sweeps, name)
        _law(canvas, place, runs, name, growth)
        _exponents(canvas, 5, place, runs, name, growth)
        _errors(canvas, 8, place, sweeps, name, growth)
    canvas.panels[3].set_ylabel(r"rate / $\gamma$")
    axes = canvas.panels[5]
    axes.axhline(0, color=COLORS["gray"], linewidth=0.6, zorder=0)
    canvas.title(5, "exponents")
    axes.set(xlabel="theory", ylabel="measured minus theory")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.7 * (high - low))
    axes.legend(loc="upper right", handlelength=1, borderaxespad=0.1, labelspacing=0.3)

    _trajectories(canvas, 6, dict(_curves(_balanced(sweeps, "cp"), "shape"))["4"].isel(run=[0]), "cp", growth)
    canvas.title(6, "CP, N = 4, integrated")
    _trajectories(canvas, 7, dict(_curves(_balanced(sweeps, "matrix"), "depth"))["3"].isel(run=[0]), "matrix", growth)
    canvas.panels[7].legend(loc="lower right")
    canvas.title(7, "matrix, N = 3, integrated")
    canvas.title(8, "integrated law: error")
    names = ["matrix", "CP", "deep CP", "Tucker", "hierarchical"]
    axes = canvas.panels[8]
    axes.set(yscale="log", ylabel="largest relative error")
    axes.set_xticks(range(5), names, rotation=90)
    axes.plot([], [], "o", color=COLORS["blue"], markersize=2.5, label="law")
    axes.plot([], [], "o", color=COLORS["gray"], markersize=2.5, markerfacecolor="none", label="control")
    axes.legend(loc="upper left", ncols=2, borderaxespad=0.1)
    axes.set_ylim(None, 20)
    axes.set_yticks([1e-3, 1e-2, 1e-1, 1])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(0.05, color=COLORS["gray"], linewidth=0.6, linestyle=":", zorder=0)
    return canvas
