"""Convolutional autoencoder with extra linear layers behind the encoder: IRMAE (Jing, Zbontar & LeCun 2020).

    image -> encoder -> z_0,    z = A_l ... A_1 z_0,    z -> decoder -> image

The A_j are square, without bias and without nonlinearity: at test time they are one matrix, and the model
is the plain autoencoder, but gradient descent on their product is that of a deep matrix factorization.

The pull-back is torch's autograd: the closed forms of the other factorizations do not cover convolutions and ReLUs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from greedyrank.config.sweeps import Run
from greedyrank.training.base import RunAxisModel
from greedyrank.training.protocols import Place

# Channels from the image to the encoder's last convolution; each halves the height and the width of 32x32.
ENCODER = (1, 32, 64, 128, 256)
ENCODED = ENCODER[-1] * 2 * 2
# Channels, height and width behind the decoder's fully connected layer; two convolutions double the last two.
DECODER = (128, 8, 8)
HALVE: dict[str, Any] = {"stride": 2, "padding": 1}  # of kernels of 4x4
DOUBLE = HALVE  # of transposed convolutions


def initial(run: Mapping[str, Any]) -> list[np.ndarray]:
    """Draw the parameters of one run as torch's layers do by default, float64.

    Weights and biases are uniform within 1 / sqrt(fan in); torch counts a transposed convolution's outputs
    as its inputs. The order is encoder, decoder, linear layers: runs of one seed that differ in the number
    of linear layers start from the same encoder and decoder.

    Returns
    -------
    list of array
        Weight and bias of each layer of the encoder and of the decoder, then ``linear_layers`` matrices.
    """
    rng = np.random.default_rng([run["seed"], 1])
    latent = run["latent_size"]
    convolutions = [(wide, narrow, 4, 4) for narrow, wide in itertools.pairwise(ENCODER)]
    connected = [(latent, ENCODED), (math.prod(DECODER), latent)]
    transposed = [(128, 64, 4, 4), (64, 32, 4, 4), (32, 1, 1, 1)]
    layers = [(shape, shape[0]) for shape in [*convolutions, *connected]] + [(s, s[1]) for s in transposed]
    drawn = []
    for weight, bias in layers:
        bound = math.prod(weight[1:]) ** -0.5
        drawn += [rng.uniform(-bound, bound, weight), rng.uniform(-bound, bound, bias)]
    bound = latent**-0.5
    return drawn + [rng.uniform(-bound, bound, (latent, latent)) for _ in range(run["linear_layers"])]


def encode(images: torch.Tensor, parameters: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the latent codes (images, latent_size) of images (images, 1, 32, 32), linear layers included."""
    found = images
    for weight, bias in zip(parameters[0:8:2], parameters[1:8:2], strict=True):
        found = F.conv2d(found, weight, bias, **HALVE).relu()
    found = F.linear(found.flatten(1), *parameters[8:10])
    for matrix in parameters[18:]:
        found = F.linear(found, matrix)
    return found


def decode(codes: torch.Tensor, parameters: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the images (images, 1, 32, 32) of latent codes (images, latent_size)."""
    found = F.linear(codes, *parameters[10:12]).relu().unflatten(1, DECODER)
    found = F.conv_transpose2d(found, parameters[12], parameters[13], **DOUBLE).relu()
    found = F.conv_transpose2d(found, parameters[14], parameters[15], **DOUBLE).relu()
    return F.conv_transpose2d(found, parameters[16], parameters[17]).tanh()


def compose(runs: Sequence[Run], parameters: Sequence[torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    """Return the reconstructions of all runs, (runs, images, 1, 32, 32); see `greedyrank.training.protocols`."""
    each = zip(*(parameter.unbind() for parameter in parameters), strict=True)
    return torch.stack([decode(encode(inputs, own), own) for own in each])


class Model(RunAxisModel):
    """Parameters of all runs of a group, in the order of `initial`, each (runs, ...).

    Runs share only the images: each step evaluates one run after another.
    """

    def __init__(self, runs: Sequence[Run], place: Place):
        self.parameters = [place(np.stack(drawn)) for drawn in zip(*map(initial, runs), strict=True)]

    def _runs(self) -> Iterator[tuple[torch.Tensor, ...]]:
        return zip(*self.parameters, strict=True)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """Return the latent codes (runs, images, latent_size) of images (images, 1, 32, 32)."""
        return torch.stack([encode(images, parameters) for parameters in self._runs()])

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        """Return the images (runs, images, 1, 32, 32) of latent codes (runs, images, latent_size)."""
        return torch.stack([decode(*pair) for pair in zip(codes, self._runs(), strict=True)])

    def end_to_end(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the reconstructions (runs, images, 1, 32, 32) of images (images, 1, 32, 32)."""
        self._leaves = [parameter.detach().requires_grad_() for parameter in self.parameters]
        with torch.enable_grad():
            # Unbound, not indexed: the gradients of all runs are stacked once, not added to zeros one by one.
            runs = zip(*(leaf.unbind() for leaf in self._leaves), strict=True)
            self._outputs = torch.stack([decode(encode(inputs, run), run) for run in runs])
        return self._outputs.detach()

    def pullback(self, upstream: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the gradient of each parameter, given dL/d(reconstruction) (runs, images, 1, 32, 32)."""
        return torch.autograd.grad(self._outputs, self._leaves, upstream)
