"""Curves with fewer points, which look the same."""

from __future__ import annotations

import numpy as np


def thinned(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Return which points of a curve to keep, so that the others are close to the lines between these.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        Where the curve goes; points that are not finite are gaps, and are kept.
    tolerance : float
        The largest distance of a point that is left out, in the unit of the points.

    Returns
    -------
    kept : ndarray of int
        Indices, in increasing order. First and last points are among them.

    Notes
    -----
    The algorithm of Ramer (1972), and of Douglas and Peucker (1973).
    """
    finite = np.isfinite(points).all(axis=1)
    kept = ~finite
    edges = np.flatnonzero(np.diff(np.concatenate([[False], finite, [False]]).astype(int)))
    pieces = [(start, end - 1) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    while pieces:
        first, last = pieces.pop()
        kept[[first, last]] = True
        if last - first < 2:
            continue
        between = points[first + 1 : last] - points[first]
        along = points[last] - points[first]
        length = float(along @ along)
        # The distance from the piece, not from the line through it: curves turn back.
        part = np.clip(between @ along / length, 0, 1) if length else np.zeros(len(between))
        distances = np.linalg.norm(between - part[:, None] * along, axis=1)
        farthest = int(np.argmax(distances))
        if distances[farthest] > tolerance:
            middle = first + 1 + farthest
            pieces += [(first, middle), (middle, last)]
    return np.flatnonzero(kept)
