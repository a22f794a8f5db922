"""How figures look, how they are saved, and the table of exactly what was drawn."""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from greedyrank import storage
from greedyrank.selection import at_stop
from greedyrank.sweeps import values

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports every glyph of a pdf

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

# Line styles of repeated series, such as data seeds.
LINES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (6, 1, 1, 1, 1, 1)))

RC = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.1,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
    "svg.hashsalt": "greedyrank",  # the same element names in every build
    "pdf.fonttype": 42,
}


def rank_colors(count: int) -> list:
    """Return colours for singular values or components, from the largest down."""
    import seaborn  # here, not above: it imports all of scipy's statistics, a second that few figures need

    return list(seaborn.color_palette("viridis", count))


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

    def __init__(self, rows: int, columns: int, width: str = "text", height: float = 2.1, **kwargs):
        plt.rcParams.update(RC)
        self.figure: Figure
        self.figure, axes = plt.subplots(rows, columns, figsize=(WIDTHS[width], rows * height), squeeze=False, **kwargs)
        self.panels: list[Axes] = list(axes.flat)
        self._rows: list[pd.DataFrame] = []
        self.remarks: list[str] = []  # what the line below the panels says beside the scale

    def title(self, panel: int, text: str) -> None:
        """Letter and title of a panel."""
        self.panels[panel].set_title(f"({chr(97 + panel)}) {text}", loc="left")

    def keep(self, panel: int, series: str, x: Sequence, y: Sequence, **columns) -> None:
        """Add a series to the table of what is drawn."""
        frame = pd.DataFrame({"panel": chr(97 + panel), "series": series, "x": np.asarray(x), "y": np.asarray(y)})
        self._rows.append(frame.assign(**columns))

    def line(self, panel: int, x: Sequence, y: Sequence, series: str, **style):
        """Draw a line and keep its points; NaN points are left out of the table."""
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        seen = np.isfinite(x) & np.isfinite(y)
        self.keep(panel, series, x[seen], y[seen])
        return self.panels[panel].plot(x[seen], y[seen], **style)

    def each_run(self, panel: int, runs: xr.Dataset, x: xr.DataArray, y: xr.DataArray, series: str, **style) -> None:
        """Draw one line a run, (run, record), in a line style of its own; the label names them all once.

        ``series`` is completed by the values of ``data_seed`` and ``seed``, where they vary.
        """
        label = style.pop("label", None)
        varied = [name for name in ("data_seed", "seed") if name in runs.coords and len(np.unique(runs[name])) > 1]
        for index in range(runs.sizes["run"]):
            seeds = [f"{name.replace('_', ' ')} {runs[name].values[index]:.0f}" for name in varied]
            look = {"linestyle": LINES[index % len(LINES)], "label": label if index == 0 else None, **style}
            self.line(panel, x.isel(run=index), y.isel(run=index), ", ".join([series, *seeds]), **look)

    def medians(self, panel: int, x: Sequence, y: Sequence, series: str, marker: str, **style) -> None:
        """Draw one hollow marker a run, and a line through the medians at each x."""
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        seen = np.isfinite(x) & np.isfinite(y)
        x, y = x[seen], y[seen]
        self.keep(panel, series, x, y)
        places = np.unique(x)
        label, color = style.pop("label", None), style.pop("color")
        self.panels[panel].plot(
            x, y, marker, color=color, markersize=3.5, markerfacecolor="none", markeredgewidth=0.7, alpha=0.8
        )
        middles = [np.median(y[x == place]) for place in places]
        self.line(
            panel, places, middles, f"{series}, median", color=color, label=label, marker=marker, markersize=2, **style
        )

    def published(
        self, panel: int, x: Sequence, y: Sequence, series: str = "published, read off the plot", **style
    ) -> None:
        """Mark published values in gray, behind ours."""
        self.keep(panel, series, x, y)
        look = {"marker": "D", "color": "0.75", "markersize": 5, "linestyle": "none", "zorder": 0, **style}
        self.panels[panel].plot(x, y, **look)

    def table(self) -> pd.DataFrame:
        """Return everything drawn, one row a point."""
        return pd.concat(self._rows, ignore_index=True)


def capped(settings: dict, sweep: xr.Dataset) -> int:
    """Return how many runs of a sweep ended at their cap on steps, short of their loss."""
    ends = at_stop(sweep)
    short = np.zeros(sweep.sizes["run"], dtype=bool)
    blocks = (settings["fixed"], *settings["cases"])
    for stop in (stop for block in blocks for stop in values(block.get("stop", []))):
        if stop.get("loss"):
            short |= ((ends.stop_step == stop["max_steps"]) & (ends.loss >= stop["loss"])).to_numpy()
    return int(short.sum())


def stamp(canvas: Canvas, scale: str, settings: dict[str, dict], sweeps: dict[str, xr.Dataset]) -> None:
    """Write below all panels: the scale, runs that were capped, and what the figure itself remarks."""
    remarks = [f"{scale} scale", *canvas.remarks]
    for name, sweep in sweeps.items():
        if count := capped(settings[name], sweep):
            remarks.append(f"{name}: {count} of {sweep.sizes['run']} runs stopped by the cap on steps")
    canvas.figure.supxlabel("; ".join(remarks), fontsize=6.5, color="0.35", x=0.01, ha="left")
    if scale == "smoke":
        canvas.figure.text(
            0.5,
            0.5,
            "SMOKE SCALE\nnot a result",
            rotation=30,
            fontsize=44,
            color="0.8",
            alpha=0.6,
            ha="center",
            va="center",
        )


def save(canvas: Canvas, outputs: dict[str, Path], record: dict) -> None:
    """Write png, pdf, svg and csv, with the provenance record inside each picture.

    No date, host, user or path is written, so the same build gives the same bytes.
    """
    text = json.dumps(record, sort_keys=True)
    metadata = {
        "png": {"Software": None, "Description": text},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Keywords": text},
        "svg": {"Date": None, "Creator": None, "Description": text},
    }
    for ending, path in outputs.items():
        with storage.writing(path) as temporary:
            if ending == "csv":
                canvas.table().to_csv(temporary, index=False, float_format="%.9g")
            else:
                canvas.figure.savefig(temporary, format=ending, metadata=metadata[ending])
    plt.close(canvas.figure)


def read_record(path: Path) -> dict:
    """Return the provenance record inside a picture that `save` wrote.

    Raises
    ------
    ValueError
        If the picture has none.
    """
    content = path.read_bytes()
    if path.suffix == ".png":
        from PIL import Image

        with Image.open(path) as image:
            text = image.text.get("Description", "")
    elif path.suffix == ".svg":
        found = re.search(r"<dc:description>(.*?)</dc:description>", content.decode(), re.DOTALL)
        text = html.unescape(found[1]) if found else ""
    else:
        found = re.search(rb"/Keywords \((.*?)(?<!\\)\)", content, re.DOTALL)
        text = re.sub(rb"\\(.)", rb"\1", found[1]).decode("latin-1") if found else ""
    if not text.startswith("{"):
        raise ValueError(f"{path} has no provenance record")
    return json.loads(text)
