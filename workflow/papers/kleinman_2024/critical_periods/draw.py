"""What is left of a deficit: final errors by depth, rank and observations, an early and a late one, and two runs."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveInt

from greedyrank.figures import reductions
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import Width, rank_colors
from greedyrank.spectra.selection import select
from kleinman_2024.common import DEPTHS, draw_errors

WHEN = ("none", "early", "late")


def _spectrum(canvas: Canvas, panel: int, runs: xr.Dataset) -> None:
    """Draw the ten largest singular values of one run, and when its deficit is."""
    run = runs.isel(run=[0])
    start, steps = (int(run[name].item()) for name in ("deficit_start", "deficit_steps"))
    canvas.panels[panel].axvspan(start / 1e3, (start + steps) / 1e3, color="0.9", zorder=0)
    for component, color in enumerate(rank_colors(run.sizes["component"])):
        values, at = run.singular_value.isel(component=component), run.step.where(run.step >= 0) / 1e3
        canvas.each_run(panel, run, at, values, f"sigma {component + 1}", color=color)
    canvas.panels[panel].set(xlabel="GD steps / 1000", ylabel="singular values")


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", switch: PositiveInt = 20000
) -> Canvas:
    """Draw errors against switch, rank and observations, those of early and late deficits, and singular values.

    All panels but the first compare deficits until step ``switch`` with deficits of one step.
    """
    canvas = Canvas(2, 3, width=width, height=2.3)
    runs = sweeps["critical_periods"]
    # Depth 1 has the deficit task of the first panel alone.
    task = {name: int(select(runs, {"depth": 1})[name][0]) for name in ("deficit_rank", "observations")}
    early = select(runs, {"deficit_start": 0})
    lengths = {f"T_c = {at}": steps for at, steps in ((0, 1), (switch, switch + 1))}

    for depth, look in DEPTHS.items():
        here = select(early, {"depth": depth, **task})
        missed = (reductions.in_full(runs, "deficit_steps") - 1) / 1e3
        draw_errors(canvas, 0, here, (here.deficit_steps - 1) / 1e3, f"depth {depth}", look, missed)
    canvas.title(0, "length of the deficit")
    canvas.panels[0].set(xlabel="T_c / 1000")

    for panel, name, title in ((1, "deficit_rank", "rank of the deficit"), (2, "observations", "observations")):
        others = {other: value for other, value in task.items() if other != name}
        for (label, steps), look in zip(lengths.items(), (("gray", "o"), ("green", "^")), strict=True):
            here = select(early, {"depth": 3, "deficit_steps": steps, **others})
            draw_errors(canvas, panel, here, here[name], label, look)
        canvas.title(panel, f"{title.split()[0]}, depth 3")
        canvas.panels[panel].set(xlabel=title, xticks=np.unique(select(runs, {"depth": 3})[name]))

    longer = select(runs, {"deficit_steps": switch + 1, **task})
    for depth in (2, 3):
        none = select(early, {"depth": depth, "deficit_steps": 1, **task})
        here = xr.concat([none, select(longer, {"depth": depth})], "run")
        place = np.where(here.deficit_steps == 1, 0, np.where(here.deficit_start == 0, 1, 2))
        draw_errors(canvas, 3, here, place, f"depth {depth}", DEPTHS[depth])
    canvas.title(3, f"a deficit of {switch} steps")
    canvas.panels[3].set(xticks=range(3), xticklabels=WHEN, xlim=(-0.3, 2.3))

    deepest = select(longer, {"depth": 3})
    _spectrum(canvas, 4, select(deepest, {"deficit_start": 0}))
    canvas.title(4, "depth 3, early deficit")
    _spectrum(canvas, 5, deepest.isel(run=np.flatnonzero(deepest.deficit_start > 0)))
    canvas.title(5, "depth 3, late deficit")
    # The legend stands above the curves.
    canvas.panels[4].set_ylim(top=1.4 * deepest.singular_value.max())
    canvas.legend_of_ranks(4, rank_colors(runs.sizes["component"]), "singular value", loc="upper left", ncols=3)
    for panel in range(4):
        canvas.panels[panel].legend()
    return canvas
