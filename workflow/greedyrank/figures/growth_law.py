"""One growth law, from matrices to hierarchical tensors, step by step and integrated."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.claims.growth_law import FEWEST, exponents, growing, integrated, integrated_errors, laws
from greedyrank.selection import select
from greedyrank.style import COLORS, Canvas, rank_colors

# Sweep, title, x label, colour in the panels of all; then what tells its runs apart, and how it is written.
FAMILIES = {
    "matrix": ("growth_matrix", "matrix, depth N", r"singular value $\sigma$", "blue", "depth", "N = {}"),
    "cp": ("growth_cp", "CP, order N", r"component norm $\sigma$", "orange", "shape", "N = {}"),
    "deep_cp": (
        "growth_deep_cp",
        "deep CP, order 3, depth K",
        r"product of parameter norms $\sigma$",
        "green",
        "depth",
        "K = {}",
    ),
    "tucker": ("growth_tucker", "Tucker, depth K", r"norm of a core slice $q$", "purple", "depth", "K = {}"),
    "hierarchical": (
        "growth_hierarchical",
        "hierarchical, at the root",
        r"local component norm $\sigma$",
        "amber",
        "",
        "K = 3",
    ),
}
CURVES = ("blue", "orange", "green", "purple")
LAWS = {
    "matrix": r"matrix, $2-2/N$",
    "cp": r"CP, $2-2/N$",
    "deep_cp": r"deep CP, $2-2/(NK)$",
    "tucker": r"Tucker, $K$",
    "hierarchical": r"hierarchical, $4/3$",
}
MARKERS = dict(zip(LAWS, "osD^v", strict=True))
# What makes the integrated law wrong: in the runs, or in the law.
CONTROLS = {
    "matrix": ({}, {"exponent_offset": 0.1}, "p + 0.1"),
    "cp": ({"balanced": False}, {}, "not\nbalanced"),
    "deep_cp": ({}, {"kappa_factor": 0.9}, r"0.9 $\kappa$"),
    "tucker": ({}, {"gamma_of": 1}, r"other $\gamma$"),
    "hierarchical": ({"balanced": False}, {}, "not\nbalanced"),
}
POINTS = 40  # drawn of each component, of up to a thousand stencils


def _runs(sweeps: dict[str, xr.Dataset], family: str) -> xr.Dataset:
    """Return the runs from balanced inits, on which the law is exact; some factorizations have no others."""
    runs = sweeps[FAMILIES[family][0]]
    return select(runs, {"balanced": True}) if "balanced" in runs.coords else runs


def _written(value) -> str:
    return str(value.count("x") + 1) if isinstance(value, str) else f"{value:.0f}"


def _law(canvas: Canvas, panel: int, runs: xr.Dataset, family: str, growth: dict) -> None:
    """Draw rate / gamma against the norm of every component while it grows, and the law."""
    _, title, label, _, setting, name = FAMILIES[family]
    axes = canvas.panels[panel]
    found = [entry for entry in growing(runs, **growth) if len(entry[2]) >= FEWEST]
    settings = np.unique(runs[setting]) if setting else [None]
    if setting == "shape":
        settings = sorted(settings, key=lambda shape: shape.count("x"))
    for value, color in zip(settings, CURVES, strict=False):
        mine = [entry for entry in found if value is None or runs[setting].values[entry[0]] == value]
        kappa, exponent = laws(select(runs, {setting: value}) if setting else runs, family)[0]
        written = name.format(_written(value)) if setting else name
        for run, component, sigma, gamma, rate in mine:
            thin = np.unique(np.linspace(0, len(sigma) - 1, POINTS).astype(int))
            canvas.keep(
                panel,
                f"{written}, seed {runs.seed.values[run]:.0f}, component {component + 1}",
                sigma[thin],
                (rate / gamma)[thin],
            )
            axes.plot(sigma[thin], (rate / gamma)[thin], ".", color=COLORS[color], markersize=2.5)
        if mine:
            ends = [f(np.concatenate([entry[2] for entry in mine])) for f in (np.min, np.max)]
            sigma = np.geomspace(ends[0] / 1.5, ends[1] * 1.5, 30)
            look = {"color": COLORS[color], "linewidth": 0.8, "linestyle": "--", "zorder": 0}
            text = f"{written}: {kappa:.0f}·{label[-3:]}" if False else f"{written}: {exponent:.3g}"
            canvas.line(panel, sigma, kappa * sigma**exponent, f"{written}, theory", label=text, **look)
    canvas.title(panel, title)
    axes.set(xscale="log", yscale="log", xlabel=label, ylabel=r"rate $/\,\gamma$")
    axes.legend(loc="upper left", fontsize=6, handlelength=1.2, borderaxespad=0.1)


def _trajectories(canvas: Canvas, panel: int, runs: xr.Dataset, family: str, growth: dict) -> None:
    """Draw each growing component of one run, and what the integrated law makes of its first norm and gamma."""
    found = list(integrated(runs, family=family, **growth))
    for (_, component, time, sigma, predicted, _), color in zip(found, rank_colors(len(found)), strict=True):
        thin = slice(None, None, max(len(time) // 300, 1))
        first = component == found[0][1]
        canvas.line(
            panel,
            time[thin],
            sigma[thin],
            f"component {component + 1}",
            color=color,
            linewidth=1.6,
            label="actual" if first else None,
        )
        look = {"color": COLORS["black"], "linestyle": (0, (3, 2)), "linewidth": 0.8}
        canvas.line(
            panel,
            time[thin],
            predicted[thin],
            f"component {component + 1}, integrated law",
            label="integrated law" if first else None,
            **look,
        )
    canvas.panels[panel].set(yscale="log", xlabel="flow time")


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: str = "text",
    start: float = 1.5,
    learned: float = 0.25,
    share: float = 0.05,
) -> Canvas:
    """Draw the law for each family, its exponents, and its integral against trajectories."""
    growth = {"start": start, "learned": learned, "share": share}
    canvas = Canvas(3, 3, width=width, height=2.15)
    for panel, family in enumerate(FAMILIES):
        _law(canvas, panel, _runs(sweeps, family), family, growth)

    for place, family in enumerate(FAMILIES):
        runs, color = _runs(sweeps, family), COLORS[FAMILIES[family][3]]
        by_law = {law[1]: [] for law in laws(runs, family)}
        for index, (_, exponent) in enumerate(laws(runs, family)):
            by_law[exponent].extend(exponents(runs.isel(run=[index]), family=family, **growth))
        x = np.concatenate([np.full(len(found), exponent) for exponent, found in by_law.items()])
        y = np.concatenate([exponent + np.array(found) for exponent, found in by_law.items()])
        canvas.keep(5, LAWS[family], x, y)
        canvas.panels[5].plot(
            x + 0.04 * (place - 2),
            y - x,
            MARKERS[family],
            color=color,
            markersize=3,
            markerfacecolor="none",
            markeredgewidth=0.7,
            label=LAWS[family],
        )
        wanted, wrong, text = CONTROLS[family]
        errors = integrated_errors(runs, family=family, **growth)
        controls = integrated_errors(
            select(sweeps[FAMILIES[family][0]], wanted) if wanted else runs, family=family, **growth, **wrong
        )
        for values, apart, series, style in (
            (errors, -0.17, "law", {"color": color, "markerfacecolor": color}),
            (
                controls,
                0.17,
                f"control, {text}".replace("\n", " "),
                {"color": COLORS["gray"], "markerfacecolor": "none"},
            ),
        ):
            canvas.keep(8, f"{family}, {series}", np.full(len(values), place), values)
            spread = np.linspace(-0.09, 0.09, len(values)) if len(values) > 1 else np.zeros(len(values))
            canvas.panels[8].plot(
                place + apart + spread, values, MARKERS[family], markersize=3, markeredgewidth=0.6, **style
            )
        canvas.panels[8].text(place + 0.1, 1.35, text, ha="center", va="bottom", fontsize=5.5, color=COLORS["gray"])
    canvas.panels[5].axhline(0, color=COLORS["gray"], linewidth=0.6, zorder=0)
    canvas.title(5, "exponents")
    canvas.panels[5].set(xlabel="theory's exponent", ylabel="measured less theory's")

    _trajectories(
        canvas,
        6,
        select(_runs(sweeps, "cp"), {"seed": 0, "shape": sorted(np.unique(sweeps["growth_cp"]["shape"]), key=len)[1]}),
        "cp",
        growth,
    )
    canvas.title(6, "CP, order 4, integrated")
    canvas.panels[6].set_ylabel(r"component norm $\sigma$")
    _trajectories(canvas, 7, select(_runs(sweeps, "tucker"), {"seed": 0, "depth": 2}), "tucker", growth)
    canvas.title(7, "Tucker, K = 2, integrated")
    canvas.panels[7].set_ylabel(r"norm of a core slice $q$")
    canvas.panels[7].legend(loc="lower right", fontsize=6)
    canvas.title(8, "integrated law: error")
    names = ["matrix", "CP", "deep\nCP", "Tucker", "hier."]
    canvas.panels[8].set(
        yscale="log", ylim=(None, 4), ylabel="largest relative error", xticks=range(5), xticklabels=names
    )
    canvas.panels[8].axhline(0.05, color=COLORS["gray"], linewidth=0.6, linestyle=":", zorder=0)
    return canvas
