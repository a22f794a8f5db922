"""Singular values emerge one after another on ratings too: Arora et al. 2019, Fig. 3, MovieLens row."""

from __future__ import annotations

import xarray as xr
from matplotlib.lines import Line2D

from greedyrank.figures.canvas import PUBLISHED, Canvas
from greedyrank.figures.style import COLORS, Width, rank_colors
from greedyrank.spectra.selection import select

PUBLISHED_SHAPE = "1682x943"  # the shape at which published values stand beside ours


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw the ten largest singular values for each depth, the alignment, and the error of held-out ratings."""
    canvas = Canvas(2, 3, width=width, height=2.25)
    runs = sweeps["dmf_movielens"]
    shape, observations = str(runs.shape.values[0]), int(runs.observations.values[0])
    whole = shape == PUBLISHED_SHAPE
    canvas.remarks.append(f"{shape} movies x users, {observations:,} ratings seen; order of the ratings drawn by us")
    colors = rank_colors(runs.sizes["component"])
    for panel, depth in enumerate((1, 2, 3)):
        here = select(runs, {"depth": depth})
        steps = here.step.where(here.step >= 0) / 1e3
        for component, color in enumerate(colors):
            values = here.singular_value.isel(component=component)
            canvas.each_run(panel, here, steps, values, f"sigma {component + 1}", color=color)
        if whole and len(ends := published.get("final", {}).get(str(depth), [])):
            canvas.published(panel, [published["steps"][str(depth)] / 1e3] * len(ends), ends)
        canvas.title(panel, f"depth {depth}")
        canvas.panels[panel].set(xlabel="GD steps / 1000", ylabel="singular values", ylim=(0, None))

    here = select(runs, {"depth": 2})
    steps = here.step.where(here.step > 0) / 1e3
    for variable, color, name in (
        ("alignment_diagonal", "blue", "diagonal"),
        ("alignment_other", "orange", "off-diagonal"),
    ):
        canvas.each_run(3, here, steps, here[variable], name, color=COLORS[color], label=name)
    canvas.title(3, "alignment, depth 2")
    canvas.panels[3].set(xlabel="GD steps / 1000", ylabel="mean entry of the gradient", yscale="log")
    canvas.panels[3].legend()

    for depth, color in ((1, "orange"), (2, "blue"), (3, "green")):
        here = select(runs, {"depth": depth})
        steps = here.step.where(here.step > 0) / 1e3
        canvas.each_run(4, here, steps, here.test_error, f"depth {depth}", color=COLORS[color], label=f"depth {depth}")
        if whole and (error := published.get("test_error", {}).get(str(depth))):
            canvas.published(4, [published["steps"][str(depth)] / 1e3], [error])
    canvas.title(4, "held-out ratings")
    canvas.panels[4].set(xlabel="GD steps / 1000", ylabel="mean squared error", xscale="log", yscale="log")
    canvas.panels[4].set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    canvas.panels[4].minorticks_off()
    canvas.panels[4].legend()
    _key(canvas, colors, whole)
    return canvas


def _key(canvas: Canvas, colors: list, whole: bool) -> None:
    """Explain the lines of all panels in the last panel."""
    lines = [Line2D([], [], color=color, label=f"singular value {i + 1}") for i, color in enumerate(colors)]
    if whole:
        lines.append(Line2D([], [], **PUBLISHED, label="published"))
    canvas.panels[5].legend(handles=lines, loc="center")
    canvas.panels[5].set_axis_off()
