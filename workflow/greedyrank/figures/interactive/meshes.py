"""Maps of colours: a mesh of matplotlib as a heat map of plotly."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import BoundaryNorm

from greedyrank.figures.interactive.labels import plain
from greedyrank.figures.interactive.looks import css, number, numbers
from greedyrank.figures.interactive.panels import Panel


def heatmap(mesh: Any, panel: Panel) -> dict:
    """Return the trace of a mesh, with its bar of colours where it has one."""
    corners = np.asarray(mesh.get_coordinates())
    x, y = corners[0, :, 0], corners[:, 0, 1]
    values: Any = np.ma.asarray(mesh.get_array(), dtype=float).reshape(len(y) - 1, len(x) - 1)
    # Where the norm has a value, from 0 to 1: it need not be linear.
    whole = mesh.cmap.N - 1 if isinstance(mesh.norm, BoundaryNorm) else 1
    parts = np.linspace(0, 1, mesh.cmap.N)
    trace: dict[str, Any] = {
        "type": "heatmap",
        "xaxis": panel.x,
        "yaxis": panel.y,
        "showscale": False,
        "x": numbers(x),
        "y": numbers(y),
        "z": numbers(mesh.norm(values) / whole),
        "zmin": 0,
        "zmax": 1,
        "customdata": numbers(values),
        "hovertemplate": "%{x}, %{y}: %{customdata}<extra></extra>",
        "colorscale": [[number(part), css(color)] for part, color in zip(parts, mesh.cmap(parts), strict=True)],
    }
    if mesh.colorbar is not None:
        bar = mesh.colorbar
        place = bar.ax.get_position()
        trace |= {
            "showscale": True,
            "colorbar": {
                "x": place.x0,
                "xanchor": "left",
                "y": (place.y0 + place.y1) / 2,
                "len": place.height,
                "thickness": 12,
                "title": {"text": plain(bar.ax.get_ylabel()), "side": "right"},
                "tickvals": numbers(mesh.norm(bar.get_ticks()) / whole),
                "ticktext": [plain(label.get_text()) for label in bar.ax.get_yticklabels()],
            },
        }
    return trace
