"""One-against-all classification of 1-bit images, seen as completion of a tensor of order 784.

Razin, Maman & Cohen 2021, Fig. 4 (natural_tensor_completion_data_generator.py). Every run of a
batch sees the same images in the same order; runs differ in their labels and in their model.
"""

from __future__ import annotations

import numpy as np

from greedyrank import images

POSITIVE = 2.0  # the label of the positive class; the others are 0
SCALE = POSITIVE**2  # errors are divided by it: they are those of 0/1 labels, as in the figure


def generate(settings: dict, data_dir: str) -> dict[str, np.ndarray]:
    """Binarize a data set, or replace its images by random bits, and permute its labels.

    A pixel is 1 where its byte is at least 128 (the authors round pixel / 255). Random images are
    independent uniform bits; random labels are a permutation within the training and the test set.

    Returns
    -------
    dict
        For each of ``train`` and ``test``: ``<set>_bits`` (images, 98) packed bits,
        ``<set>_labels`` and ``<set>_permuted`` (images,), all uint8.
    """
    arrays = {}
    rng = np.random.default_rng([settings["data_seed"], 0])
    for part, (pixels, labels) in images.load(data_dir, settings["dataset"]).items():
        bits = np.packbits(pixels.reshape(len(pixels), -1) >= 128, axis=1)
        if settings["images"] == "random":
            bits = rng.integers(0, 256, size=bits.shape, dtype=np.uint8)
        arrays |= {f"{part}_bits": bits, f"{part}_labels": labels, f"{part}_permuted": rng.permutation(labels)}
    return arrays


class Problem:
    """Squared error of the predictions, minibatch by minibatch; parameters as in `completion`."""

    full_batch = False

    def __init__(self, runs: list[dict], data: list[dict], place):
        # Here, not above: generating data needs no torch, whose import takes seconds.
        from greedyrank import image_bits

        run, arrays = runs[0], data[0]
        self._order_seed, self._batch_size = run["order_seed"], run["batch_size"]
        self._place = place
        self._images, self._labels = {}, {}
        for part in ("train", "test"):
            size = run[f"{part}_size"]
            self._images[part] = image_bits.images(arrays[f"{part}_bits"][:size], place)
            positive = [
                arrays[f"{part}_permuted" if run["labels"] == "random" else f"{part}_labels"][:size] == run["label"]
                for run in runs
            ]
            self._labels[part] = place(POSITIVE * np.stack(positive, axis=1))
        self._train_size = len(self._images["train"])
        self.steps_per_epoch = -(-self._train_size // self._batch_size)
        # Mean loss over this epoch's minibatches, each taken before its step, as published.
        self.state = {"loss": place(np.zeros(len(runs)))}

    def inputs(self, step: int):
        """Return the minibatch of a step (see `greedyrank.image_bits`), in a new random order each epoch.

        The order depends on the seed and the epoch alone, so a resumed run sees the same one.
        """
        epoch, batch = divmod(step, self.steps_per_epoch)
        if batch == 0:
            order = np.random.default_rng([self._order_seed, epoch]).permutation(self._train_size)
            self._order = self._place(order, exact=True)
            self.state["loss"].zero_()
        rows = self._order[batch * self._batch_size : (batch + 1) * self._batch_size]
        self._targets = self._labels["train"].index_select(0, rows)
        return self._images["train"].batch(rows)

    def loss_gradient(self, predictions):
        """Return dL/d(prediction), (images, runs), of the minibatch's mean squared error."""
        residual = predictions - self._targets
        self.state["loss"].add_((residual * residual).sum(0), alpha=1 / self._train_size)
        return residual.mul_(2 / len(residual))

    def losses(self):
        """Return each run's mean squared error over the epoch's minibatches, shape (runs,)."""
        return self.state["loss"]

    def observables(self, model, end_to_end) -> dict[str, np.ndarray]:
        """Return ``train_error``, ``test_error`` and the labels' ``train_variance``, ``test_variance``.

        All on the scale of 0/1 labels, shape (runs,).
        The training error is the epoch's running mean; in the test error each image counts for at
        most 1, both as published.
        """
        total = 0.0
        images, labels = self._images["test"], self._labels["test"]
        for start in range(0, len(images), self._batch_size):
            rows = np.arange(start, min(start + self._batch_size, len(images)))
            predictions = model.end_to_end(images.batch(self._place(rows, exact=True)))
            squares = (predictions - labels[start : start + self._batch_size]) ** 2 / SCALE
            total = total + squares.clamp_(max=1.0).sum(0)
        variances = {f"{part}_variance": labels.double().var(0, correction=0) for part, labels in self._labels.items()}
        return {
            **{name: (variance / SCALE).cpu().numpy() for name, variance in variances.items()},
            "train_error": (self.losses().double() / SCALE).cpu().numpy(),
            "test_error": (total.double() / len(images)).cpu().numpy(),
        }
