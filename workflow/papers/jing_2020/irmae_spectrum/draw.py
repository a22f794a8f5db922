"""Latent spectra of autoencoders with linear layers behind the encoder: Jing, Zbontar & LeCun 2020, MNIST."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select
from jing_2020.irmae_spectrum.statistics import at_equal_error, counts, effective_ranks, normalised

LOOKS = {0: ("blue", "no linear layer"), 1: ("amber", "1 linear layer"), 8: ("orange", "8 linear layers")}
# What is counted of a spectrum while a run learns, and its line.
NUMBERS = {
    "above 0.01 %": (lambda runs: counts(runs, above=1e-4), "--"),
    "effective rank": (effective_ranks, "-"),
}


def _unfinished(runs: xr.Dataset) -> list[str]:
    """Say which runs have not converged: their test error is more than twice the lowest at the end."""
    ends = last(runs)
    ratios = ends.test_error / ends.test_error.min()
    return [
        f"Not converged: with {layers:.0f} linear layers the error is still {ratio:.1f} times the lowest"
        for layers, ratio in zip(ends.linear_layers.values, ratios.values, strict=True)
        if ratio > 2
    ]


def draw(
    sweeps: dict[str, xr.Dataset], published: dict, *, width: Width = "text", share_max: PositiveFloat = 0.4
) -> Canvas:
    """Draw the spectra at equal error, the error over the epochs, and the rank against the error."""
    canvas = Canvas(2, 2, width=width, height=2.4)
    runs = sweeps["irmae_spectrum"]
    runs = runs.assign(epoch=(runs.step / np.ceil(runs.train_size / runs.batch_size)).where(runs.step >= 0))
    canvas.remarks += _unfinished(runs)
    equal = at_equal_error(runs)
    for layers, (color, name) in LOOKS.items():
        here = select(runs, {"linear_layers": layers})
        style = {"color": COLORS[color], "label": name}
        compared, ends = (normalised(select(some, {"linear_layers": layers})) for some in (equal, last(runs)))
        index = xr.zeros_like(ends) + np.arange(1, ends.sizes["component"] + 1)
        for panel in (0, 1):
            canvas.each_run(panel, here, index, compared, name, **style)
        canvas.each_run(1, here, index, ends, f"{name}, at the end", alpha=0.3, **style)
        canvas.each_run(2, here, here.epoch, here.test_error, name, **style)
        trained = here.isel(record=slice(1, None))
        for number, (count, line) in NUMBERS.items():
            look = {**style, "linestyle": line, "marker": "o", "markersize": 2, "label": None}
            canvas.each_run(3, trained, trained.test_error, count(trained), f"{name}, {number}", **look)
    for number, (_, line) in NUMBERS.items():
        canvas.panels[3].plot([], [], color=COLORS["gray"], linestyle=line, label=number)
    canvas.panels[3].legend(loc="upper left")
    spectrum = {
        "xlabel": "latent direction",
        "ylabel": "value / largest",
        "xlim": (0, len(ends.component)),
    }
    canvas.panels[0].set(ylim=(0, share_max), **spectrum)
    canvas.panels[1].set(yscale="log", ylim=(1e-9, 2), **spectrum)
    error = "mean squared error, test"
    canvas.panels[2].set(xlabel="epochs", ylabel=error, yscale="log")
    canvas.panels[3].set(xlabel=error, ylabel="directions", yscale="log", ylim=(0.8, 500))
    canvas.panels[3].invert_xaxis()
    canvas.panels[0].legend(loc="upper right")
    canvas.title(0, "latent spectrum at equal error")
    canvas.title(1, "the same; light: at the end")
    canvas.title(2, "reconstruction")
    canvas.title(3, "rank against error")
    return canvas
