"""Algebra of the t-product, which multiplies tensors of order 3 as matrices of tubes (Kilmer & Martin 2011).

Tubes lie along the last mode and multiply by circular convolution. A discrete Fourier transform along them makes of a
tensor (rows, columns, tubes) so many matrices, its *pages*, and of the t-product their products. The pages of a real
tensor come in conjugate pairs, of which one each is kept. Leading axes are carried along.
"""

from __future__ import annotations

import numpy as np

from greedyrank.errors import UserError


def pages(tensor: np.ndarray) -> np.ndarray:
    """Return the Fourier pages of a real tensor (..., rows, columns, tubes): (..., tubes // 2 + 1, rows, columns)."""
    return np.moveaxis(np.fft.rfft(tensor), -1, -3)


def from_pages(found: np.ndarray, tubes: int) -> np.ndarray:
    """Return the real tensor (..., rows, columns, tubes) with the given pages."""
    return np.fft.irfft(np.moveaxis(found, -3, -1), n=tubes)


def adjoint(found: np.ndarray) -> np.ndarray:
    """Return the conjugate transpose of each page."""
    return np.conj(found).swapaxes(-1, -2)


def page_weights(tubes: int) -> np.ndarray:
    """Return how much each page counts in a mean over all pages, conjugate ones included: (tubes // 2 + 1,)."""
    weights = np.full(tubes // 2 + 1, 2.0)
    weights[0] = 1.0
    if tubes % 2 == 0:
        weights[-1] = 1.0
    return weights / tubes


def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the t-product of (rows, inner, tubes) and (inner, columns, tubes).

    Raises
    ------
    UserError
        If the tubes differ in their length, or the inner lengths do not match.
    """
    shapes = f"tensors of shapes {list(left.shape)} and {list(right.shape)} have no t-product"
    if left.shape[-1] != right.shape[-1]:
        raise UserError(f"{shapes}: their tubes have the lengths {left.shape[-1]} and {right.shape[-1]}")
    if left.shape[-2] != right.shape[-3]:
        raise UserError(f"{shapes}: allowed: as many rows of the second as columns of the first, {left.shape[-2]}")
    return from_pages(pages(left) @ pages(right), left.shape[-1])


def transpose(tensor: np.ndarray) -> np.ndarray:
    """Return the tensor whose pages are the conjugate transposes: slices transposed, all but the first reversed."""
    return np.roll(tensor[..., ::-1], 1, axis=-1).swapaxes(-2, -3)


def basis(found: np.ndarray, rank: int) -> np.ndarray:
    """Return the leading left singular vectors of each page, an orthonormal basis: (..., pages, rows, rank)."""
    return np.linalg.svd(found, full_matrices=False)[0][..., :rank]


def sine(basis: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the sine of the largest principal angle between two tubal column spaces, over all pages: (...).

    Both are given by orthonormal bases (..., pages, rows, rank). The sine is the norm of the part of the one basis that
    the other does not reach, which loses no digits where the angle is small.
    """
    outside = basis - other @ (adjoint(other) @ basis)
    return np.minimum(np.linalg.norm(outside, 2, axis=(-2, -1)).max(axis=-1), 1.0)
