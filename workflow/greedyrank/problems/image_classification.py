"""One-against-all classification of 1-bit images, seen as completion of a tensor of order 784.

Razin, Maman & Cohen 2021, Fig. 4 (natural_tensor_completion_data_generator.py). All runs of a
group see the same images in the same order; they differ in their labels and in their model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        self._images, self._labels = {}, {}
        for part in ("train", "test"):
            size = run[f"{part}_size"]
            self._images[part] = image_bits.images(arrays[f"{part}_bits"][:size], place)
            positive = [positives(run, arrays, part) for run in runs]
            self._labels[part] = place(POSITIVE * np.stack(positive, axis=1))
        self._groups = class_groups(runs)
        self._train_size = len(self._images["train"])
        self.steps_per_epoch = -(-self._train_size // self._batch_size)
        # Mean loss over the minibatches of this epoch, each taken before its step, as published.
        self.state = {"loss": place(np.zeros(len(runs)))}

    def inputs(self, step: int) -> Any:
        """Return the minibatch of a step (see `greedyrank.kernels.image_bits`), in a new random order each epoch.

        The order depends only on the seed and the epoch, so that a resumed run sees the same one.
        """
        epoch, number = divmod(step, self.steps_per_epoch)
        if number == 0:
            order = np.random.default_rng([self._order_seed, epoch]).permutation(self._train_size)
            self._order = self._place(order, exact=True)
            self.state["loss"].zero_()
        rows = self._order[number * self._batch_size : (number + 1) * self._batch_size]
        self._targets = self._labels["train"].index_select(0, rows)
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
        """Return errors on the scale of 0/1 labels, accuracies, and the variances of the labels, shape (runs,).

        ``train_error`` is the running mean of the epoch; in ``test_error`` each image counts at most 1, both as
        published. ``test_accuracy`` is the share of test images whose prediction is nearer to their label than to the
        other label. ``test_class_accuracy`` is the share of test images whose largest prediction, among ten runs that
        differ only in their label, is that of their class; NaN where not all ten runs are in the group.
        """
        error: Any = 0.0
        right: Any = 0
        right_class: Any = 0
        images, labels = self._images["test"], self._labels["test"]
        groups = self._place(self._groups, exact=True)
        for start in range(0, len(images), self._batch_size):
            rows = np.arange(start, min(start + self._batch_size, len(images)))
            predictions = model.end_to_end(images.batch(self._place(rows, exact=True)))
            wanted = labels[start : start + self._batch_size]
            error = error + ((predictions - wanted) ** 2 / SCALE).clamp_(max=1.0).sum(0)
            right = right + ((predictions > POSITIVE / 2) == (wanted > POSITIVE / 2)).sum(0)
            right_class = right_class + (predictions[:, groups].argmax(2) == wanted[:, groups].argmax(2)).sum(0)
        class_accuracy = np.full(labels.shape[1], np.nan)
        class_accuracy[self._groups.T] = right_class.double().cpu().numpy() / len(images)
        variances = {f"{part}_variance": labels.double().var(0, correction=0) for part, labels in self._labels.items()}
        return {
            **{name: (variance / SCALE).cpu().numpy() for name, variance in variances.items()},
            "train_error": (self.losses().double() / SCALE).cpu().numpy(),
            "test_error": (error.double() / len(images)).cpu().numpy(),
            "test_accuracy": (right.double() / len(images)).cpu().numpy(),
            "test_class_accuracy": class_accuracy,
        }
