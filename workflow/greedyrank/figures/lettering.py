"""The last step of every drawing: numbers at logarithmic axes, and letters that can be read at the printed width."""

from __future__ import annotations

import re

import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter, NullFormatter

from greedyrank.figures.style import SMALLEST

SCRIPT = re.compile(r"\$[^$]*[_^][^$]*\$")  # a formula with an exponent or an index
SCRIPT_SIZE = 0.7  # of an exponent, over the letter before it; matplotlib has no setting for it


def number(value: float) -> str:
    """Return a number of a logarithmic axis: 0.1, 10 or 1e-5, in letters of one size."""
    if value == 0 or 1e-2 <= abs(value) <= 1e3:
        return f"{value:g}"
    return re.sub(r"e([-+])0?", lambda found: f"e{found[1].strip('+')}", f"{value:.0e}")


class Powers(LogFormatter):
    """Writes the numbers of a logarithmic axis."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the number at a tick."""
        return number(x)


class Between(LogFormatter):
    """Writes numbers between powers of ten: 2 and 5 times the power, no other."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the number at a tick, or nothing."""
        leading = round(x / 10 ** np.floor(np.log10(x) + 1e-9))
        return number(x) if leading in (2, 5) else ""


def _number_axis(axis: Axis) -> None:
    """Write the numbers of a logarithmic axis that has matplotlib's own, with exponents in smaller letters."""
    if not isinstance(axis.get_major_formatter(), LogFormatter):
        return
    axis.set_major_formatter(Powers())
    low, high = sorted(axis.get_view_interval())
    few = axis.get_scale() == "log" and np.log10(high / low) < 1.5
    axis.set_minor_formatter(Between() if few else NullFormatter())


def finish(figure: Figure) -> None:
    """Write numbers of logarithmic axes in letters of one size, and enlarge formulas with exponents or indices.

    Every letter of a figure then has at least `SMALLEST` points.
    """
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _number_axis(axis)
    for text in figure.findobj(Text):
        if SCRIPT.search(text.get_text()):
            text.set_fontsize(max(text.get_fontsize(), SMALLEST / SCRIPT_SIZE))
