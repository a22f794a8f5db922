"""Deep linear networks, whole and compressed to the subspace that training changes."""

from __future__ import annotations

import xarray as xr

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import select
from kwon_2024.compression.statistics import kept_products, whole

# Start, its colour, and the line of its name.
STARTS = (("orthogonal", "blue", "orthogonal start"), ("gaussian", "orange", "Gaussian start"))


def _layers(canvas: Canvas, panel: int, runs: xr.Dataset) -> None:
    run = select(runs, {"start": "orthogonal"}).isel(run=0)
    values = run.layer_singular_values.isel(layer=0)
    rank = int(run.target_truncated_rank)
    count = values.sizes["component"]
    for place in range(count):
        middle = rank <= place < count - rank
        look = {"color": COLORS["gray" if middle else "blue"], "linewidth": 0.8}
        label = {0: f"{2 * rank} that change", rank: f"{count - 2 * rank} that move together"}.get(place)
        canvas.line(panel, run.step, values.isel(component=place), f"singular value {place + 1}", label=label, **look)
    kept = kept_products(run) ** (1 / int(run.depth))
    look = {"color": "black", "linestyle": ":", "label": "their theory"}
    canvas.line(panel, run.step, kept, "theory of the others", **look)
    canvas.title(panel, "singular values of layer 1")
    canvas.panels[panel].set(xlabel="iteration", ylabel="value")
    canvas.panels[panel].legend(loc="upper left")


def _difference(canvas: Canvas, panel: int, runs: xr.Dataset, title: str) -> None:
    for start, hue, name in STARTS:
        here = whole(select(runs, {"start": start}))
        difference, steps = here.compressed_difference, here.step.where(here.step >= 0)
        canvas.each_run(panel, here, steps, difference, name, color=COLORS[hue], label=name)
    first = select(runs, {"start": "orthogonal"}).isel(run=0)
    look = {"color": "black", "linestyle": ":", "label": "theory"}
    canvas.line(panel, first.step, kept_products(first), "theory", **look)
    canvas.title(panel, title)
    canvas.panels[panel].set(xlabel="iteration", ylabel="spectral norm", yscale="log")
    canvas.panels[panel].legend()


def _completion(canvas: Canvas, panel: int, runs: xr.Dataset, published: dict) -> None:
    series = [(whole(runs), "blue", "whole")]
    for rate, hue in ((5.0, "orange"), (1.0, "green")):
        series.append((select(runs, {"outer_rate": rate}), hue, f"compressed, x {rate:g}"))
    for here, hue, name in series:
        steps = here.step.where(here.step >= 0)
        canvas.each_run(panel, here, steps, here.relative_error, name, color=COLORS[hue], label=name)
    ends = list(published["steps"].values())
    canvas.published(panel, ends, [2e-5] * len(ends), "published ends", label="ends, published")
    canvas.title(panel, "completion")
    canvas.panels[panel].set(xlabel="iteration", ylabel="relative error", yscale="log", ylim=(1e-10, 3))
    canvas.panels[panel].legend(loc="lower left")


def draw(sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text") -> Canvas:
    """Draw what moves together, how far the compressed network is from the whole one, and both at completion."""
    canvas = Canvas(2, 2, width=width, height=2.4)
    _layers(canvas, 0, sweeps["compression_layers"])
    _difference(canvas, 1, sweeps["compression_invariance"], "whole minus compressed")
    _difference(canvas, 2, sweeps["compression_training"], "the same, trained to the end")
    _completion(canvas, 3, sweeps["compression_completion"], published)
    return canvas
