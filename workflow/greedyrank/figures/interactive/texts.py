"""Texts of a figure, as annotations of plotly."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from greedyrank.figures.interactive.labels import plain
from greedyrank.figures.interactive.looks import PIXELS, css, number
from greedyrank.figures.interactive.panels import Panel

VERTICAL = {"baseline": "bottom", "center_baseline": "middle", "center": "middle"}


def _annotation(written: Any, place: dict) -> dict:
    return {
        **place,
        "text": plain(written.get_text()),
        "showarrow": False,
        "font": {"size": PIXELS * written.get_fontsize(), "color": css(written.get_color(), written.get_alpha())},
    }


def _aligned(written: Text) -> dict:
    vertical = written.get_verticalalignment()
    return {
        "xanchor": written.get_horizontalalignment(),
        "yanchor": VERTICAL.get(vertical, vertical),
        "textangle": -written.get_rotation(),
    }


def _display(written: Text) -> np.ndarray:
    return np.asarray([written.get_transform().transform(written.get_position())])


def of_figure(written: Text, figure: Figure) -> dict:
    """Return a text that belongs to no panel."""
    ((x, y),) = figure.transFigure.inverted().transform(_display(written))
    place = {"xref": "paper", "yref": "paper", "x": number(x), "y": number(y)}
    return _annotation(written, {**place, **_aligned(written)})


def of_panel(written: Text, panel: Panel) -> dict:
    """Return a text in a panel."""
    if isinstance(written, Annotation):
        written.get_window_extent()  # moves it to where it is drawn
    in_data = panel.in_data(written)
    (at,) = panel.place(_display(written), in_data)
    # Annotations of plotly are placed by exponents where an axis is logarithmic.
    scales = (panel.axes.get_xscale(), panel.axes.get_yscale())
    x, y = (
        np.log10(value) if data and scale == "log" else value
        for value, data, scale in zip(at, in_data, scales, strict=True)
    )
    return _annotation(written, {**panel.references(in_data), "x": number(x), "y": number(y), **_aligned(written)})


def titles(panel: Panel) -> list[dict]:
    """Return the titles of a panel: left, in the middle, right."""
    axes: Any = panel.axes  # two of the titles are not public
    above = {**panel.references((False, False)), "y": 1, "yanchor": "bottom"}
    sides = (("left", 0.0, axes._left_title), ("center", 0.5, axes.title), ("right", 1.0, axes._right_title))
    return [_annotation(title, {**above, "x": at, "xanchor": side}) for side, at, title in sides if title.get_text()]
