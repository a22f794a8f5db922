"""What is wrong with the layout of a figure, measured on its rendered boxes."""

from __future__ import annotations

import re
from itertools import combinations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

SMALLEST = 6.0  # points
TOUCH = 0.5  # points by which boxes may overlap: they have room around their letters
SCRIPT = re.compile(r"\$[^$]*[_^][^$]*\$")


def unseen(figure: Figure) -> set[Text]:
    """Return the texts that matplotlib keeps and does not draw: at ticks beyond an axis, and of axes without any."""
    found: set[Text] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not axes.axison or not low - 1e-6 * abs(low) <= tick.get_loc() <= high + 1e-6 * abs(high):
                    found |= {tick.label1, tick.label2}
            if not axes.axison:
                found |= {axis.label}
    return found


def texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Return every text that is seen, but the stamp of the smoke scale, and its box in points."""
    renderer = figure.canvas.get_renderer()
    hidden, scale = unseen(figure), 72 / figure.dpi
    found = []
    for text in figure.findobj(Text):
        seen = text.get_visible() and text.get_text().strip() and text not in hidden
        if seen and "SMOKE" not in text.get_text():
            found.append((text, Bbox(text.get_window_extent(renderer).get_points() * scale)))
    return found


def faults(figure: Figure) -> list[str]:
    """Return what is wrong in a figure: texts that overlap or leave it, letters that are too small."""
    FigureCanvasAgg(figure)  # one that measures text, also of a figure that pyplot has closed
    figure.draw_without_rendering()
    width, height = (72 * figure.get_size_inches()).tolist()
    shown = texts(figure)
    found = []
    for text, box in shown:
        size = text.get_fontsize() * (0.7 if SCRIPT.search(text.get_text()) else 1)
        if size < SMALLEST - 1e-6:
            found.append(f"{text.get_text()!r} has letters of {size:.1f} points")
        if box.x0 < -TOUCH or box.y0 < -TOUCH or box.x1 > width + TOUCH or box.y1 > height + TOUCH:
            found.append(f"{text.get_text()!r} leaves the figure")
    for (one, first), (other, second) in combinations(shown, 2):
        common = Bbox.intersection(first, second)
        if common is not None and common.width > TOUCH and common.height > TOUCH:
            found.append(f"{one.get_text()!r} overlaps {other.get_text()!r}")
    return found
