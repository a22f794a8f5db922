"""Products of packed bits against dense products, sizes around the words included."""

import numba
import numpy as np
import pytest

from greedyrank.kernels import bit_matrix

SIZES = [(1, 1), (3, 64), (63, 65), (64, 4), (65, 7), (130, 784), (200, 100)]
DTYPES = pytest.mark.parametrize("dtype", [np.dtype("float32"), np.dtype("float64")], ids=str)


def draw(rows, columns):
    return np.random.default_rng([rows, columns]).integers(0, 2, (rows, columns), dtype=np.uint8)


def gathered(bits, rows):
    """Return the words of some rows, and of their transpose, from `bit_matrix.gather`."""
    packed = bit_matrix.pack(bits)
    words = np.empty((packed.shape[1], len(rows)), np.uint64)
    transposed = np.empty((-(-len(rows) // bit_matrix.BITS), bits.shape[1]), np.uint64)
    bit_matrix.gather(packed, np.asarray(rows), words, transposed)
    return words, transposed


@pytest.fixture(scope="module")
def product():
    """The product, for use outside of compiled code."""

    @numba.njit
    def compiled(words, dense, start, out, table):
        bit_matrix.product(words, dense, start, out, table)

    def call(words, dense, start):
        out = np.full((words.shape[1], dense.shape[1]), np.nan, dense.dtype)
        compiled(words, dense, start, out, bit_matrix.new_table(dense.dtype))
        return out

    return call


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_gathered_rows_and_their_transpose(rows, columns):
    bits = draw(rows, columns)
    chosen = np.random.default_rng(0).permutation(rows)[: max(1, rows - 2)]
    words, transposed = gathered(bits, chosen)
    for found, expected in ((words, bits[chosen]), (transposed, bits[chosen].T)):
        unpacked = np.unpackbits(np.ascontiguousarray(found.T).view(np.uint8), axis=1, bitorder="little")
        np.testing.assert_array_equal(unpacked[:, : expected.shape[1]], expected)
        assert not unpacked[:, expected.shape[1] :].any()


@DTYPES
@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_products_of_integers_are_exact(rows, columns, dtype, product):
    bits, lanes = draw(rows, columns), bit_matrix.lanes(dtype)
    draws = np.random.default_rng(0)
    dense, other, start = (draws.integers(-50, 50, (n, lanes)).astype(dtype) for n in (columns, rows, 1))
    words, transposed = gathered(bits, np.arange(rows))
    np.testing.assert_array_equal(product(words, dense, start), start + bits @ dense)
    np.testing.assert_array_equal(product(transposed, other, start), start + bits.T @ other)
    # Bits after the last row select rows of zeros, so that the complement of all words is that of the matrix.
    np.testing.assert_array_equal(product(~transposed, other, start), start + (1 - bits.astype(int)).T @ other)


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_parities(rows, columns):
    bits = draw(rows, columns)
    words, _ = gathered(bits, np.arange(rows))
    masks = np.zeros(len(words) * bit_matrix.BITS, np.uint32)
    masks[:columns] = np.random.default_rng(1).integers(0, 2**32, columns, dtype=np.uint64)
    found = np.full(rows, 7, np.uint32)
    numba.njit(lambda *arrays: bit_matrix.parities(*arrays))(words, masks, np.empty((8, 256), np.uint32), found)
    in_mask = (masks[:columns, None] >> np.arange(32)) & 1
    np.testing.assert_array_equal((found[:, None] >> np.arange(32)) & 1, bits @ in_mask % 2)


def test_rounding_is_that_of_a_dense_product(product):
    bits = draw(1000, 784)
    dense = np.random.default_rng(0).standard_normal((784, 32)).astype(np.float32)
    words, _ = gathered(bits, np.arange(1000))
    found, exact = product(words, dense, np.zeros((1, 32), np.float32)), bits @ dense.astype(np.float64)
    assert np.abs(found - exact).max() <= 2 * np.abs(bits.astype(np.float32) @ dense - exact).max()
