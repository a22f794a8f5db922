"""A grid of panels that remembers every series drawn on it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from math import ceil
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from greedyrank.figures.style import FONTS, WIDTHS, Width, lettered

MOST_COLUMNS = {"column": 2, "text": 3}  # of panels that can be read side by side
HEIGHTS = {"column": 0.85, "text": 1.0}  # of a row, over that at the width of the text
BESIDE = 0.45  # inches left of a panel, for its numbers and their label
PALE: dict[str, Any] = {"alpha": 0.3, "linewidth": 0.5, "zorder": 1}  # all runs but the first
NARROW: dict[str, Any] = {
    "handlelength": 0.8,
    "handletextpad": 0.3,
    "columnspacing": 0.8,
    "labelspacing": 0.2,
}  # of a small legend
CAPPED: dict[str, Any] = {
    "marker": "x",
    "color": "black",
    "markersize": 3.5,
    "markeredgewidth": 0.8,
    "linestyle": "none",
}

PUBLISHED: dict[str, Any] = {
    "marker": "D",
    "markersize": 4.5,
    "color": "0.7",
    "markeredgecolor": "0.15",
    "markeredgewidth": 0.7,
    "linestyle": "none",
    "zorder": 3,
    "clip_on": False,
}


def unbroken(places: np.ndarray, left_out: ArrayLike) -> list[np.ndarray]:
    """Split rising places where others were left out between them, and return the indices of each part."""
    gaps = np.unique(np.searchsorted(places, np.setdiff1d(left_out, places)))  # a gap before these places
    return np.split(np.arange(len(places)), gaps[(gaps > 0) & (gaps < len(places))])


class Canvas:
    """A grid of panels that remembers every series drawn on it.

    Parameters
    ----------
    rows, columns : int
        Panels. Where the figure is too narrow for so many columns, it has fewer, and more rows.
    width : {"column", "text"}
        Width of the figure.
    height : float
        Height of one row at the width of the text, inches.
    """

    def __init__(self, rows: int, columns: int, width: Width = "text", height: float = 2.1, **kwargs: Any):
        count, self.columns = rows * columns, min(columns, MOST_COLUMNS[width])
        rows = ceil(count / self.columns)
        plt.rcParams.update(FONTS[width])
        self.figure: Figure
        self.figure, axes = plt.subplots(
            rows, self.columns, figsize=(WIDTHS[width], rows * height * HEIGHTS[width]), squeeze=False, **kwargs
        )
        self.width: Width = width
        self.panels: list[Axes] = list(axes.flat)[:count]
        for empty in axes.flat[count:]:
            empty.remove()
        for lowest in self.bottom:  # of shared axes the lowest row alone has numbers
            lowest.tick_params(labelbottom=True)
        self._rows: list[pd.DataFrame] = []
        self._marks: list[tuple[Axes, Line2D]] = []  # of published values
        self._runs: dict[str, bool] = {}  # the runs that are drawn, and whether a cap on steps ended them
        self.remarks: list[str] = []  # written below the panels, after the scale

    @property
    def bottom(self) -> list[Axes]:
        """The lowest panel of each column."""
        return self.panels[-self.columns :]

    @property
    def left(self) -> list[Axes]:
        """The first panel of each row."""
        return self.panels[:: self.columns]

    def title(self, panel: int, text: str) -> None:
        """Letter and title of a panel, in two lines where it is long."""
        characters = lettered(WIDTHS[self.width] / self.columns - BESIDE, plt.rcParams["axes.titlesize"])
        title = textwrap.fill(f"({chr(97 + panel)}) {text}", characters, break_long_words=False)
        self.panels[panel].set_title(title, loc="left")

    def legend_above(self, handles: Iterable, labels: Iterable[str], columns: int) -> None:
        """Put one legend above all panels, in so many columns at the width of the text; the figure grows by it."""
        columns = min(columns, 2) if self.width == "column" else columns
        legend = self.figure.legend(handles, labels, loc="outside upper center", ncols=columns)
        lines = ceil(len(legend.get_texts()) / columns)
        height = self.figure.get_figheight() + 1.5 * lines * plt.rcParams["legend.fontsize"] / 72
        self.figure.set_figheight(height)

    def legend_of_ranks(self, panel: int, colors: list, what: str, **kwargs: Any) -> None:
        """Explain colours that count from the largest down: the first of them, the middle one and the last."""
        places = (0, (len(colors) - 1) // 2, len(colors) - 1)
        handles = [Line2D([], [], color=colors[place], label=f"{place + 1}") for place in places]
        self.panels[panel].legend(handles=handles, title=what, **{**NARROW, **kwargs})

    def shows(self, runs: xr.Dataset) -> np.ndarray:
        """Count runs as drawn, and return which of them a cap on their steps ended."""
        if "capped" not in runs.coords:
            return np.zeros(runs.sizes["run"], dtype=bool)
        self._runs.update(zip(runs.run_name.values, runs.capped.values, strict=True))
        return runs.capped.to_numpy()

    @property
    def capped(self) -> tuple[int, int]:
        """How many of the runs drawn a cap on their steps ended, and how many are drawn."""
        return sum(self._runs.values()), len(self._runs)

    def keep(self, panel: int, series: str, x: ArrayLike, y: ArrayLike, **columns: Any) -> None:
        """Add a series to the table of what is drawn."""
        frame = pd.DataFrame({"panel": chr(97 + panel), "series": series, "x": np.asarray(x), "y": np.asarray(y)})
        self._rows.append(frame.assign(**columns))

    def line(self, panel: int, x: ArrayLike, y: ArrayLike, series: str, **style: Any) -> list[Line2D]:
        """Draw a line and keep its points; NaN points are left out of the table."""
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        seen = np.isfinite(x) & np.isfinite(y)
        self.keep(panel, series, x[seen], y[seen])
        return self.panels[panel].plot(x[seen], y[seen], **style)

    def each_run(
        self, panel: int, runs: xr.Dataset, x: xr.DataArray, y: xr.DataArray, series: str, **style: Any
    ) -> None:
        """Draw one line per run, (run, record): the first as ``style`` says, all others thin and pale.

        A cross ends the line of a first run that a cap on its steps ended. ``series`` is completed by the values of
        ``data_seed`` and ``seed``, where they vary.
        """
        label = style.pop("label", None)
        varied = [name for name in ("data_seed", "seed") if name in runs.coords and len(np.unique(runs[name])) > 1]
        capped = self.shows(runs)
        for index in range(runs.sizes["run"]):
            seeds = [f"{name.replace('_', ' ')} {runs[name].values[index]:.0f}" for name in varied]
            look = {**style, "label": label} if index == 0 else {**style, **PALE}
            (line,) = self.line(panel, x.isel(run=index), y.isel(run=index), ", ".join([series, *seeds]), **look)
            if capped[index] and index == 0:
                self.cross(panel, *np.asarray(line.get_xydata(), dtype=float)[-1:].T)

    def cross(self, panel: int, x: ArrayLike, y: ArrayLike) -> None:
        """Mark runs that a cap on their steps ended."""
        self.panels[panel].plot(x, y, **CAPPED, zorder=4)

    def medians(
        self,
        panel: int,
        x: ArrayLike,
        y: ArrayLike,
        series: str,
        marker: str,
        capped: ArrayLike = False,
        left_out: ArrayLike = (),
        **style: Any,
    ) -> None:
        """Draw one hollow marker per run, and a line through the medians at each x.

        Parameters
        ----------
        panel : int
            The panel.
        x, y : array_like
            One value a run; those that are not finite are not drawn.
        series : str
            Their name in the table.
        marker : str
            Their marker.
        capped : array_like of bool
            Which runs a cap on their steps ended: they are crossed.
        left_out : array_like
            Values of x that the full settings have and these runs have not: no line goes over them.
        **style
            Of the line; the colour of the markers.
        """
        all_x, all_y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        seen = np.isfinite(all_x) & np.isfinite(all_y)
        kept_x, kept_y = all_x[seen], all_y[seen]
        self.keep(panel, series, kept_x, kept_y)
        label, color = style.pop("label", None), style.pop("color")
        self.panels[panel].plot(
            kept_x, kept_y, marker, color=color, markersize=3.5, markerfacecolor="none", markeredgewidth=0.7, alpha=0.8
        )
        crossed = np.broadcast_to(capped, all_x.shape)[seen]
        if crossed.any():
            self.cross(panel, kept_x[crossed], kept_y[crossed])
        places = np.unique(kept_x)
        middles = np.array([np.median(kept_y[kept_x == place]) for place in places])
        look = {"color": color, "marker": marker, "markersize": 2, **style}
        for part in unbroken(places, left_out):
            self.line(panel, places[part], middles[part], f"{series}, median", label=label, **look)
            label = None

    def published(
        self, panel: int, x: ArrayLike, y: ArrayLike, series: str = "published, read off the plot", **style: Any
    ) -> None:
        """Mark published values: diamonds with a dark edge, whole, and above the axes, in every figure.

        ``color`` fills them, gray unless it is given; they can be seen through.
        """
        self.keep(panel, series, x, y)
        color = style.pop("color", "0.7")
        look = {"color": color, "markerfacecolor": (to_rgb(color), 0.55), "label": "published", **style}
        (mark,) = self.panels[panel].plot(x, y, **{**PUBLISHED, **look})
        self._marks.append((self.panels[panel], mark))

    def leave_out_beyond(self) -> None:
        """Leave out published marks beyond their axes, once these are final: marks are not clipped."""
        for axes, mark in self._marks:
            x, y = (np.asarray(values, dtype=float) for values in mark.get_data())
            (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
            inside = (left <= x) & (x <= right) & (low <= y) & (y <= high)
            mark.set_data(x[inside], y[inside])
            mark.set_clip_on(not inside.any())  # nothing that is not clipped would take room in the layout

    def table(self) -> pd.DataFrame:
        """Return everything drawn, one row per point."""
        return pd.concat(self._rows, ignore_index=True)
