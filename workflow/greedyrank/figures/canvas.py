"""A grid of panels that remembers every series drawn on it."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from greedyrank.figures.style import LINES, WIDTHS, Width


class Canvas:
    """A grid of panels that remembers every series drawn on it.

    Parameters
    ----------
    rows, columns : int
        Panels.
    width : {"column", "text"}
        Width of the figure.
    height : float
        Height of one row, inches.
    """

    def __init__(self, rows: int, columns: int, width: Width = "text", height: float = 2.1, **kwargs: Any):
        self.figure: Figure
        self.figure, axes = plt.subplots(rows, columns, figsize=(WIDTHS[width], rows * height), squeeze=False, **kwargs)
        self.panels: list[Axes] = list(axes.flat)
        self._rows: list[pd.DataFrame] = []
        self.remarks: list[str] = []  # written below the panels, after the scale

    def title(self, panel: int, text: str) -> None:
        """Letter and title of a panel."""
        self.panels[panel].set_title(f"({chr(97 + panel)}) {text}", loc="left")

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
        """Draw one line per run, (run, record), each in its own line style; all share one entry in the legend.

        ``series`` is completed by the values of ``data_seed`` and ``seed``, where they vary.
        """
        label = style.pop("label", None)
        varied = [name for name in ("data_seed", "seed") if name in runs.coords and len(np.unique(runs[name])) > 1]
        for index in range(runs.sizes["run"]):
            seeds = [f"{name.replace('_', ' ')} {runs[name].values[index]:.0f}" for name in varied]
            look: dict[str, Any] = {
                "linestyle": LINES[index % len(LINES)],
                "label": label if index == 0 else None,
                **style,
            }
            self.line(panel, x.isel(run=index), y.isel(run=index), ", ".join([series, *seeds]), **look)

    def medians(self, panel: int, x: ArrayLike, y: ArrayLike, series: str, marker: str, **style: Any) -> None:
        """Draw one hollow marker per run, and a line through the medians at each x."""
        all_x, all_y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        seen = np.isfinite(all_x) & np.isfinite(all_y)
        kept_x, kept_y = all_x[seen], all_y[seen]
        self.keep(panel, series, kept_x, kept_y)
        places = np.unique(kept_x)
        label, color = style.pop("label", None), style.pop("color")
        self.panels[panel].plot(
            kept_x, kept_y, marker, color=color, markersize=3.5, markerfacecolor="none", markeredgewidth=0.7, alpha=0.8
        )
        middles = [np.median(kept_y[kept_x == place]) for place in places]
        self.line(
            panel, places, middles, f"{series}, median", color=color, label=label, marker=marker, markersize=2, **style
        )

    def published(
        self, panel: int, x: ArrayLike, y: ArrayLike, series: str = "published, read off the plot", **style: Any
    ) -> None:
        """Mark published values in gray, behind ours."""
        self.keep(panel, series, x, y)
        look: dict[str, Any] = {
            "marker": "D",
            "color": "0.75",
            "markersize": 5,
            "linestyle": "none",
            "zorder": 0,
            **style,
        }
        self.panels[panel].plot(x, y, **look)

    def table(self) -> pd.DataFrame:
        """Return everything drawn, one row per point."""
        return pd.concat(self._rows, ignore_index=True)
