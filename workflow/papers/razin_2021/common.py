"""What figures of the paper share: those of component norms, and those of the tensor rank of images."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from greedyrank.claims.statistics import error_at_stop, growing
from greedyrank.figures.canvas import PALE, Canvas
from greedyrank.figures.style import COLORS, rank_colors
from greedyrank.spectra.selection import along, at_stop, last_shared, select

# -- component norms -----------------------------------------------------------------------------

INIT_COLORS = ("orange", "green", "blue")


def inits(runs: xr.Dataset) -> list[float]:
    """Return the inits of a sweep, from the largest down."""
    return sorted(set(runs.factor_std.values.tolist()), reverse=True)


def settled(run: xr.Dataset, learned: float = 0.02) -> float:
    """Return the step at which the last component that ends above ``learned`` first has nine tenths of its norm."""
    before = (run.step >= 0) & (run.step <= run.stop_step)
    ends = run.component_norm.isel(record=int(before.sum()) - 1)
    grown = (run.component_norm >= 0.9 * ends) & before
    steps = run.step.isel(record=grown.argmax("record")).to_numpy()[(ends > learned).to_numpy()]
    return float(max(steps, default=0) or run.stop_step)  # components can be there from the start


def trajectories(canvas: Canvas, panel: int, runs: xr.Dataset, published: dict, norm_max: float) -> None:
    """Draw the ten largest norms of the first run up to the stopping rule in colours, those of the others pale in gray.

    The axis ends where the published panel does, or where the first run has learned its last component.
    """
    std = f"{runs.factor_std.values[0]:g}"
    capped = canvas.shows(runs)
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        before = (run.step >= 0) & (run.step <= run.stop_step)
        for component, color in enumerate(rank_colors(run.sizes["component"])):
            style = {"color": color, "linewidth": 1.2, "zorder": 2} if index == 0 else {**PALE, "color": "0.6"}
            canvas.line(
                panel,
                run.step.where(before) / 1e3,
                run.component_norm.isel(component=component),
                f"norm {component + 1}, data seed {run.data_seed.item():.0f}",
                **style,
            )
    for high in np.flatnonzero(runs.component_norm.max(("record", "component")) > norm_max):
        peak = float(runs.component_norm[high].max())
        text = f"data seed {runs.data_seed.values[high]:.0f} peaks at {peak:.1f}"
        canvas.panels[panel].text(
            0.98, 0.99, text, transform=canvas.panels[panel].transAxes, ha="right", va="top", size="small"
        )
    end = 1.1 * settled(runs.isel(run=0))
    if std in published.get("final", {}):
        norms, last_iteration = published["final"][std], published["iterations"][std]
        canvas.published(panel, [last_iteration / 1e3] * len(norms), norms)
        end = max(end, last_iteration)
    if capped[0]:
        end = max(end, float(runs.stop_step[0]))
        norms = at_stop(runs.isel(run=[0])).component_norm.to_numpy().ravel()
        canvas.cross(panel, [float(runs.stop_step[0]) / 1e3] * len(norms), norms)
    canvas.title(panel, f"init {std}")
    canvas.panels[panel].set(
        xlabel="iterations / 1000", ylabel="component norms", xlim=(0, 1.02 * end / 1e3), ylim=(-0.02, norm_max)
    )


def errors(canvas: Canvas, panel: int, runs: xr.Dataset, color: str, published: dict) -> None:
    """Draw the errors, thick up to the stopping rule and thin through a finish after it; all but the first run pale.

    The axis ends with the longest first run.
    """
    std = f"{runs.factor_std.values[0]:g}"
    axes = canvas.panels[panel]
    axes.set_xlim(0, max(axes.get_xlim()[1], 1.05 * runs.step[0].max().item() / 1e3))
    for index in range(runs.sizes["run"]):
        run = runs.isel(run=index)
        for part, where, width in (
            ("to the stop", (run.step >= 0) & (run.step <= run.stop_step), 1.0),
            ("smaller steps", run.step >= run.stop_step, 0.5),
        ):
            series = f"init {std}, data seed {run.data_seed.item():.0f}, {part}"
            label = f"init {std}" if index == 0 and width == 1.0 else None
            style = {"color": COLORS[color], "linewidth": width, "label": label, **(PALE if index else {})}
            canvas.line(panel, run.step.where(where) / 1e3, run.relative_error, series, **style)
    for what, at in (("error", "iterations"), ("lowest", "lowest_iterations")):
        if std in published.get(what, {}):
            place, error = published[at][std] / 1e3, published[what][std]
            look = {"color": COLORS[color], "marker": {"error": "D", "lowest": "v"}[what], "label": None}
            canvas.published(panel, [place], [error], f"init {std}, published {what}", **look)
    axes.set(xlabel="iterations / 1000", ylabel="relative error", yscale="log")


def trajectories_and_errors(canvas: Canvas, first: int, runs: xr.Dataset, name: str, norm_max: float) -> None:
    """Draw the norms of the largest and the smallest init in two panels and the errors of all inits in a third."""
    every = inits(runs)
    for place, std in enumerate((every[0], every[-1])):
        trajectories(canvas, first + place, select(runs, {"factor_std": std}), {}, norm_max)
        canvas.title(first + place, f"{name}, init {std:g}")
    for std, color in zip(every, INIT_COLORS, strict=False):
        errors(canvas, first + 2, select(runs, {"factor_std": std}), color, {})
    canvas.title(first + 2, f"{name}, error")
    canvas.panels[first + 2].legend()


def components_above(runs: xr.Dataset, *, threshold: float) -> np.ndarray:
    """Return how many of the ten largest component norms exceed a threshold at the published stop."""
    return (at_stop(runs).component_norm > threshold).sum("component").to_numpy()


def gap_growth(runs: xr.Dataset, *, stds: list, index: int) -> np.ndarray:
    """Return, for each data seed, the smallest factor by which the gap grows along ``stds``.

    The gap is component norm ``index`` (counted from 1) over the next, at the published stop.
    """
    norms = at_stop(runs).component_norm
    gap = norms.isel(component=index - 1) / norms.isel(component=index)
    return np.array([min(gaps[1:] / gaps[:-1]) for gaps in along(gap, "factor_std", stds)])


def lowest_error(runs: xr.Dataset) -> np.ndarray:
    """Return the lowest relative error of each run at any record up to the published stop."""
    return runs.relative_error.where(runs.step <= runs.stop_step).min("record").to_numpy()


def lowest_over_last(runs: xr.Dataset) -> np.ndarray:
    """Return `lowest_error` over the error at the published stop."""
    return lowest_error(runs) / error_at_stop(runs)


def exponent_deviation(
    runs: xr.Dataset, *, start: float, learned: float, share: float, exponent: float, divide_by_gamma: bool
) -> np.ndarray:
    """Return, for each run, how far at most the growth of a learned component is from a power of its norm.

    The slope of log(rate / gamma) against log(sigma), less ``exponent``, in absolute value; without division by gamma
    where that is asked for. The arguments of `greedyrank.claims.statistics.growing` say which records count.
    """
    slopes = [
        (run, np.polyfit(np.log(sigma), np.log(rate / gamma if divide_by_gamma else rate), 1)[0])
        for run, _, sigma, gamma, rate in growing(runs, start=start, learned=learned, share=share)
    ]
    return _largest_of_each_run(runs, [(run, abs(slope - exponent)) for run, slope in slopes])


def prefactor_deviation(runs: xr.Dataset, *, start: float, learned: float, share: float, order: float) -> np.ndarray:
    """Return, for each run, how far at most the factor of the growth law is from ``order``, relative to it.

    The factor is the median of rate / (gamma sigma^(2 - 2/order)) of a learned component.
    """
    factors = [
        (run, np.median(rate / (gamma * sigma ** (2 - 2 / order))))
        for run, _, sigma, gamma, rate in growing(runs, start=start, learned=learned, share=share)
    ]
    return _largest_of_each_run(runs, [(run, abs(factor / order - 1)) for run, factor in factors])


def _largest_of_each_run(runs: xr.Dataset, values: list[tuple[int, float]]) -> np.ndarray:
    """Return the largest value of each run, NaN for a run without any."""
    found = np.full(runs.sizes["run"], np.nan)
    for run, value in values:
        found[run] = np.fmax(found[run], value)
    return found


# -- images ---------------------------------------------------------------------------------------

# What is trained on, by the settings `images` and `labels`.
VARIANTS = {
    "original": ("original", "original"),
    "shuffled": ("shuffled", "original"),
    "independent": ("independent", "original"),
    "random_images": ("random", "original"),
    "random_labels": ("original", "random"),
}
VARIANT_NAMES = {
    "original": "original",
    "shuffled": "shuffled pixels",
    "independent": "independent pixels",
    "random_images": "random images",
    "random_labels": "random labels",
}
# Shuffled images all but coincide with the original ones, and the random variants with each other: hollow
# markers of other sizes and forms, and a small shift along the axis, keep each of them visible.
VARIANT_LOOKS: dict[str, dict[str, Any]] = {
    "original": {"color": COLORS["blue"], "marker": "o", "markersize": 3.5},
    "shuffled": {"color": COLORS["black"], "marker": "s", "markersize": 6, "markerfacecolor": "none", "linestyle": ":"},
    "independent": {"color": COLORS["green"], "marker": "v", "markersize": 4},
    "random_images": {"color": COLORS["orange"], "marker": "^", "markersize": 4, "linestyle": (0, (5, 1.5))},
    "random_labels": {"color": COLORS["purple"], "marker": "D", "markersize": 6, "markerfacecolor": "none"},
}
DATASETS = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
HIGHEST_RANK = 15  # the largest published rank


def variant(runs: xr.Dataset, name: str) -> xr.Dataset:
    """Return the runs of one variant."""
    images, labels = VARIANTS[name]
    return runs.isel(run=np.flatnonzero((runs["images"] == images) & (runs["labels"] == labels)))


def split_by(runs: xr.Dataset, *names: str) -> list[xr.Dataset]:
    """Return the runs with equal values of some settings, one data set for each choice of values."""
    keys = list(zip(*(runs[name].values for name in names), strict=True))
    return [runs.isel(run=[i for i, key in enumerate(keys) if key == group]) for group in sorted(set(keys))]


def compared(runs: xr.Dataset, fitted: str, against: str, *names: str) -> list[list[xr.Dataset]]:
    """Return two variants at equal epochs, on the labels both were trained on, in order; by the values of settings."""
    found = []
    for here in split_by(runs, *names):
        pair = [variant(here, name).sortby("label") for name in (fitted, against)]
        shared = np.intersect1d(*(part.label for part in pair))
        found.append(last_shared(*(part.isel(run=np.flatnonzero(np.isin(part.label, shared))) for part in pair)))
    return found


def epochs(runs: xr.Dataset) -> xr.DataArray:
    """Return the epoch of each record, (run, record), NaN where there is none."""
    return (runs.step / np.ceil(runs.train_size / runs.batch_size)).where(runs.step >= 0)


def on_labels(runs: xr.Dataset, labels: np.ndarray) -> xr.Dataset:
    """Return the runs with one of some labels."""
    return runs.isel(run=np.flatnonzero(np.isin(runs.label, labels)))


def listed(labels: np.ndarray) -> str:
    """Return labels as text, such as ``labels 0, 3``."""
    return f"label{'s' * (len(labels) > 1)} {', '.join(f'{label:.0f}' for label in labels)}"


def note_labels(canvas: Canvas, runs: xr.Dataset) -> None:
    """Say which variants were trained on fewer labels than the published ten, and which on one data set alone."""
    fewer: dict[str, list[str]] = {}
    absent: dict[str, list[str]] = {}
    for name in VARIANTS:
        here = variant(runs, name)
        labels = np.unique(here.label)
        if 0 < len(labels) < 10:
            fewer.setdefault(listed(labels), []).append(VARIANT_NAMES[name])
        for dataset in sorted(set(runs.dataset.values) - set(here.dataset.values)):
            absent.setdefault(DATASETS[dataset], []).append(VARIANT_NAMES[name])
    canvas.remarks += [f"{', '.join(names)}: {labels} only" for labels, names in fewer.items()]
    canvas.remarks += [f"{dataset}: no {', '.join(names)}" for dataset, names in absent.items()]


def legend_above(canvas: Canvas, columns: int) -> None:
    """Put the legend of the first panel above all panels, the variants first."""
    handles = dict(zip(*reversed(canvas.panels[0].get_legend_handles_labels()), strict=True))
    names = list(VARIANT_NAMES.values())
    order = sorted(handles, key=lambda label: names.index(label) if label in names else len(names))
    canvas.legend_above([handles[label] for label in order], order, columns)
