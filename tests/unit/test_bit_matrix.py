"""Products of packed bits against dense products, sizes around the words and lanes included."""

import numpy as np
import pytest

from greedyrank.kernels.bit_matrix import BitMatrix, pack

SIZES = [(1, 1, 1), (3, 64, 16), (63, 65, 17), (64, 4, 32), (65, 7, 33), (130, 784, 5), (200, 100, 70)]


def draw(rows, columns):
    bits = np.random.default_rng([rows, columns]).integers(0, 2, (rows, columns), dtype=np.uint8)
    return bits, BitMatrix(pack(bits), columns)


def integers(shape, dtype):
    """Return small integers: their sums are exact, so that products must be equal."""
    return np.random.default_rng(0).integers(-50, 50, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "columns", "width"), SIZES)
def test_products(rows, columns, width, dtype):
    bits, matrix = draw(rows, columns)
    dense, start, out = integers((columns, width), dtype), integers(width, dtype), np.full((rows, width), np.nan, dtype)
    matrix.product(dense, out, start)
    np.testing.assert_array_equal(out, start + bits @ dense)

    dense, out = integers((rows, width), dtype), np.full((columns, width), np.nan, dtype)
    matrix.transposed_product(dense, out)
    np.testing.assert_array_equal(out, bits.T @ dense)

    some = np.arange(columns)[::3]
    out = np.full((len(some), width), np.nan, dtype)
    matrix.complement_product(some, dense, out)
    np.testing.assert_array_equal(out, (1 - bits[:, some].astype(int)).T @ dense)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "columns", "width"), SIZES)
def test_signs(rows, columns, width, dtype):
    bits, matrix = draw(rows, columns)
    draws = np.random.default_rng(1)
    zero, one = (draws.random((columns, width)) < 0.3 for _ in range(2))
    values = 1 + draws.random((rows, 2 * width)).astype(dtype)
    negative = (np.where(bits[:, :, None], one, zero).sum(1) % 2).astype(bool)
    expected = values.copy()
    expected[:, 1::2] *= np.where(negative, -1, 1)
    matrix.change_signs(zero, one, np.arange(width) * 2 + 1, values)
    np.testing.assert_array_equal(values, expected)


def test_rounding_is_that_of_a_dense_product():
    bits, matrix = draw(1000, 784)
    dense = np.random.default_rng(0).standard_normal((784, 40)).astype(np.float32)
    out = np.empty((1000, 40), np.float32)
    matrix.product(dense, out)
    exact = bits @ dense.astype(np.float64)
    assert np.abs(out - exact).max() <= 2 * np.abs(bits.astype(np.float32) @ dense - exact).max()
