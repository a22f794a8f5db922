"""One-against-all classification of 1-bit images, seen as completion of a tensor of order 784.

Razin, Maman & Cohen 2021, Fig. 4 (natural_tensor_completion_data_generator.py). All runs of a
group see the same images in the same order; they differ in their labels and in their model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from greedyrank.config.sweeps import Run
from greedyrank.data import images
from greedyrank.training.base import MinibatchProblem
from greedyrank.training.protocols import Arrays, Place

if TYPE_CHECKING:
    import torch

POSITIVE = 2.0  # the label of the positive class; the others are 0
CLASSES = 10
SCALE = POSITIVE**2  # errors are divided by it, which gives those of 0/1 labels, as in the figure


def generate(settings: Mapping[str, Any], data_dir: str | Path) -> Arrays:
    """Binarize a data set, or replace its images by a control's, and permute its labels.

    A pixel is 1 where its byte is at least 128 (the authors round pixel / 255). Random labels are a
    permutation within the training and the test set. The images of the controls:

    - ``random``: independent uniform bits (the authors' control);
    - ``shuffled``: the pixels of every image permuted, by the same permutation for all images;
    - ``independent``: each bit drawn alone, with the probability that it is 1 in the training images.

    Returns
    -------
    dict
        For each of ``train`` and ``test``: ``<set>_bits`` (images, 98) packed bits,
        ``<set>_labels`` and ``<set>_permuted`` (images,), all uint8.
    """
    loaded = images.load(data_dir, settings["dataset"])
    original = {part: pixels.reshape(len(pixels), -1) >= 128 for part, (pixels, _) in loaded.items()}
    # Two streams, so that the permuted labels do not depend on what replaces the images.
    rng, pixel_rng = (np.random.default_rng([settings["data_seed"], *stream]) for stream in ([0], [0, 1]))
    order, means = pixel_rng.permutation(original["train"].shape[1]), original["train"].mean(axis=0, dtype=np.float32)
    arrays: Arrays = {}
    for part, bits in original.items():
        packed = np.packbits(bits, axis=1)
        if settings["images"] == "random":
            packed = rng.integers(0, 256, size=packed.shape, dtype=np.uint8)
        elif settings["images"] == "shuffled":
            packed = np.packbits(bits.take(order, axis=1), axis=1)
        elif settings["images"] == "independent":
            packed = np.packbits(pixel_rng.random(bits.shape, dtype=np.float32) < means, axis=1)
        labels = loaded[part][1]
        arrays |= {f"{part}_bits": packed, f"{part}_labels": labels, f"{part}_permuted": rng.permutation(labels)}
    return arrays


def positives(run: Mapping[str, Any], arrays: Arrays, part: str) -> np.ndarray:
    """Return which images of a run's ``train`` or ``test`` set are of its positive class, (images,), bool."""
    labels = arrays[f"{part}_permuted" if run["labels"] == "random" else f"{part}_labels"]
    return labels[: run[f"{part}_size"]] == run["label"]


def class_groups(runs: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return which runs differ only in their label, as indices (sets, 10), in the order of their labels.

    Where one of the ten labels is missing there is no such set.
    """
    groups: dict[str, dict[int, int]] = {}
    for index, run in enumerate(runs):
        others = repr(sorted((name, value) for name, value in run.items() if name != "label"))
        groups.setdefault(others, {})[run["label"]] = index
    whole = [[group[label] for label in range(CLASSES)] for group in groups.values() if len(group) == CLASSES]
    return np.array(whole, dtype=np.int64).reshape(-1, CLASSES)


def order_of_epoch(order_seed: int, epoch: int, size: int) -> np.ndarray:
    """Return the random order of the training images in an epoch, (size,): a resumed run sees the same one."""
    return np.random.default_rng([order_seed, epoch]).permutation(size)


def test_scores(predictions: Iterable[Any], positive: Any, groups: Any) -> tuple[Any, Any, Any]:
    """Return the errors on the test images, which are right, and whose class is right: sums over the images.

    Parameters
    ----------
    predictions : iterable of array
        Those of the test images in their order, each (images, runs), of NumPy or of torch.
    positive : array
        Which of all test images are of each run's positive class, (images, runs), bool.
    groups : array
        From `class_groups`.

    Returns
    -------
    error, right : array
        (runs,)
    right_class : array
        (sets of ten runs,)
    """
    start = 0
    error: Any = 0.0
    right: Any = 0
    right_class: Any = 0
    for part in predictions:
        wanted = positive[start : start + len(part)]
        start += len(part)
        error = error + ((part - POSITIVE * wanted) ** 2 / SCALE).clip(max=1.0).sum(0)
        right = right + ((part > POSITIVE / 2) == wanted).sum(0)
        right_class = right_class + (part[:, groups].argmax(2) == (1 * wanted[:, groups]).argmax(2)).sum(0)
    return error, right, right_class


def observed(
    losses: np.ndarray, scores: Sequence[np.ndarray], positive: Mapping[str, np.ndarray], groups: np.ndarray
) -> Arrays:
    """Return errors on the scale of 0/1 labels, accuracies, and the variances of the labels, shape (runs,).

    ``train_error`` is the running mean of the epoch; in ``test_error`` each image counts at most 1, both as published.
    ``test_accuracy`` is the share of test images whose prediction is nearer to their label than to the other label.
    ``test_class_accuracy`` is the share of test images whose largest prediction, among ten runs that differ only in
    their label, is that of their class; NaN where not all ten runs are in the group.

    Parameters
    ----------
    losses : ndarray
        The mean squared error of each run over the epoch's minibatches.
    scores : sequence of ndarray
        From `test_scores`.
    positive : mapping
        Which images of the ``train`` and ``test`` sets are of each run's positive class, (images, runs), bool.
    groups : ndarray
        From `class_groups`.
    """
    size = len(positive["test"])
    error, right, right_class = scores
    class_accuracy = np.full(len(losses), np.nan)
    class_accuracy[groups.T] = right_class / size
    return {
        **{f"{part}_variance": of.var(axis=0, dtype=np.float64) for part, of in positive.items()},
        "train_error": losses.astype(np.float64) / SCALE,
        "test_error": error.astype(np.float64) / size,
        "test_accuracy": right / size,
        "test_class_accuracy": class_accuracy,
    }


def context(run: Mapping[str, Any], data: Arrays) -> Arrays:
    """Return nothing: what is measured is recorded during training."""
    return {}


class Problem(MinibatchProblem):
    """Squared error of the predictions, minibatch by minibatch; parameters as in `completion`."""

    def __init__(self, runs: Sequence[Run], data: Sequence[Arrays], place: Place):
        # Not at the top: it imports torch, which takes seconds, and `generate` does not need it.
        from greedyrank.kernels import image_bits

        run, arrays = runs[0], data[0]
        self._order_seed, self._batch_size = run["order_seed"], run["batch_size"]
        self._place = place
        parts = ("train", "test")
        self._images = {part: image_bits.images(arrays[f"{part}_bits"][: run[f"{part}_size"]], place) for part in parts}
        self._positive = {part: np.stack([positives(run, arrays, part) for run in runs], axis=1) for part in parts}
        self._labels = place(POSITIVE * self._positive["train"])
        self._groups = class_groups(runs)
        self._train_size = len(self._images["train"])
        self.steps_per_epoch = -(-self._train_size // self._batch_size)
        # Mean loss over the minibatches of this epoch, each taken before its step, as published.
        self.state = {"loss": place(np.zeros(len(runs)))}

    def inputs(self, step: int) -> Any:
        """Return the minibatch of a step (see `greedyrank.kernels.image_bits`), in a new random order each epoch."""
        epoch, number = divmod(step, self.steps_per_epoch)
        if number == 0:
            self._order = self._place(order_of_epoch(self._order_seed, epoch, self._train_size), exact=True)
            self.state["loss"].zero_()
        rows = self._order[number * self._batch_size : (number + 1) * self._batch_size]
        self._targets = self._labels.index_select(0, rows)
        return self._images["train"].batch(rows)

    def loss_gradient(self, end_to_end: torch.Tensor) -> torch.Tensor:
        """Return dL/d(prediction), (images, runs), of the minibatch's mean squared error."""
        residual = end_to_end - self._targets
        self.state["loss"].add_((residual * residual).sum(0), alpha=1 / self._train_size)
        return residual.mul_(2 / len(residual))

    def losses(self) -> torch.Tensor:
        """Return each run's mean squared error over the epoch's minibatches, shape (runs,)."""
        return self.state["loss"]

    def observables(self, model: Any, end_to_end: torch.Tensor) -> Arrays:
        """Return what `observed` lists."""
        images = self._images["test"]
        rows = self._place(np.arange(len(images)), exact=True).split(self._batch_size)
        predictions = (model.end_to_end(images.batch(part)) for part in rows)
        positive, groups = (self._place(array, exact=True) for array in (self._positive["test"], self._groups))
        scores = [score.cpu().numpy() for score in test_scores(predictions, positive, groups)]
        return observed(self.losses().cpu().numpy(), scores, self._positive, self._groups)
