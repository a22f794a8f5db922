"""Functions that are compiled in several varieties, such as one a precision."""

from __future__ import annotations

from collections.abc import Callable

import numba


def compiled(function: Callable, variety: str) -> Callable:
    """Compile a function, kept from process to process.

    numba keeps one index of compiled code for each qualified name, and processes that add to one index at the same
    time can exchange its entries: every variety, precision included, has its own.
    """
    function.__qualname__ = f"{function.__name__}_{variety}"
    return numba.njit(cache=True)(function)
