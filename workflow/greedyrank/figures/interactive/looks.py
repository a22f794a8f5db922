"""Colours, lines, markers and numbers of matplotlib, as plotly's script has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import lines, patches
from matplotlib.colors import to_rgba
from matplotlib.markers import MarkerStyle

PIXELS = 1.5  # of a point of 1/72 inch
SYMBOLS = {
    "o": "circle", ".": "circle", "s": "square", "D": "diamond", "d": "diamond-tall", "^": "triangle-up",
    "v": "triangle-down", "<": "triangle-left", ">": "triangle-right", "x": "x-thin", "+": "cross-thin", "*": "star",
    "X": "x", "P": "cross", "p": "pentagon", "h": "hexagon", "|": "line-ns", "_": "line-ew",
}  # fmt: skip
THIN = ("x-thin", "cross-thin", "line-ns", "line-ew")  # symbols without an inside
NO_MARKER = ("None", "none", "", " ", None)
SHAPES = {"steps-post": "hv", "steps": "vh", "steps-pre": "vh", "steps-mid": "hvh", "default": "linear"}


class Unknown(Exception):
    """Something drawn that the twin has no counterpart of."""


def css(color: Any, alpha: float | None = None) -> str:
    """Return a colour of matplotlib as one of a style sheet."""
    red, green, blue, opacity = to_rgba(color)
    shown = opacity if alpha is None else opacity * alpha
    return f"rgba({round(255 * red)},{round(255 * green)},{round(255 * blue)},{shown:.3g})"


def numbers(values: Any) -> list:
    """Return numbers with six digits; None for what is not finite."""
    array: np.ndarray = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
    return [[*map(number, row)] for row in array] if array.ndim == 2 else [*map(number, array)]


def number(value: float) -> float | int | None:
    """Return a number with six digits; None for what is not finite."""
    if not np.isfinite(value):
        return None
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() and abs(short) < 1e6 else short


def dash(pattern: tuple[float, list[float] | None]) -> str:
    """Return the dashes of a line, (offset, lengths in points)."""
    lengths = pattern[1]
    return ",".join(f"{PIXELS * length:.3g}px" for length in lengths) if lengths else "solid"


def _marker(line: Any, alpha: float | None) -> dict:
    kind = line.get_marker()
    if kind not in SYMBOLS:
        raise Unknown(f"it has a line with the marker {kind!r}")
    symbol = SYMBOLS[kind]
    edge = {"color": css(line.get_markeredgecolor(), alpha), "width": PIXELS * line.get_markeredgewidth()}
    size = PIXELS * line.get_markersize() * (0.5 if kind == "." else 1)
    inside = line.get_markeredgecolor() if symbol in THIN else line.get_markerfacecolor()
    return {"symbol": symbol, "size": number(size), "color": css(inside, alpha), "line": edge}


def line_style(line: Any) -> dict:
    """Return how a line looks: ``mode``, ``line`` and ``marker`` of a scatter trace."""
    alpha = line.get_alpha()
    style: dict[str, Any] = {}
    modes = []
    if line.get_linestyle() not in NO_MARKER:
        modes.append("lines")
        style["line"] = {
            "color": css(line.get_color(), alpha),
            "width": number(PIXELS * line.get_linewidth()),
            "dash": dash(line._dash_pattern),  # not public: get_linestyle() says "--" of every own pattern
            "shape": SHAPES[line.get_drawstyle()],
        }
    if line.get_marker() not in NO_MARKER:
        modes.append("markers")
        style["marker"] = _marker(line, alpha)
    return {"mode": "+".join(modes) or "none", **style}


def color_of(style: dict) -> str:
    """Return the colour of a trace, without its opacity."""
    drawn = style.get("line") or style.get("marker", {}).get("line") or {}
    color = drawn.get("color", style.get("fillcolor", ""))
    return color.rsplit(",", 1)[0] if isinstance(color, str) else ""


def handle_style(handle: Any) -> dict:
    """Return how the entry of a legend looks."""
    if isinstance(handle, lines.Line2D):
        return line_style(handle)
    color = handle.get_facecolor() if isinstance(handle, patches.Patch) else [*handle.get_color(), "black"][0]
    return {"mode": "lines", "line": {"color": css(color), "width": 6 if isinstance(handle, patches.Patch) else 2}}


def one_or_all(values: list[str]) -> str | list[str]:
    """Return the one value that all are, or all of them."""
    return values[0] if len(set(values)) == 1 else values


def symbol_of(drawn: Any) -> str:
    """Return the symbol of a scatter's markers, which matplotlib keeps as a path alone."""
    vertices = np.asarray(drawn.get_paths()[0].vertices)
    for kind, symbol in SYMBOLS.items():
        marker = MarkerStyle(kind)
        other = np.asarray(marker.get_path().transformed(marker.get_transform()).vertices)
        if other.shape == vertices.shape and np.allclose(other, vertices):
            return symbol
    raise Unknown("it has a scatter whose markers are of an own shape")
