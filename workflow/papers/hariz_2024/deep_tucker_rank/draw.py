"""Multilinear rank and errors of deep Tucker factorizations against depth, init and observed fraction."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from pydantic import PositiveFloat, PositiveInt

from greedyrank.figures import reductions
from greedyrank.figures.canvas import PALE, Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select
from hariz_2024.common import DEPTH_COLORS

MARKERS = {0: "x", 1: "o", 2: "s", 3: "^", 4: "D"}


def _of_modes(values: xr.DataArray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each run's x once per mode, and its values (run, mode), both flat."""
    return np.repeat(x, values.sizes["mode"]), values.transpose("run", "mode").to_numpy().ravel()


def _ranks(canvas: Canvas, panel: int, ends: xr.Dataset, rank: int, slice_floor: float, share: float) -> None:
    """Draw how many slices and how many singular values are large, against depth, every mode of every run."""
    counts = {
        f"core slices above {slice_floor:g}": (ends.slice_norm > slice_floor).sum("slice"),
        f"after HOSVD, above {share:.0%}": (ends.multilinear_value > share).sum("component"),
    }
    for (name, values), color, marker, shift in zip(
        counts.items(), ("orange", "blue"), ("^", "o"), (-0.1, 0.1), strict=True
    ):
        x, y = _of_modes(values, ends.depth.to_numpy() + shift)
        canvas.medians(panel, x, y, name, marker, color=COLORS[color], label=name, linewidth=0.8)
    canvas.panels[panel].axhline(rank, color="0.5", linestyle=":", linewidth=0.8, zorder=0, label="target")
    canvas.panels[panel].set(xlabel="depth K", ylabel="multilinear rank", ylim=(0, 38), yticks=[5, 10, 15, 20, 25])


def _spectra(canvas: Canvas, panel: int, ends: xr.Dataset, share: float) -> None:
    """Draw the singular values of the first mode's unfolding at the end."""
    for depth, color in DEPTH_COLORS.items():
        here = select(ends, {"depth": depth})
        for index in range(here.sizes["run"]):
            values = here.multilinear_value.isel(run=index, mode=0)
            series = f"K = {depth}, data seed {here.data_seed.values[index]:.0f}"
            look = PALE if index else {"linewidth": 1.1, "label": f"K = {depth}"}
            canvas.line(panel, 1 + np.arange(values.size), values, series, color=COLORS[color], **look)
    canvas.panels[panel].axhline(share, color="0.5", linestyle=":", linewidth=0.8, zorder=0, label=f"{share:.0%}")
    canvas.panels[panel].set(xlabel="component", ylabel="singular value / largest", yscale="log")


def _errors(canvas: Canvas, panel: int, ends: xr.Dataset) -> None:
    """Draw training and test error against depth."""
    for name, color, marker, shift in (("test", "blue", "o", 0.1), ("train", "orange", "^", -0.1)):
        errors, capped = ends[f"{name}_error"], canvas.shows(ends)
        canvas.medians(
            panel,
            ends.depth + shift,
            errors,
            name,
            marker,
            color=COLORS[color],
            label=name,
            linewidth=0.8,
            capped=capped,
        )
    canvas.panels[panel].set(xlabel="depth K", ylabel="squared error", yscale="log")


def _against(
    canvas: Canvas, panel: int, ends: xr.Dataset, setting: str, variable: str, spread: float, left_out: ArrayLike = ()
) -> None:
    """Draw a number of each run, or of each of its modes, against a setting; depths stand side by side."""
    for depth, color in DEPTH_COLORS.items():
        here = select(ends, {"depth": depth})
        if not here.sizes["run"]:
            continue
        values, places = here[variable], here[setting].to_numpy() * spread ** (depth - 2)
        x, y = _of_modes(values, places) if "mode" in values.dims else (places, values.to_numpy())
        name, look = f"K = {depth}", {"color": COLORS[color], "linewidth": 0.8}
        missed = np.asarray(left_out) * spread ** (depth - 2)
        capped = np.repeat(canvas.shows(here), y.size // here.sizes["run"])
        canvas.medians(panel, x, y, name, MARKERS[depth], label=name, capped=capped, left_out=missed, **look)
    canvas.panels[panel].set(xscale="log", xlabel=setting)


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    rank: PositiveInt = 5,
    fraction: PositiveFloat = 0.7,
    slice_floor: PositiveFloat = 1.0,
    share: PositiveFloat = 0.01,
) -> Canvas:
    """Draw ranks, spectra and errors against depth, then errors and ranks against fraction and init.

    ``rank`` is that of the target along each mode; a slice counts above ``slice_floor``, a singular
    value above ``share`` of the largest; the first row is at the observed ``fraction``.
    """
    canvas = Canvas(2, 3, width=width, height=2.4)
    whole, inits = (last(sweeps[name]) for name in ("deep_tucker", "deep_tucker_init"))
    most = select(whole, {"observed_fraction": fraction})
    few = f"{inits.observed_fraction.values[0]:.0%} observed"
    _ranks(canvas, 0, most, rank, slice_floor, share)
    canvas.title(0, f"{fraction:.0%} observed")
    canvas.panels[0].legend(loc="upper right")
    _spectra(canvas, 1, most, share)
    canvas.title(1, f"after HOSVD, {fraction:.0%} observed")
    canvas.panels[1].set_ylim(bottom=1e-10)  # room for the legend
    canvas.panels[1].legend(loc="lower left", ncols=2)
    _errors(canvas, 2, most)
    canvas.title(2, f"errors, {fraction:.0%} observed")
    canvas.panels[2].legend(loc="upper right")

    # Each depth from its smallest init: at the smallest fraction that is another sweep.
    smallest = inits.isel(
        run=[
            i
            for i in range(inits.sizes["run"])
            if inits.core_std[i] == inits.core_std[inits.depth == inits.depth[i]].min()
        ]
    )
    both = xr.concat([whole, smallest], "run", join="outer")
    fractions_in_full = reductions.in_full(whole, "observed_fraction")
    _against(canvas, 3, both, "observed_fraction", "test_error", 1.03, fractions_in_full)
    canvas.title(3, "test error, smallest inits")
    canvas.panels[3].set(xlabel="observed fraction", ylabel="squared error", yscale="log")
    fractions = np.unique(both.observed_fraction)
    canvas.panels[3].set_xticks(fractions, [f"{share:g}" for share in fractions])
    canvas.panels[3].minorticks_off()
    canvas.panels[3].legend(loc="upper right", ncols=2, columnspacing=0.8)
    canvas.panels[3].set_ylim(top=1e5)  # room for the legend
    counted = inits.assign(found=(inits.multilinear_value > share).sum("component"))
    for panel, variable, label in ((4, "test_error", "squared error"), (5, "found", "rank after HOSVD")):
        _against(canvas, panel, counted, "core_std", variable, 1.06)
        canvas.panels[panel].set(xlabel="init (entries of the core)", ylabel=label)
    canvas.title(4, f"test error, {few}")
    canvas.panels[4].set(yscale="log")
    canvas.panels[4].legend(loc="upper left")
    canvas.title(5, f"rank, {few}")
    canvas.panels[5].axhline(rank, color="0.5", linestyle=":", linewidth=0.8, zorder=0, label="target")
    return canvas
