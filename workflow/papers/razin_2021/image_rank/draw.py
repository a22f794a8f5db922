"""Tensor rank as a measure of complexity, MNIST and Fashion-MNIST: Razin, Maman & Cohen 2021, Fig. 4."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from pydantic import PositiveFloat

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS, Width
from greedyrank.spectra.selection import last, select
from razin_2021.common import (
    DATASETS,
    HIGHEST_RANK,
    VARIANT_LOOKS,
    VARIANT_NAMES,
    VARIANTS,
    legend_above,
    listed,
    note_labels,
    on_labels,
    variant,
)

SAME_LABELS: dict[str, Any] = {
    "color": COLORS["blue"],
    "marker": ".",
    "markersize": 4,
    "linestyle": ":",
    "linewidth": 0.9,
    "zorder": 4,
}
SHIFTS = {"independent": -0.12, "random_images": 0.12}  # ranks
ERRORS = {"train": "training error", "test": "test error"}
# What counts as misclassified: one class against the rest, or the largest of ten predictions; line and marker.
ACCURACIES = {"test": ("one against the rest", "-", "o"), "test_class": ("ten classes", (0, (3, 1.2)), "x")}
TREND = {"linewidth": 1.0, "linestyle": "-", "markersize": 3, "zorder": 1.5}  # of the published means
LINEAR = {"color": COLORS["amber"], "linestyle": (0, (6, 1.5, 1, 1.5)), "linewidth": 1.3, "zorder": 1}
CONSTANT = {"color": "0.45", "linewidth": 0.8, "zorder": 0}


def _by_rank(here: xr.Dataset, values: xr.DataArray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the ranks of some runs, and the values at each."""
    ranks = np.unique(here.tensor_rank)
    return ranks, [values.to_numpy()[here.tensor_rank == rank] for rank in ranks]


def _errors(canvas: Canvas, panel: int, runs: xr.Dataset, part: str, published: dict, variance: float) -> None:
    original = variant(runs, "original")
    for name in VARIANTS:
        here = variant(runs, name)
        _bars(
            canvas,
            panel,
            here,
            part,
            VARIANT_NAMES[name],
            SHIFTS.get(name, 0),
            **VARIANT_LOOKS[name],
            zorder=2 + (name == "original"),
        )
        points = published.get(name, {}).get(part, [])
        if len(points):
            label = "published (colour of the series)" if panel == 0 and name == "original" else None
            series, color = f"{VARIANT_NAMES[name]}, {part}, published", VARIANT_LOOKS[name]["color"]
            canvas.published(panel, np.arange(1, len(points) + 1), points, series, color=color, label=label, **TREND)
    for same, described in _as_shuffled(runs):
        _means(canvas, panel, same, same[f"{part}_error"], f"{described}, {part}", described if panel == 0 else None)
    linear = float(original[f"linear_{part}_error"].mean())
    first = panel == 0
    _level(canvas, panel, linear, f"linear least squares, original, {part}", "linear least squares" * first, LINEAR)
    _level(canvas, panel, variance, "variance of the labels", "constant prediction" * first, CONSTANT)


def _as_shuffled(runs: xr.Dataset) -> list[tuple[xr.Dataset, str]]:
    """Return the original runs on the labels of the shuffled ones, if these are fewer, and a name for them.

    Shuffled images can be compared with the original ones on the same labels alone.
    """
    original, labels = variant(runs, "original"), np.unique(variant(runs, "shuffled").label)
    fewer = set(labels) < set(original.label.values)
    return [(on_labels(original, labels), f"original, {listed(labels)}")] if fewer else []


def _means(canvas: Canvas, panel: int, here: xr.Dataset, values: xr.DataArray, series: str, label: str | None) -> None:
    """Draw the mean over labels at each rank, without bars."""
    ranks, found = _by_rank(here, values)
    means = [np.mean(entry) for entry in found]
    canvas.panels[panel].plot(ranks, means, **{**SAME_LABELS, **_unjoined(ranks)}, label=label)
    canvas.keep(panel, series, ranks, means)


def _bars(canvas: Canvas, panel: int, here: xr.Dataset, part: str, series: str, shift: float, **style) -> None:
    """Draw the mean over labels at each rank, and bars of their standard deviation; a line if no rank is left out."""
    ranks, values = _by_rank(here, here[f"{part}_error"])
    means, spreads = (np.array([f(v) for v in values]) for f in (np.mean, np.std))
    look = {"capsize": 1.5, "linewidth": 1.1, "elinewidth": 0.6, **style, **_unjoined(ranks)}
    label = series if panel == 0 else None
    canvas.panels[panel].errorbar(ranks + shift, means, spreads, **look, label=label)
    canvas.keep(panel, f"{series}, {part}", ranks, means, spread=spreads, labels=[len(entry) for entry in values])


def _unjoined(ranks: np.ndarray) -> dict[str, str]:
    """Return the style of points with ranks left out between them: no line."""
    return {"linestyle": "none"} if (np.diff(ranks) > 1).any() else {}


def _level(canvas: Canvas, panel: int, value: float, series: str, label: str, style: dict) -> None:
    canvas.panels[panel].axhline(value, **style, label=label or None)
    canvas.keep(panel, series, [0.5, HIGHEST_RANK + 0.5], [value, value])


def _wrong(canvas: Canvas, panel: int, runs: xr.Dataset, variance: float) -> None:
    """Draw the share of test images that are misclassified."""
    axes = canvas.panels[panel]
    for kind, (described, line, marker) in ACCURACIES.items():
        for name in VARIANTS:
            here = variant(runs, name)
            ranks, values = _by_rank(here, here[f"{kind}_accuracy"])
            wrong = 1 - np.array([np.mean(entry) for entry in values])
            look = {**VARIANT_LOOKS[name], "linestyle": line, "linewidth": 1.1, "zorder": 3, **_unjoined(ranks)}
            if kind != "test":
                look |= {"marker": marker, "markersize": 4}
            axes.plot(ranks + SHIFTS.get(name, 0), wrong, **look)
            seen = np.isfinite(wrong)
            canvas.keep(panel, f"{VARIANT_NAMES[name]}, {described}", ranks[seen], wrong[seen])
        if kind == "test":
            for same, name in _as_shuffled(runs):
                _means(canvas, panel, same, 1 - same.test_accuracy, f"{name}, {described}", None)
        share = (1 - np.sqrt(1 - 4 * variance)) / 2  # of the rarer label, which a constant gets wrong
        constant = share if kind == "test" else 1 - share
        linear = 1 - float(variant(runs, "original")[f"linear_{kind}_accuracy"].mean())
        for value, label, style in (
            (linear, "linear least squares, original", LINEAR),
            (constant, "constant", CONSTANT),
        ):
            _level(canvas, panel, value, f"{label}, {described}", "", {**style, "linestyle": line})
        axes.plot([], [], color="0.2", linestyle=line, marker=marker, markersize=4, linewidth=1.1, label=described)


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: Width = "text",
    variance: PositiveFloat = 0.09,
    train_max: PositiveFloat = 0.1,
    test_max: PositiveFloat = 0.17,
) -> Canvas:
    """Draw training error, test error and misclassified test images against tensor rank, for each data set."""
    canvas = Canvas(3, 2, width=width, height=2.15)
    note_labels(canvas, sweeps["image_rank"])
    ends = last(sweeps["image_rank"])
    for column, (dataset, title) in enumerate(DATASETS.items()):
        here = select(ends, {"dataset": dataset})
        for row, (part, described) in enumerate(ERRORS.items()):
            panel = 2 * row + column
            _errors(canvas, panel, here, part, published.get(dataset, {}), variance)
            canvas.title(panel, f"{title}, {described}")
            canvas.panels[panel].set(
                ylabel="mean squared error", ylim=(0, {"train": train_max, "test": test_max}[part])
            )
        panel = 4 + column
        _wrong(canvas, panel, here, variance)
        canvas.title(panel, f"{title}, misclassified")
        canvas.panels[panel].set(ylabel="share of test images", yscale="log", ylim=(0.002, 1.3))
    for axes in canvas.panels:
        axes.set(xlabel="tensor rank", xlim=(0.5, HIGHEST_RANK + 0.5), xticks=(1, 5, 10, HIGHEST_RANK))
    canvas.panels[4].legend(loc="lower right")
    legend_above(canvas, 4)
    return canvas
