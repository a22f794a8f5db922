"""The interactive twin of a figure: what matplotlib has drawn, as data and layout for plotly's script.

It is made from the finished figure, so that what is drawn is drawn once.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import collections, lines, patches, text
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.spines import Spine

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.interactive import meshes, texts
from greedyrank.figures.interactive.labels import plain
from greedyrank.figures.interactive.looks import (
    PIXELS,
    THIN,
    Unknown,
    color_of,
    css,
    dash,
    handle_style,
    line_style,
    number,
    numbers,
    one_or_all,
    symbol_of,
)
from greedyrank.figures.interactive.panels import Panel
from greedyrank.figures.interactive.thinning import thinned

logger = logging.getLogger(__name__)

TOLERANCE = 1 / 800  # inches: the largest distance of a point left out of a curve, a quarter of a pixel of the png
FEW = 60  # points that are not worth thinning


def _layer(artist: Any) -> str:
    return "below" if artist.get_zorder() < 2 else "above"


def _corners(points: np.ndarray) -> dict:
    (x0, y0), (x1, y1) = points[0], points[-1]
    return {"x0": number(x0), "y0": number(y0), "x1": number(x1), "y1": number(y1)}


class Twin:
    """Data and layout of the twin of a figure.

    Parameters
    ----------
    figure : Figure
        Finished: its layout is done.
    names : dict
        The name of a series by the bytes of its x and of its y.

    Raises
    ------
    Unknown
        If something is drawn that has no counterpart.
    """

    def __init__(self, figure: Figure, names: dict[tuple[bytes, bytes], str]):
        self.figure, self.names = figure, names
        self.data: list[dict] = []
        self.shapes: list[dict] = []
        self.annotations: list[dict] = []
        self.legends: dict[str, dict] = {}
        self.entries: list[dict] = []
        self.panels: list[Panel] = []
        bars = [
            mappable.colorbar.ax
            for axes in figure.axes
            for mappable in axes.collections
            if mappable.colorbar is not None
        ]
        for axes in figure.axes:
            if axes not in bars and axes.get_visible():
                self.panels.append(Panel(axes, len(self.panels) + 1, self.panels))
        for panel in self.panels:
            if (legend := panel.axes.get_legend()) is not None:
                self._legend(legend, panel)
        for legend in figure.legends:
            self._legend(legend, None)
        for panel in self.panels:
            self._panel(panel)
        self.annotations += [texts.of_figure(written, figure) for written in figure.texts]
        self.data += self.entries
        width, height = figure.get_size_inches()
        self.layout = {
            **{name: axis for panel in self.panels for name, axis in panel.layout().items()},
            **self.legends,
            "shapes": self.shapes,
            "annotations": self.annotations,
        }
        self.height = height / width  # of a width of one

    def _panel(self, panel: Panel) -> None:
        drawn = (
            artist for artist in panel.axes.get_children() if artist.get_visible() and artist is not panel.axes.patch
        )
        for artist in sorted(drawn, key=lambda one: one.get_zorder()):
            self._artist(artist, panel)
        self.annotations += texts.titles(panel)

    def _artist(self, artist: Any, panel: Panel) -> None:
        match artist:
            case Spine() | Axis() | Legend() | Axes():
                pass  # plotly draws axes itself; legends have had their turn; an inset is a panel of its own
            case lines.Line2D():
                self._line(artist, panel)
            case collections.QuadMesh():
                self.data.append(meshes.heatmap(artist, panel))
            case collections.LineCollection():
                self._segments(artist, panel)
            case collections.PathCollection():
                self._points(artist, panel)
            case collections.PolyCollection() | collections.PatchCollection():
                self._areas(artist, panel)
            case patches.Patch():
                self._patch(artist, panel)
            case text.Text():
                if artist.get_text() and artist in panel.axes.texts:
                    self.annotations.append(texts.of_panel(artist, panel))
            case _:
                raise Unknown(f"it has a {type(artist).__name__}")

    # -- legends ---------------------------------------------------------------------------------

    def _legend(self, legend: Any, panel: Panel | None) -> None:
        name = f"legend{len(self.legends) + 1 if self.legends else ''}"
        box = legend.get_window_extent().transformed(self.figure.transFigure.inverted())
        places = {round(label.get_window_extent().x0) for label in legend.get_texts()}
        self.legends[name] = {
            "x": box.x0,
            "y": box.y1,
            "xanchor": "left",
            "yanchor": "top",
            "tracegroupgap": 0,
            "bgcolor": "rgba(255,255,255,0.6)",
            "orientation": "h" if len(places) > 1 else "v",
            "title": {"text": plain(legend.get_title().get_text())},
            "font": {"size": PIXELS * legend.get_texts()[0].get_fontsize() if legend.get_texts() else 10},
        }
        for handle, label in zip(legend.legend_handles, legend.get_texts(), strict=True):
            self.entries.append(
                {
                    "type": "scatter",
                    "x": [None],
                    "y": [None],
                    "name": plain(label.get_text()),
                    "legend": name,
                    "legendgroup": f"g{len(self.entries)}",
                    "showlegend": True,
                    **handle_style(handle),
                    **({"xaxis": panel.x, "yaxis": panel.y} if panel else {}),
                }
            )

    def _add(self, panel: Panel, x: Any, y: Any, style: dict, name: str = "") -> None:
        """Add a trace, which belongs to the entry of a legend that looks like it: that of its panel first."""
        looks_alike = sorted(
            (entry for entry in self.entries if color_of(entry) == color_of(style)),
            key=lambda entry: (
                entry.get("yaxis") != panel.y,
                entry.get("line", {}).get("dash") != style.get("line", {}).get("dash"),
                entry.get("marker", {}).get("symbol") != style.get("marker", {}).get("symbol"),
            ),
        )
        trace = {"type": "scatter", "xaxis": panel.x, "yaxis": panel.y, **style}
        trace |= dict(zip(("x", "y"), map(numbers, panel.on_axes(x, y)), strict=True))
        if any(panel.moved):
            trace["customdata"] = [list(point) for point in zip(numbers(x), numbers(y), strict=True)]
            trace["hovertemplate"] = "(%{customdata[0]}, %{customdata[1]})"
        entry = looks_alike[0] if looks_alike else {}
        trace |= {"name": name or entry.get("name", ""), "showlegend": False}
        if entry:
            trace["legendgroup"] = entry["legendgroup"]
        self.data.append(trace)

    # -- what is drawn ---------------------------------------------------------------------------

    def _line(self, line: lines.Line2D, panel: Panel) -> None:
        in_data = panel.in_data(line)
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        style = line_style(line)
        if not all(in_data):
            ends = panel.place(line.get_transform().transform(np.column_stack([x, y])), in_data)
            self.shapes.append(
                {
                    "type": "line",
                    **panel.references(in_data),
                    "layer": _layer(line),
                    **_corners(ends),
                    "line": {key: style["line"][key] for key in ("color", "width", "dash")},
                }
            )
            return
        name = self.names.get((x.tobytes(), y.tobytes()), "")
        label = str(line.get_label())
        if len(x) > FEW and style["mode"] == "lines":
            with np.errstate(divide="ignore", invalid="ignore"):
                inches = panel.axes.transData.transform(np.column_stack([x, y])) / self.figure.dpi
            kept = thinned(inches, TOLERANCE)
            x, y = x[kept], y[kept]
        self._add(panel, x, y, style, plain(name or ("" if label.startswith("_") else label)))

    def _segments(self, drawn: Any, panel: Panel) -> None:
        pieces = drawn.get_segments()
        colors = drawn.get_color()
        widths, dashes = drawn.get_linewidth(), drawn.get_linestyle()
        if not all(panel.in_data(drawn)):
            pieces = [panel.place(drawn.get_transform().transform(piece), (True, True)) for piece in pieces]
        kinds: dict[tuple, list[np.ndarray]] = {}
        for index, piece in enumerate(pieces):
            color = css(colors[index % len(colors)], drawn.get_alpha() if len(colors[0]) == 3 else None)
            look = (color, float(widths[index % len(widths)]), dash(dashes[index % len(dashes)]))
            kinds.setdefault(look, []).extend([piece, np.full((1, 2), np.nan)])
        for (color, width, pattern), points in kinds.items():
            x, y = np.concatenate(points).T
            style = {"mode": "lines", "line": {"color": color, "width": PIXELS * width, "dash": pattern}}
            self._add(panel, x, y, style)

    def _points(self, drawn: Any, panel: Panel) -> None:
        symbol = symbol_of(drawn)
        sizes = numbers(PIXELS * np.sqrt(drawn.get_sizes()))
        faces, edges = ([css(color) for color in colors] for colors in (drawn.get_facecolor(), drawn.get_edgecolor()))
        nothing = ["rgba(0,0,0,0)"]
        marker = {
            "symbol": symbol,
            "size": sizes[0] if len(sizes) == 1 else sizes,
            "color": one_or_all(edges if symbol in THIN else faces or nothing),
            "line": {"color": one_or_all(edges or nothing), "width": PIXELS * float(drawn.get_linewidth()[0])},
        }
        x, y = np.ma.filled(np.ma.asarray(drawn.get_offsets(), dtype=float), np.nan).T
        name = self.names.get((x.tobytes(), y.tobytes()), "")
        self._add(panel, x, y, {"mode": "markers", "marker": marker}, plain(name))

    def _areas(self, drawn: Any, panel: Panel) -> None:
        faces, edges = drawn.get_facecolor(), drawn.get_edgecolor()
        widths = drawn.get_linewidth()
        for index, path in enumerate(drawn.get_paths()):
            display = drawn.get_transform().transform_path(path)
            for polygon in display.to_polygons(closed_only=False):
                x, y = panel.place(np.asarray(polygon), (True, True)).T
                edge = css(edges[index % len(edges)]) if len(edges) else "rgba(0,0,0,0)"
                style = {
                    "mode": "lines",
                    "fill": "toself",
                    "hoverinfo": "skip",
                    "fillcolor": css(faces[index % len(faces)]) if len(faces) else "rgba(0,0,0,0)",
                    "line": {"color": edge, "width": PIXELS * float(widths[index % len(widths)])},
                }
                self._add(panel, x, y, style)

    def _patch(self, patch: patches.Patch, panel: Panel) -> None:
        in_data = panel.in_data(patch)
        display = patch.get_transform().transform_path(patch.get_path())
        look = {"color": css(patch.get_edgecolor()), "width": PIXELS * patch.get_linewidth()}
        if isinstance(patch, patches.Rectangle):
            ends = panel.place(np.asarray(display.get_extents().get_points()), in_data)
            self.shapes.append(
                {
                    "type": "rect",
                    **panel.references(in_data),
                    "layer": _layer(patch),
                    **_corners(ends),
                    "fillcolor": css(patch.get_facecolor()),
                    "line": look,
                }
            )
        elif all(in_data):
            style = {"mode": "lines", "fill": "toself", "fillcolor": css(patch.get_facecolor()), "line": look}
            for polygon in display.to_polygons(closed_only=False):
                x, y = panel.place(np.asarray(polygon), in_data).T
                self._add(panel, x, y, style)
        else:
            raise Unknown(f"it has a {type(patch).__name__} that is not in data coordinates")


def series_names(canvas: Canvas) -> dict[tuple[bytes, bytes], str]:
    """Return the name of each series of a canvas by the bytes of its x and of its y."""
    found = {}
    for (_, series), rows in canvas.table().groupby(["panel", "series"], sort=False):
        found[rows.x.to_numpy(float).tobytes(), rows.y.to_numpy(float).tobytes()] = str(series)
    return found


def write(path: Path, name: str, canvas: Canvas) -> None:
    """Write the twin of a finished canvas as a script, which a page can load without a server.

    A picture does not hang on its twin: a paper's own figure may draw anything. Where there can be no twin, the script
    says why.
    """
    try:
        twin = Twin(canvas.figure, series_names(canvas))
        content: dict = {"data": twin.data, "layout": twin.layout, "height": twin.height}
        body = json.dumps(content, separators=(",", ":"), allow_nan=False)
    except Exception as error:
        reason = str(error) if isinstance(error, Unknown) else f"{type(error).__name__}: {error}"
        logger.warning("no interactive figure: %s", reason)
        body = json.dumps({"lacking": f"There is no interactive figure: {reason}"})
    body = body.replace("</", "<\\/")
    path.write_text(f"greedyrankTwin({json.dumps(name)},{body});\n", encoding="utf-8")
