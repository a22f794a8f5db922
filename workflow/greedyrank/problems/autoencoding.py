"""Reconstruction of images by an autoencoder: IRMAE (Jing, Zbontar & LeCun 2020), MNIST.

Images are resized to 32x32, pixels in [0, 1]; the loss is the mean squared error of a minibatch. As in the
released code, images are not shuffled: every epoch takes them in the order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from greedyrank.config.sweeps import Run
from greedyrank.data import images
from greedyrank.training.base import MinibatchProblem
from greedyrank.training.protocols import Arrays, Axes, Place

if TYPE_CHECKING:
    import torch

SIDE = 32  # height and width of the autoencoder's images
BLOCK = 100  # test images evaluated together, which bounds the memory


def generate(settings: Mapping[str, Any], data_dir: str | Path) -> Arrays:
    """Take the first images of each set.

    Returns
    -------
    dict
        ``train_pixels`` and ``test_pixels``, (images, 28, 28) uint8.
    """
    found = images.load(data_dir, settings["dataset"])
    return {f"{part}_pixels": pixels[: settings[f"{part}_size"]] for part, (pixels, _) in found.items()}


def resized(pixels: np.ndarray) -> np.ndarray:
    """Return (images, 28, 28) bytes as (images, 1, 32, 32) bytes, bilinear.

    On bytes torch rounds as Pillow does, so that these are the pixels of torchvision's ``Resize(32)``.
    """
    import torch  # not at the top: it takes seconds to import, and `generate` does not need it

    size = (SIDE, SIDE)
    resize = torch.nn.functional.interpolate
    return resize(torch.tensor(pixels)[:, None], size=size, mode="bilinear", antialias=True).numpy()


def context(run: Mapping[str, Any], data: Arrays) -> Arrays:
    """Return nothing: what is measured is recorded during training."""
    return {}


class Problem(MinibatchProblem):
    """Mean squared error of the reconstructions, minibatch by minibatch; parameters as in `completion`."""

    axes: ClassVar[Axes] = {"latent_value": ("component",)}
    loss_at_start: ClassVar[bool] = True  # that of the first minibatch

    def __init__(self, runs: Sequence[Run], data: Sequence[Arrays], place: Place):
        run, arrays = runs[0], data[0]
        self._images = {part: place(resized(arrays[f"{part}_pixels"])).div_(255) for part in ("train", "test")}
        self._batch_size = run["batch_size"]
        self.steps_per_epoch = -(-len(self._images["train"]) // self._batch_size)
        # Squared errors of this epoch's images so far, each taken before its step, and how many there are.
        self.state = {"squares": place(np.zeros(len(runs))), "seen": place(np.zeros(1))}

    def inputs(self, step: int) -> torch.Tensor:
        """Return the minibatch of a step, (images, 1, 32, 32)."""
        number = step % self.steps_per_epoch
        if number == 0:
            for value in self.state.values():
                value.zero_()
        self._targets = self._images["train"][number * self._batch_size : (number + 1) * self._batch_size]
        return self._targets

    def loss_gradient(self, end_to_end: torch.Tensor) -> torch.Tensor:
        """Return dL/d(reconstruction), (runs, images, 1, 32, 32), of the minibatch's mean squared error."""
        residual = end_to_end - self._targets
        self.state["squares"] += residual.square().mean((2, 3, 4)).sum(1)
        self.state["seen"] += len(self._targets)
        return residual.mul_(2 / self._targets.numel())

    def losses(self) -> torch.Tensor:
        """Return each run's mean squared error over the epoch's minibatches so far, shape (runs,)."""
        return self.state["squares"] / self.state["seen"]

    def observables(self, model: Any, end_to_end: torch.Tensor) -> Arrays:
        """Return the errors and the spectrum of the latent codes.

        ``train_error`` is the epoch's running mean, ``test_error`` that of the present parameters, both mean
        squared errors a pixel, shape (runs,). ``latent_value`` (runs, latent_size) holds the singular values of
        the covariance of the test images' latent codes, descending.
        """
        codes: list[torch.Tensor] = []
        squares: Any = 0.0
        for block in self._images["test"].split(BLOCK):
            codes.append(model.encode(block))
            squares = squares + (model.decode(codes[-1]) - block).square().mean((2, 3, 4)).double().sum(1)
        found = np.concatenate([code.double().cpu().numpy() for code in codes], axis=1)
        covariances = [np.atleast_2d(np.cov(code, rowvar=False)) for code in found]
        return {
            "train_error": self.losses().double().cpu().numpy(),
            "test_error": (squares / len(self._images["test"])).cpu().numpy(),
            "latent_value": np.linalg.svd(np.stack(covariances), compute_uv=False),
        }
