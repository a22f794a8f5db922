"""Linear least squares on the pixels: a baseline that Razin, Maman & Cohen 2021, Fig. 4, does not have.

    minimize  sum_b (<w, x_b> + c - y_b)^2,    y_b = 1 for the positive class, else 0

for all labels at once, through the eigenvalues of the pixels' covariance. Where pixels never vary, or
depend on each other, the minimizer is not unique: the one of least Euclidean norm is taken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from greedyrank.plugins import plugin

logger = logging.getLogger(__name__)

BLOCK = 5000  # images unpacked at a time


def _blocks(bits: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the images block by block: which, and their pixels (images, pixels) as float32."""
    for start in range(0, len(bits), BLOCK):
        rows = slice(start, start + BLOCK)
        yield rows, np.unpackbits(bits[rows], axis=1).astype(np.float32)


def fit(bits: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit every label by a linear function of the pixels.

    Parameters
    ----------
    bits : ndarray
        Packed images, (images, bytes).
    positive : ndarray
        Which images are of the positive class, (images, labels), bool.

    Returns
    -------
    weights : ndarray
        (pixels, labels), of least norm.
    intercepts : ndarray
        (labels,)
    """
    together: Any = 0.0
    with_labels: Any = 0.0
    for rows, pixels in _blocks(bits):
        # Counts of a block are exact in float32, and their sums in float64.
        together = together + (pixels.T @ pixels).astype(np.float64)
        with_labels = with_labels + (pixels.T @ positive[rows].astype(np.float32)).astype(np.float64)
    means, shares = np.diag(together) / len(bits), positive.mean(axis=0)
    covariance = together / len(bits) - np.outer(means, means)
    values, vectors = np.linalg.eigh(covariance)
    kept = values > len(values) * np.finfo(float).eps * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    weights = vectors @ (vectors.T @ (with_labels / len(bits) - np.outer(means, shares)) / values[:, None])
    return weights, shares - means @ weights


def _predictions(bits: np.ndarray, weights: np.ndarray, intercepts: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels @ weights + intercepts for _, pixels in _blocks(bits)])


def compute(
    problem: str, factorization: str, views: list[dict], data_of: Callable[[dict], dict]
) -> dict[str, np.ndarray]:
    """Fit every problem of a sweep.

    Parameters
    ----------
    problem : str
        The plug-in.
    factorization : str
        Of the runs that are compared; it plays no part here.
    views : list of dict
        The settings of each problem.
    data_of : callable
        Gives the data of a problem from its settings.

    Returns
    -------
    dict
        ``train_error``, ``test_error``, ``test_accuracy`` and ``test_class_accuracy`` as the problem
        records them of its models, each (views,).
    """
    module = plugin("problems", problem)
    sets: dict[str, list[int]] = {}  # the problems that differ in their labels alone
    for index, view in enumerate(views):
        shown = ", ".join(f"{name} {value}" for name, value in view.items() if name not in ("labels", "label"))
        sets.setdefault(shown, []).append(index)
    names = ("train_error", "test_error", "test_accuracy", "test_class_accuracy")
    found = {name: np.full(len(views), np.nan) for name in names}
    for shown, members in sets.items():
        chosen = [views[index] for index in members]
        arrays = data_of(chosen[0])
        bits, positive = {}, {}
        for part in ("train", "test"):
            bits[part] = arrays[f"{part}_bits"][: chosen[0][f"{part}_size"]]
            positive[part] = np.stack([module.positives(view, arrays, part) for view in chosen], axis=1)
        model = fit(bits["train"], positive["train"])
        train, test = (_predictions(bits[part], *model) for part in ("train", "test"))
        found["train_error"][members] = ((train - positive["train"]) ** 2).mean(axis=0)
        found["test_error"][members] = np.minimum((test - positive["test"]) ** 2, 1.0).mean(axis=0)
        found["test_accuracy"][members] = ((test > 0.5) == positive["test"]).mean(axis=0)
        groups = module.class_groups(chosen)
        right = test[:, groups].argmax(axis=2) == positive["test"][:, groups].argmax(axis=2)
        found["test_class_accuracy"][np.array(members)[groups.T]] = right.mean(axis=0)
        logger.info("%s: %d labels fitted", shown, len(members))
    return found
