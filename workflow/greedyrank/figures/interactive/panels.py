"""Panels of a figure: where they are, their axes, and from one system of coordinates to the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FuncFormatter

from greedyrank.figures.interactive.labels import plain
from greedyrank.figures.interactive.looks import Unknown, numbers


class Panel:
    """A panel, and the names of its axes in plotly.

    Attributes
    ----------
    axes : Axes
        Of matplotlib.
    x, y : str
        Names of its axes: "x2", "y2".
    base : Panel or None
        Another panel in the same place, whose x axis it has.
    """

    def __init__(self, axes: Axes, number: int, others: list[Panel]):
        self.axes = axes
        same = [other for other in others if np.allclose(other.axes.get_position().bounds, axes.get_position().bounds)]
        self.base = same[0] if same else None
        suffix = "" if number == 1 else str(number)
        self.y = f"y{suffix}"
        self.x: str = self.base.x if self.base else f"x{suffix}"
        if self.base and not axes.get_shared_x_axes().joined(axes, self.base.axes):
            raise Unknown("it has two panels in one place that do not share their x axis")

        # What stands on an axis of another scale is placed where that scale has it, on a linear axis.
        self.moved = [
            None if axis.get_scale() in ("linear", "log") else axis.get_transform() for axis in (axes.xaxis, axes.yaxis)
        ]

    def on_axes(self, x: Any, y: Any) -> list[np.ndarray]:
        """Return coordinates of the data as plotly's axes have them."""
        return [
            np.asarray(values, dtype=float)
            if transform is None
            else transform.transform(np.asarray(values, dtype=float))
            for values, transform in zip((x, y), self.moved, strict=True)
        ]

    def in_data(self, artist: Any) -> tuple[bool, bool]:
        """Return whether x and y of an artist are in data coordinates, not in fractions of the panel."""
        return artist.get_transform().contains_branch_seperately(self.axes.transData)

    def place(self, display: np.ndarray, in_data: tuple[bool, bool]) -> np.ndarray:
        """Return points, (n, 2), from pixels of matplotlib's canvas to data coordinates or fractions of the panel."""
        data = np.column_stack(self.on_axes(*self.axes.transData.inverted().transform(display).T))
        fractions = self.axes.transAxes.inverted().transform(display)
        return np.where(in_data, data, fractions)

    def references(self, in_data: tuple[bool, bool]) -> dict[str, str]:
        """Return what positions of an annotation or a shape refer to."""
        names = [name if data else f"{name} domain" for name, data in zip((self.x, self.y), in_data, strict=True)]
        return {"xref": names[0], "yref": names[1]}

    def layout(self) -> dict[str, dict]:
        """Return the axes of the panel."""
        place = self.axes.get_position()
        shown = self.axes.axison
        found = {}
        if not self.base:
            found[f"xaxis{self.x[1:]}"] = {
                **_axis(self.axes.xaxis, self.axes.get_xlim(), shown),
                "domain": [place.x0, place.x1],
                "anchor": self.y,
            }
        found[f"yaxis{self.y[1:]}"] = {
            **_axis(self.axes.yaxis, self.axes.get_ylim(), shown),
            "domain": [place.y0, place.y1],
            "anchor": self.x,
            **({"overlaying": self.base.y, "side": "right", "tickmode": "auto"} if self.base else {}),
        }
        return found


def _axis(axis: Any, limits: tuple[float, float], shown: bool) -> dict:
    scale, label = axis.get_scale(), axis.get_label()
    made = {
        "type": "log" if scale == "log" else "linear",
        "range": numbers(np.log10(limits) if scale == "log" else limits),
        "visible": shown,
        "title": {"text": plain(label.get_text()) if label.get_visible() else "", "standoff": 5},
        "exponentformat": "power",
    }
    low, high = sorted(limits)
    ticks = [
        (tick.get_loc(), tick.label1.get_text()) for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high
    ]
    own = isinstance(axis.get_major_formatter(), (FixedFormatter, FuncFormatter))
    if scale in ("linear", "log") and not own and any(text for _, text in ticks):
        return made  # numbers, which plotly writes itself, also where one zooms in
    places = np.asarray([at for at, _ in ticks])
    if scale not in ("linear", "log"):
        made["range"] = numbers(axis.get_transform().transform(np.asarray(limits)))
        places = axis.get_transform().transform(places)
    return {**made, "tickvals": numbers(places), "ticktext": [plain(text) for _, text in ticks]}
