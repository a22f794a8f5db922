"""Measurements of one's own: matrices or tensors A_i, and their inner products with what is to be recovered.

They come from a file (npz, npy, csv, pt; see `greedyrank.data.target_files`) or from arrays in memory:

``matrices``
    The A_i, (measurements, *shape), or each flattened row-major, (measurements, prod(shape)).
``values``
    The y_i = <A_i, W*>, (measurements,).
``target``
    In place of ``values``: W*.

A single table, as in a CSV without a header, has a measurement in each row: A_i, row-major, and then y_i.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from greedyrank.data.target_files import BadTarget, content_of, numbers


@dataclass(frozen=True)
class Measurements:
    """Measurements of one's own.

    Attributes
    ----------
    source : str
        Where they are from, for messages.
    matrices : ndarray of float64, (measurements, prod(shape))
        The A_i, each flattened row-major.
    values : ndarray of float64, (measurements,), or None
        The y_i; None where they are to be computed of the target.
    target : ndarray of float64, shape, or None
        What was measured, where it is known.
    """

    source: str
    matrices: np.ndarray
    values: np.ndarray | None
    target: np.ndarray | None


def of_arrays(content: Any, shape: list[int], source: str) -> Measurements:
    """Check arrays in memory.

    Parameters
    ----------
    content : array_like or mapping
        A table, or arrays by the names above.
    shape : list of int
        The shape of what is to be recovered.
    source : str
        What messages call it.

    Raises
    ------
    BadTarget
        For missing names, wrong shapes, and what is no finite number.
    """
    if not isinstance(content, Mapping):
        content = _of_table(numbers(content, source), shape, source)
    if set(content) not in ({"matrices", "values"}, {"matrices", "target"}):
        names = ", ".join(map(str, content)) or "none"
        raise BadTarget(f"{source} has the arrays {names}; allowed: `matrices`, and one of `values` and `target`")
    matrices = _matrices(numbers(content["matrices"], f"{source}: `matrices`"), shape, source)
    if "target" in content:
        return Measurements(source, matrices, None, _target(content["target"], shape, f"{source}: `target`"))
    values = numbers(content["values"], f"{source}: `values`")
    if values.shape != (count := len(matrices),):
        raise BadTarget(f"{source}: `values` has the shape {list(values.shape)}; allowed: [{count}], one for each A_i")
    return Measurements(source, matrices, values, None)


def _of_table(table: np.ndarray, shape: list[int], source: str) -> dict[str, np.ndarray]:
    columns = math.prod(shape) + 1
    if table.ndim != 2 or table.shape[1] != columns:
        raise BadTarget(
            f"{source} has the shape {list(table.shape)}; allowed, for `shape` {list(shape)}: [n, {columns}], in each"
            " row the entries of A_i and then y_i"
        )
    return {"matrices": table[:, :-1], "values": table[:, -1]}


def _matrices(array: np.ndarray, shape: list[int], source: str) -> np.ndarray:
    """Return the A_i flattened, (measurements, prod(shape))."""
    size = math.prod(shape)
    if not array.size or list(array.shape[1:]) not in (list(shape), [size]):
        whole = ", ".join(map(str, shape))
        raise BadTarget(
            f"{source}: `matrices` has the shape {list(array.shape)}; allowed, for `shape` {list(shape)}: [n, {whole}]"
            f" or [n, {size}], with n of at least 1"
        )
    return array.reshape(len(array), size)


def _target(array: object, shape: list[int], what: str) -> np.ndarray:
    target = numbers(array, what)
    if list(target.shape) != list(shape):
        raise BadTarget(f"{what} has the shape {list(target.shape)}; `shape` is {list(shape)}")
    if not target.any():
        raise BadTarget(f"{what} is zero everywhere; errors are relative to the norm of the target")
    return target


def read(path: str | Path, shape: list[int]) -> Measurements:
    """Read and check measurements from a file.

    Raises
    ------
    BadTarget
        If there is no such file, it cannot be read, or as `of_arrays`.
    """
    return of_arrays(content_of(Path(path)), shape, str(path))
