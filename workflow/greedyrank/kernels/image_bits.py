"""Sets of binary images, and what a training step computes from a minibatch of them.

A step needs sums over pixels, sums over images and parities. On a CPU the bits stay packed and all three are compiled
(`greedyrank.kernels.bit_matrix`). On a GPU they are matrix products of floating-point numbers.
"""

from __future__ import annotations

import numpy as np
import torch

try:
    from greedyrank.kernels import bit_matrix
except ImportError:  # numba is not everywhere that torch is
    bit_matrix = None  # type: ignore[assignment]  # so that its absence can be tested for

PIXELS = 784
# Whether float32 batches on a GPU take their products on its matrix units (`SplitBatch`) or not (`FloatBatch`).
SPLIT_ON_GPU = False
# Below this a factor's gradient is summed over its own images, not taken as a difference: divided by a small factor,
# the rounding of that difference would be all there is.
SMALL = 0.1


class PackedBatch:
    """A minibatch on a CPU, (images, pixels).

    Its methods take and return tensors whose last axis is the model's columns. The next minibatch of the same size
    overwrites what they return, so that no step has to allocate tens of megabytes.
    """

    def __init__(self, words: np.ndarray, spare: dict):
        self._bits = bit_matrix.BitMatrix(words, PIXELS)
        self._spare = spare

    def _out(self, rows: int, like):
        key = rows, like.shape[1]
        if key not in self._spare:
            self._spare[key] = like.new_empty(key)
        return self._spare[key]

    def sums_over_pixels(self, where_zero, where_one):
        """Return, for each image, the sum of what its pixels choose; (pixels, columns) each to (images, columns)."""
        sums = self._out(self._bits.shape[0], where_one)
        self._bits.product((where_one - where_zero).numpy(), sums.numpy(), where_zero.sum(0).numpy())
        return sums

    def change_signs(self, where_zero, where_one, values) -> None:
        """Change the sign of ``values`` (images, columns) where an odd number of pixels choose a negative number."""
        columns = (torch.minimum(where_zero, where_one).amin(0) < 0).nonzero().squeeze(1)
        if len(columns):
            zero, one = (numbers[:, columns].numpy() < 0 for numbers in (where_zero, where_one))
            self._bits.change_signs(zero, one, columns.numpy(), values.numpy())

    def sums_over_images(self, values, factors):
        """Return, for each pixel, the sums of ``values`` over the images where it is 0 and where it is 1.

        The first is taken as a difference, but for the pixels with a small one of the ``factors``.
        """
        where_one = self._out(PIXELS, factors)
        self._bits.transposed_product(values.numpy(), where_one.numpy())
        where_zero = values.sum(0) - where_one
        small = (factors.abs().amin(1) < SMALL).nonzero().squeeze(1)
        if len(small):
            own = values.new_empty(len(small), values.shape[1])
            self._bits.complement_product(small.numpy(), values.numpy(), own.numpy())
            where_zero[small] = own
        return where_zero, where_one


class PackedImages:
    """A set of images on a CPU, from their packed bits (images, 98)."""

    def __init__(self, packed: np.ndarray):
        self._words = bit_matrix.pack(np.unpackbits(packed, axis=1))
        self._spare: dict = {}

    def __len__(self):
        return self._words.shape[1]

    def batch(self, rows) -> PackedBatch:
        """Return the minibatch of these images."""
        return PackedBatch(self._words[:, rows.numpy()], self._spare)


class FloatBatch:
    """The same minibatch as float numbers; nothing here waits for the device."""

    def __init__(self, bits):
        self._bits = bits

    def sums_over_pixels(self, where_zero, where_one):
        """See `PackedBatch.sums_over_pixels`."""
        return torch.addmm(where_zero.sum(0), self._bits, where_one - where_zero)

    def change_signs(self, where_zero, where_one, values) -> None:
        """See `PackedBatch.change_signs`."""
        zero, one = ((numbers < 0).to(self._bits.dtype) for numbers in (where_zero, where_one))
        # Sums of at most 784 zeros and ones: exact even in float32.
        odd = torch.addmm(zero.sum(0), self._bits, one - zero).remainder_(2)
        values.mul_(odd.mul_(-2).add_(1))

    def sums_over_images(self, values, factors):
        """See `PackedBatch.sums_over_images`; the first is always summed over its own images."""
        return torch.mm((1 - self._bits).mT, values), torch.mm(self._bits.mT, values)


class FloatImages:
    """The same set on any device, as float numbers (images, pixels)."""

    def __init__(self, bits):
        self._bits = bits

    def __len__(self):
        return len(self._bits)

    def batch(self, rows) -> FloatBatch:
        """Return the minibatch of these images."""
        return FloatBatch(self._bits.index_select(0, rows))


def split(values):
    """Return three bfloat16 tensors, the largest first, whose sum is a float32 tensor exactly.

    Each holds 8 of the 24 bits. Below about 1e-33 the last parts vanish, as denormal numbers do.
    """
    high = values.bfloat16()
    rest = values - high
    middle = rest.bfloat16()
    return high, middle, rest.sub_(middle).bfloat16()


def product(left, right):
    """Return the float32 product of two bfloat16 matrices."""
    if left.is_cuda:
        return torch.mm(left, right, out_dtype=torch.float32)
    return torch.mm(left.float(), right.float())  # a CPU has no such product: the same factors, widened


class SplitBatch:
    """The same minibatch for a GPU's matrix units, which multiply bfloat16 numbers and add in float32.

    Bits are bfloat16 numbers, and a float32 number is a sum of three (`split`). So every factor and every product is
    exact, and rounding is that of float32 sums. Nothing here waits for the device.
    """

    def __init__(self, bits):
        self._bits = bits

    def sums_over_pixels(self, where_zero, where_one):
        """See `PackedBatch.sums_over_pixels`."""
        # One product over three times the pixels: its result is larger than its factors. Small parts are added first.
        parts = torch.cat(split(where_one - where_zero)[::-1])
        return product(self._bits.repeat(1, 3), parts).add_(where_zero.sum(0))

    def change_signs(self, where_zero, where_one, values) -> None:
        """See `PackedBatch.change_signs`."""
        zero, one = ((numbers < 0).to(self._bits.dtype) for numbers in (where_zero, where_one))
        # Sums of at most 784 zeros and ones: exact in float32.
        odd = product(self._bits, one - zero).add_(zero.sum(0, dtype=values.dtype)).remainder_(2)
        values.addcmul_(values, odd, value=-2)

    def sums_over_images(self, values, factors):
        """See `PackedBatch.sums_over_images`; the first is always summed over its own images."""
        both = torch.cat([1 - self._bits, self._bits], dim=1).mT
        high, middle, low = (product(both, part) for part in split(values))
        return low.add_(middle).add_(high).split(self._bits.shape[1])


class SplitImages:
    """The same set in bfloat16, (images, pixels)."""

    def __init__(self, bits):
        self._bits = bits

    def __len__(self):
        return len(self._bits)

    def batch(self, rows) -> SplitBatch:
        """Return the minibatch of these images."""
        return SplitBatch(self._bits.index_select(0, rows))


def images(packed: np.ndarray, place):
    """Return a set of images, of packed bits (images, 98), where ``place`` puts arrays."""
    like = place(np.zeros(1))
    if bit_matrix is not None and like.device.type == "cpu":
        return PackedImages(packed)
    if SPLIT_ON_GPU and like.is_cuda and like.dtype == torch.float32:
        return SplitImages(place(np.unpackbits(packed, axis=1), exact=True).bfloat16())
    return FloatImages(place(np.unpackbits(packed, axis=1)))
