"""Tensor rank of MNIST and Fashion-MNIST over the epochs, and label by label."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import Width
from greedyrank.spectra.selection import select
from razin_2021.common import (
    DATASETS,
    HIGHEST_RANK,
    VARIANT_LOOKS,
    VARIANT_NAMES,
    VARIANTS,
    epochs,
    legend_above,
    listed,
    note_labels,
    on_labels,
    split_by,
    variant,
)
from razin_2021.image_rank_labels.statistics import needed_rank

GARMENTS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
CLASSES = {"mnist": tuple(map(str, range(10))), "fashion_mnist": GARMENTS}
RANK_LINES = ("-", (0, (2, 1)))  # the lowest rank and the highest


def _over_epochs(canvas: Canvas, panel: int, runs: xr.Dataset) -> None:
    """Draw every variant's mean over labels at two ranks, on the labels that all variants of that rank have."""
    ranks = np.unique(runs.tensor_rank)[[0, -1]]
    for rank, line in zip(ranks, RANK_LINES, strict=True):
        variants = {name: variant(select(runs, {"tensor_rank": float(rank)}), name) for name in VARIANTS}
        trained = {name: here for name, here in variants.items() if here.sizes["run"]}
        shared = functools.reduce(np.intersect1d, (here.label for here in trained.values()))
        canvas.panels[panel].plot([], [], color="0.4", linestyle=line, label=f"rank {rank:.0f}, {listed(shared)}")
        for name, here in trained.items():
            # Shuffled images lie on the original ones: thin, and on top.
            thin = name == "shuffled"
            style = {"color": VARIANT_LOOKS[name]["color"], "linestyle": line, "linewidth": 0.7 if thin else 1.4}
            means = on_labels(here, shared).train_error.mean("run")
            series, label = f"{VARIANT_NAMES[name]}, rank {rank:.0f}", VARIANT_NAMES[name]
            canvas.line(
                panel,
                epochs(here).isel(run=0),
                means,
                series,
                **style,
                zorder=4 if thin else 3,
                label=label if panel == 0 and rank == ranks[0] else None,
            )


def _table(canvas: Canvas, panel: int, runs: xr.Dataset, dataset: str, errors: Sequence[float]) -> None:
    """Draw, for each label and error, the smallest rank that reached the error."""
    labels = split_by(variant(runs, "original"), "label")
    needed = np.array([[needed_rank(own, error) for error in errors] for own in labels])
    names = [CLASSES[dataset][int(own.label[0])] for own in labels]
    axes = canvas.panels[panel]
    palette = matplotlib.colormaps["viridis_r"].with_extremes(bad="0.9")
    axes.pcolormesh(
        np.where(np.isfinite(needed), needed, np.nan),
        cmap=palette,
        norm=BoundaryNorm(np.arange(0.5, HIGHEST_RANK + 1), 256),
        edgecolor="white",
        linewidth=0.8,
    )
    axes.invert_yaxis()
    for row, name in enumerate(names):
        canvas.keep(panel, f"original, smallest rank for an error, {name}", errors, needed[row])
        for column, rank in enumerate(needed[row]):
            text = f"{rank:.0f}" if np.isfinite(rank) else "-"
            dark = np.isfinite(rank) and rank > 0.5 * HIGHEST_RANK
            look: dict[str, Any] = {
                "ha": "center",
                "va": "center",
                "fontsize": "small",
                "color": "white" if dark else "0.1",
            }
            axes.text(column + 0.5, row + 0.5, text, **look)
    axes.set_xticks(np.arange(len(errors)) + 0.5, [f"{error:g}" for error in errors], rotation=90)
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    errors: Sequence[PositiveFloat] = (0.06, 0.04, 0.03, 0.02, 0.01),
    error_max: PositiveFloat = 0.11,
) -> Canvas:
    """Draw training error against epochs, and the rank that each label needs for some errors."""
    canvas = Canvas(2, 2, width=width, height=2.6)
    runs = sweeps["image_rank"]
    note_labels(canvas, runs)
    ranks = np.unique(runs.tensor_rank).astype(int)
    every = f"{ranks[0]} to {ranks[-1]}" if len(ranks) > 4 else ", ".join(map(str, ranks))
    for column, (dataset, title) in enumerate(DATASETS.items()):
        here = select(runs, {"dataset": dataset})
        _over_epochs(canvas, column, here)
        canvas.title(column, f"{title}, training error")
        axes = canvas.panels[column]
        axes.set(xlabel="epochs", ylabel="mean squared error", xscale="log", ylim=(0, error_max))
        _table(canvas, 2 + column, here, dataset, errors)
        canvas.title(2 + column, f"{title}, smallest rank")
        canvas.panels[2 + column].set(xlabel=f"training error to reach\n(ranks {every})", ylabel="positive class")
    legend_above(canvas, 4)
    return canvas
