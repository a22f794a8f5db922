"""Sets of binary images, and what a training step in torch computes from a minibatch of them.

A step needs sums over pixels, sums over images and parities: matrix products of floating-point numbers. On a CPU,
`greedyrank.kernels.image_steps` takes the same steps from packed bits, and faster.
"""

from __future__ import annotations

import numpy as np
import torch

# Whether float32 batches on a GPU take their products on its matrix units (`SplitBatch`) or not (`FloatBatch`).
SPLIT_ON_GPU = False


class FloatBatch:
    """A minibatch as float numbers, (images, pixels); nothing here waits for the device.

    Its methods take and return tensors whose last axis is the model's columns.
    """

    def __init__(self, bits):
        self._bits = bits

    def sums_over_pixels(self, where_zero, where_one):
        """Return, for each image, the sum of what its pixels choose; (pixels, columns) each to (images, columns)."""
        return torch.addmm(where_zero.sum(0), self._bits, where_one - where_zero)

    def change_signs(self, where_zero, where_one, values) -> None:
        """Change the sign of ``values`` (images, columns) where an odd number of pixels choose a negative number."""
        zero, one = ((numbers < 0).to(self._bits.dtype) for numbers in (where_zero, where_one))
        # Sums of at most 784 zeros and ones: exact even in float32.
        odd = torch.addmm(zero.sum(0), self._bits, one - zero).remainder_(2)
        values.mul_(odd.mul_(-2).add_(1))

    def sums_over_images(self, values):
        """Return, for each pixel, the sums of ``values`` over the images where it is 0 and where it is 1.

        Each is summed over its own images: a difference from their total would be all rounding for a small factor.
        """
        return torch.mm((1 - self._bits).mT, values), torch.mm(self._bits.mT, values)


class FloatImages:
    """A set of images as float numbers, (images, pixels)."""

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
        """See `FloatBatch.sums_over_pixels`."""
        # One product over three times the pixels: its result is larger than its factors. Small parts are added first.
        parts = torch.cat(split(where_one - where_zero)[::-1])
        return product(self._bits.repeat(1, 3), parts).add_(where_zero.sum(0))

    def change_signs(self, where_zero, where_one, values) -> None:
        """See `FloatBatch.change_signs`."""
        zero, one = ((numbers < 0).to(self._bits.dtype) for numbers in (where_zero, where_one))
        # Sums of at most 784 zeros and ones: exact in float32.
        odd = product(self._bits, one - zero).add_(zero.sum(0, dtype=values.dtype)).remainder_(2)
        values.addcmul_(values, odd, value=-2)

    def sums_over_images(self, values):
        """See `FloatBatch.sums_over_images`."""
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


def in_parts(images: FloatImages) -> SplitImages:
    """Return the same set in bfloat16."""
    return SplitImages(images._bits.bfloat16())


def images(packed: np.ndarray, place):
    """Return a set of images, of packed bits (images, 98), where ``place`` puts arrays."""
    like = place(np.zeros(1))
    if SPLIT_ON_GPU and like.is_cuda and like.dtype == torch.float32:
        return SplitImages(place(np.unpackbits(packed, axis=1), exact=True).bfloat16())
    return FloatImages(place(np.unpackbits(packed, axis=1)))
