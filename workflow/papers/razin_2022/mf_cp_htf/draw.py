"""Components of matrix, CP and hierarchical factorizations, one after another: Razin, Maman & Cohen 2022."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat, PositiveInt

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width, rank_colors
from greedyrank.spectra.selection import at_stop
from razin_2022.mf_cp_htf.statistics import next_when_half

# The published panels and ours: title, y label, colour and marker in the last row.
PANELS = {
    "matrix": ("deep matrix, 64 x 64", "singular values", "blue", "o"),
    "cp": ("CP, 16 x 16 x 16", "component norms", "orange", "s"),
    "hierarchical": ("hierarchical, random", "local component norms", "green", "^"),
    "fixed": ("hierarchical, fixed spectrum", "local component norms", "purple", "v"),
}


def by_panel(sweeps: dict[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return the runs of each panel, their init in a coordinate of one name."""
    hierarchical = sweeps["mf_cp_htf_hierarchical"]
    fixed = hierarchical.target_root_spectrum.to_numpy() != ""
    return {
        "matrix": sweeps["mf_cp_htf_matrix"].rename(product_std="init"),
        "cp": sweeps["mf_cp_htf_cp"].rename(factor_std="init"),
        "hierarchical": hierarchical.isel(run=np.flatnonzero(~fixed)).rename(factor_std="init"),
        "fixed": hierarchical.isel(run=np.flatnonzero(fixed)).rename(factor_std="init"),
    }


def _sizes(canvas: Canvas, panel: int, runs: xr.Dataset, kind: str, published: dict) -> None:
    """Draw the ten largest components of each run against iterations, and what was published."""
    title, label, *_ = PANELS[kind]
    steps = runs.step.where(runs.step >= 0) / 1e3
    for component, color in enumerate(rank_colors(runs.sizes["component"])):
        values = runs.component_size.isel(component=component)
        canvas.each_run(panel, runs, steps, values, f"component {component + 1}", color=color)
    axes = canvas.panels[panel]
    if onsets := published.get("onsets", {}).get(kind):
        at = np.array(onsets) / 1e3
        canvas.published(panel, at, np.zeros(len(at)), "published, where components leave zero", marker="^", label=None)
    axes.set_xlim(0, 1.02 * runs.step[0].max().item() / 1e3)  # the first run, to its end
    if final := published.get("final", {}).get(kind):
        canvas.published(panel, [axes.get_xlim()[1]] * len(final), final, "published, at the end", label=None)
    canvas.title(panel, title)
    axes.set(xlabel="iterations / 1000", ylabel=label, ylim=(0, 1.05 * float(runs.component_size[0].max())))
    axes.set_ylim(bottom=-0.03 * axes.get_ylim()[1])  # so that marks at zero stand clear of the axis


def _next_when_half(
    canvas: Canvas, panel: int, groups: dict[str, xr.Dataset], small: float, count: int, floor: float = 1e-5
) -> None:
    """Draw how far each component is grown when the one before has half its final size, for small and large inits."""
    places = np.arange(2, count + 1)
    for number, (kind, (title, _, color, marker)) in enumerate(PANELS.items()):
        runs = groups[kind]
        label: str | None = f"({chr(97 + number)})"
        grown = np.stack([next_when_half(runs, index=int(index)) for index in places], axis=1)
        for index in range(runs.sizes["run"]):
            is_small = runs.init.values[index] < small
            size = "small" if is_small else "large"
            series = f"{title}, {size} init, data seed {runs.data_seed.values[index]:.0f}"
            style = {"marker": marker, "color": COLORS[color], "markersize": 4, "linestyle": "none"}
            style |= {"markerfacecolor": "none"} if is_small else {}
            x = places + 0.14 * (number - 1.5)
            canvas.line(panel, x, np.maximum(grown[index], floor), series, label=label, **style)
            label = None
    canvas.title(panel, "one after another?")
    canvas.panels[panel].axhline(0.5, linestyle="--", linewidth=0.7, color=COLORS["gray"], zorder=0)
    canvas.panels[panel].set(
        yscale="log",
        xlabel="component k",
        ylabel="share of its final size",
        xticks=places,
        ylim=(floor / 2, 200),
    )
    canvas.panels[panel].legend(loc="upper center", ncol=4, columnspacing=0.8, handletextpad=0)


def _half_spectra(canvas: Canvas, panel: int, groups: dict[str, xr.Dataset], small: float, count: int) -> None:
    """Draw the singular values between the halves at the stop, and those of the target as bars."""
    places = np.arange(1, count + 1)
    for number, kind in enumerate(("hierarchical", "fixed")):
        runs = groups[kind].isel(run=np.flatnonzero(groups[kind].init < small))
        _, _, color, marker = PANELS[kind]
        found = at_stop(runs).half_value.isel(component=slice(count)).transpose("run", "component").to_numpy()
        target = runs.target_half_value.isel(component=slice(count)).transpose("run", "component").to_numpy()
        for index in range(runs.sizes["run"]):
            seed = f"data seed {runs.data_seed.values[index]:.0f}"
            x = places + 0.3 * (number - 0.5) + 0.09 * (index - 1)
            style = {"color": COLORS[color], "linestyle": "none"}
            canvas.line(panel, x, target[index], f"{kind}, target, {seed}", marker="_", markersize=7, **style)
            label = {"hierarchical": "random", "fixed": "fixed"}[kind] if index == 0 else None
            look = {"marker": marker, "markersize": 3.5, "markerfacecolor": "none", "label": label}
            canvas.line(panel, x, np.maximum(found[index], 1e-3), f"{kind}, learned, {seed}", **look, **style)
    canvas.title(panel, "root spectra (bars: target)")
    canvas.panels[panel].set(yscale="log", xlabel="index", ylabel="singular values", xticks=places)
    canvas.panels[panel].legend(loc="lower left")


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    small: PositiveFloat = 0.05,
    count: PositiveInt = 5,
) -> Canvas:
    """Draw the components of each factorization, whether they grow one after another, and the root spectra.

    ``small``: an init below it is drawn in the first four panels; larger ones are the controls.
    ``count``: components of the targets.
    """
    canvas = Canvas(2, 3, width=width, height=2.25)
    groups = by_panel(sweeps)
    for panel, kind in enumerate(PANELS):
        runs = groups[kind].isel(run=np.flatnonzero(groups[kind].init < small))
        _sizes(canvas, panel, runs, kind, published)
    canvas.legend_of_ranks(0, rank_colors(groups["matrix"].sizes["component"]), "component", loc="center right")
    _next_when_half(canvas, 4, groups, small, count)
    _half_spectra(canvas, 5, groups, small, count)
    return canvas
