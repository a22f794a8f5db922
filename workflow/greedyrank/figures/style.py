"""How figures look: widths, colours, lines and the settings of matplotlib."""

from __future__ import annotations

import logging
from typing import Any, Literal

import matplotlib

Width = Literal["column", "text"]
WIDTHS = {"column": 3.35, "text": 7.0}  # inches: one column, both columns of the usual templates


# Okabe & Ito 2008: distinguishable with every common colour vision. Yellow is too faint for lines.
COLORS = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "amber": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
    "gray": "#7F7F7F",
}


# Line styles of series that differ in a setting, such as the depth.
LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (6, 1, 1, 1, 1, 1)))

SMALLEST = 6.0  # points, of any letter at the printed width
FONTS: dict[Width, Any] = {
    "text": {
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.labelsize": 8,
        "legend.fontsize": 7,
        "legend.title_fontsize": 7,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "lines.linewidth": 1.1,
    },
    "column": {
        "font.size": 7.3,
        "axes.titlesize": 7,
        "axes.labelsize": 7,
        "legend.fontsize": 6,
        "legend.title_fontsize": 6,
        "xtick.labelsize": 6.5,
        "ytick.labelsize": 6.5,
        "lines.linewidth": 0.9,
    },
}

RC: Any = {  # Any: matplotlib wants a literal type for every name
    **FONTS["text"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "legend.framealpha": 0.75,  # curves below a legend can be seen, and its text be read
    "legend.edgecolor": "none",
    "legend.fancybox": False,
    "legend.borderpad": 0.2,
    "legend.handlelength": 1.8,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
    "svg.hashsalt": "greedyrank",  # the same element names in every build
    "pdf.fonttype": 42,
}


def set_up() -> None:
    """Set matplotlib up for this process: pictures go to files, and look as `RC` says, whatever a matplotlibrc says."""
    matplotlib.rcdefaults()
    matplotlib.use("Agg")
    matplotlib.rcParams.update(RC)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports every glyph of a pdf


def rank_colors(count: int) -> list:
    """Return colours for singular values or components, from the largest down."""
    import seaborn  # here, not above: it imports all of scipy's statistics, a second that few figures need

    return list(seaborn.color_palette("viridis", count))


def lettered(inches: float, size: float) -> int:
    """Return how many letters of a size in points fit into a length; letters are about 0.58 times as wide as high."""
    return int(72 * inches / (0.58 * size))
