"""Tensor rank as a measure of complexity, MNIST and Fashion-MNIST: Razin, Maman & Cohen 2021, Fig. 4."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.claims.image_rank import VARIANTS
from greedyrank.selection import last, select
from greedyrank.style import COLORS, Canvas

# The two random variants all but coincide: hollow diamonds around the triangles show both.
LOOKS = {
    "original": {"color": COLORS["blue"], "marker": "o", "markersize": 3.5},
    "random_images": {"color": COLORS["orange"], "marker": "^", "markersize": 3},
    "random_labels": {"color": COLORS["purple"], "marker": "D", "markersize": 6, "markerfacecolor": "none"},
}
TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
PUBLISHED_EPOCHS = 10_000


def draw(
    sweeps: dict[str, xr.Dataset],
    published: dict,
    *,
    width: str = "text",
    variance: float = 0.09,
    error_max: float = 0.2,
) -> Canvas:
    """Draw training and test error against tensor rank for each data set, and error against epochs."""
    canvas = Canvas(2, 2, width=width, height=2.5)
    runs = sweeps["image_rank"]
    ends = last(runs)
    epoch = runs.step / np.ceil(runs.train_size / runs.batch_size)
    epochs = int(epoch.max())
    if epochs < PUBLISHED_EPOCHS:
        canvas.remarks.append(f"{epochs} epochs, published {PUBLISHED_EPOCHS}")
    for panel, dataset in enumerate(TITLES):
        for variant, (images, labels) in VARIANTS.items():
            here = select(ends, {"dataset": dataset, "images": images, "labels": labels})
            ranks = np.unique(here.tensor_rank)
            tasks = len(np.unique(here.label))
            for part, line, alpha in (("train", "-", 1.0), ("test", "--", 0.55)):
                errors = [here[f"{part}_error"].to_numpy()[here.tensor_rank == rank] for rank in ranks]
                means, spreads = (np.array([f(e) for e in errors]) for f in (np.mean, np.std))
                name = variant.replace("_", " ")
                style = {**LOOKS[variant], "linestyle": line, "alpha": alpha}
                canvas.panels[panel].errorbar(
                    ranks,
                    means,
                    spreads,
                    capsize=2,
                    linewidth=1.1,
                    elinewidth=0.7,
                    **style,
                    label=f"{name} ({tasks} label{'s' * (tasks > 1)})" if part == "train" else None,
                )
                canvas.keep(panel, f"{name}, {part}", ranks, means, spread=spreads, labels=tasks)
                points = published.get(dataset, {}).get(variant, {}).get(part, [])
                if len(points):
                    at = np.arange(1, len(points) + 1)
                    canvas.panels[panel].plot(
                        at, points, color=LOOKS[variant]["color"], linestyle=line, alpha=0.25, linewidth=2.2, zorder=0
                    )
                    canvas.keep(panel, f"{name}, {part}, published", at, points)
        canvas.panels[panel].axhline(variance, color=COLORS["green"], linewidth=1, label="variance")
        canvas.title(panel, TITLES[dataset])
        canvas.panels[panel].set(
            xlabel="tensor rank", ylabel="mean squared error", ylim=(0, error_max), xlim=(0.5, 15.5)
        )
        if panel == 0:
            canvas.panels[panel].legend(loc="upper left", ncols=2)

    for panel, dataset in enumerate(TITLES, start=2):
        for variant, (images, labels) in VARIANTS.items():
            here = select(runs, {"dataset": dataset, "images": images, "labels": labels})
            for rank, line in zip(np.unique(here.tensor_rank), ("-", "--", ":"), strict=False):
                chosen = select(here, {"tensor_rank": float(rank)})
                mean = chosen.train_error.mean("run")
                canvas.line(
                    panel,
                    epoch[0].where(epoch[0] > 0),
                    mean,
                    f"{variant.replace('_', ' ')}, rank {rank:.0f}",
                    color=LOOKS[variant]["color"],
                    linestyle=line,
                    linewidth=1,
                    label=f"rank {rank:.0f}" if variant == "original" else None,
                )
        canvas.title(panel, f"{TITLES[dataset]}, training error")
        canvas.panels[panel].set(xlabel="epochs", ylabel="mean squared error", ylim=(0, 0.1))
        canvas.panels[panel].legend(loc="center right")
    return canvas
