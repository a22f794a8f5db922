"""What is left of a deficit task that sees fewer entries of the same matrix: errors at the end, and along runs."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveInt

from greedyrank.figures import reductions
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import select
from kleinman_2024.common import DEPTHS, draw_errors


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", switch: PositiveInt = 40000
) -> Canvas:
    """Draw errors against the switch, then errors at the end and along runs for a ``switch`` and one at 0."""
    canvas = Canvas(1, 3, width=width, height=2.4)
    runs = sweeps["critical_subset"]
    number = int(select(runs, {"depth": 1}).observations[0])  # of the first panel
    missed = (reductions.in_full(runs, "deficit_steps") - 1) / 1e3
    for depth, look in DEPTHS.items():
        here = select(runs, {"depth": depth, "observations": number})
        draw_errors(canvas, 0, here, (here.deficit_steps - 1) / 1e3, f"depth {depth}", look, missed)
    canvas.title(0, "length of the deficit")
    canvas.panels[0].set(xlabel="T_c / 1000")

    deepest = select(runs, {"depth": 3})
    for at, color, marker in ((0, "gray", "o"), (switch, "green", "^")):
        here = select(deepest, {"deficit_steps": at + 1})
        draw_errors(canvas, 1, here, here.observations, f"T_c = {at}", (color, marker))
        here = select(here, {"observations": number})
        steps = here.step.where(here.step >= 0) / 1e3
        canvas.each_run(
            2, here, steps, here.relative_squared_error, f"T_c = {at}", color=COLORS[color], label=f"T_c = {at}"
        )
    canvas.title(1, "observations, depth 3")
    canvas.panels[1].set(xlabel="final observations", xticks=np.unique(deepest.observations))
    canvas.title(2, "along runs of depth 3")
    canvas.panels[2].set(xlabel="GD steps / 1000", ylabel="reconstruction error", yscale="log")
    for axes in canvas.panels:
        axes.legend()
    return canvas
