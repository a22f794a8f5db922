"""Products of a matrix of bits with a dense matrix on a CPU, by the method of the four Russians.

Four bits of a row select one of the 16 sums of four rows of the dense matrix (Arlazarov et al. 1970). All 16 are
tabulated once, and then one addition replaces four multiplications and additions: faster than any dense product. The
sums are those of a dense product in another order, without any other rounding.

Bits are packed into words of 64, the first bit lowest. ``words[w, i]`` holds bits 64 w to 64 w + 63 of row i.
"""

from __future__ import annotations

import functools

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, register_jitable

from greedyrank.kernels import numba_cache

BITS = 64  # of a word
GROUPS = BITS // 4  # of four bits of a word, each with a table of 16 sums
# Bytes of the columns that are worked on at a time: the tables of one word then take 32 KiB of the first-level cache,
# which has at least 48.
BYTES = 128


def lanes(dtype: np.dtype) -> int:
    """Return how many columns are worked on at a time."""
    return BYTES // dtype.itemsize


def _vector(context, array):
    """Return the LLVM type of as many numbers as are worked on at a time."""
    element = context.get_value_type(array.dtype)
    return ir.VectorType(element, BYTES // (array.dtype.bitwidth // 8))


# These two are written in LLVM, because numba does not keep the sums in registers from one addition to the next.
@intrinsic
def _add_row(typing_context, table, left, right, out):
    """Add two rows of a table into a third; rows are given by their numbers."""

    def generate(context, builder, signature, arguments):
        array = signature.args[0]
        data = context.make_array(array)(context, builder, arguments[0]).data
        rows = builder.bitcast(data, _vector(context, array).as_pointer())
        first, second, place = (builder.gep(rows, [row]) for row in arguments[1:])
        align = array.dtype.bitwidth // 8
        total = builder.fadd(builder.load(first, align=align), builder.load(second, align=align))
        builder.store(total, place, align=align)
        return context.get_dummy_value()

    return types.void(table, types.intp, types.intp, types.intp), generate


@intrinsic
def _add_chosen(typing_context, table, word, source, start, target, place):
    """Write to ``target`` the sum of ``source`` and the rows of the table that the 16 half-bytes of a word select.

    ``start`` and ``place`` are offsets in ``source`` and ``target``, counted in numbers.
    """

    def generate(context, builder, signature, arguments):
        array = signature.args[0]
        vector = _vector(context, array)
        align = array.dtype.bitwidth // 8
        table, word, source, start, target, place = arguments
        table, source, target = (
            context.make_array(kind)(context, builder, value).data
            for kind, value in ((array, table), (signature.args[2], source), (signature.args[4], target))
        )
        rows = builder.bitcast(table, vector.as_pointer())
        source, target = (
            builder.bitcast(builder.gep(data, [offset]), vector.as_pointer())
            for data, offset in ((source, start), (target, place))
        )
        total = builder.load(source, align=align)
        for group in range(GROUPS):
            half_byte = builder.and_(builder.lshr(word, ir.Constant(word.type, 4 * group)), ir.Constant(word.type, 15))
            chosen = builder.add(half_byte, ir.Constant(word.type, 16 * group))
            total = builder.fadd(total, builder.load(builder.gep(rows, [chosen]), align=align))
        builder.store(total, target, align=align)
        return context.get_dummy_value()

    return types.void(table, types.uint64, source, types.intp, target, types.intp), generate


@register_jitable
def _tabulate(dense, first, column, width, table):
    """Write the 16 sums of each four of the 64 rows from ``first`` on; rows after the last count as zero."""
    for group in range(GROUPS):
        for bit in range(4):
            row, single = first + 4 * group + bit, 16 * group + (1 << bit)
            for c in range(width):
                table[single, c] = dense[row, column + c] if row < len(dense) else 0
            for rest in range(1, 1 << bit):
                _add_row(table, single, 16 * group + rest, single + rest)  # type: ignore[call-arg]  # an intrinsic


@register_jitable
def _add_word(words, table, source, source_step, target, target_step, place):
    """Add what one word of each row selects; steps are between rows, ``place`` is the offset of the first."""
    for i in range(len(words)):
        at = i * target_step + place
        _add_chosen(table, words[i], source, i * source_step, target, at)  # type: ignore[call-arg]  # an intrinsic


def _aligned(rows: int, dtype: np.dtype) -> np.ndarray:
    """Return zeros, (rows, lanes), no row of which shares a cache line of 64 bytes with another."""
    memory = np.zeros(rows * BYTES + 64, np.uint8)
    first = -memory.ctypes.data % 64
    return memory[first : first + rows * BYTES].view(dtype).reshape(rows, -1)


def _product(words: np.ndarray, dense: np.ndarray, start: np.ndarray | None, out: np.ndarray) -> None:
    table, sums = (_aligned(rows, dense.dtype) for rows in (16 * GROUPS, words.shape[1]))
    first = np.zeros(dense.shape[1], dense.dtype) if start is None else start
    _compiled(dense.dtype.name)[0](words, dense, first, out, table, sums.reshape(-1))


@functools.cache
def _compiled(dtype: str):
    def product(words, dense, start, out, table, sums):
        rows, columns = out.shape
        begin = np.zeros(width, dense.dtype)
        for column in range(0, columns, width):
            here = min(width, columns - column)
            for c in range(here):
                begin[c] = start[column + c]
            source, step = begin, 0
            for w in range(len(words)):
                _tabulate(dense, BITS * w, column, here, table)
                # Between words the sums are contiguous; after the last word, whole rows of them go directly to `out`.
                if w == len(words) - 1 and here == width:
                    _add_word(words[w], table, source, step, out.reshape(-1), columns, column)
                else:
                    _add_word(words[w], table, source, step, sums, width, 0)
                source, step = sums, width
            if here < width:
                for i in range(rows):
                    for c in range(here):
                        out[i, column + c] = sums[i * width + c]

    def change_signs(words, masks, odd, columns, values):
        for k in range(len(columns)):
            for i in range(words.shape[1]):
                bits = np.uint64(0)
                for w in range(len(words)):
                    bits ^= words[w, i] & masks[w, k]
                for shift in (32, 16, 8, 4, 2, 1):
                    bits ^= bits >> np.uint64(shift)
                if (bits & np.uint64(1)) != odd[k]:
                    values[i, columns[k]] = -values[i, columns[k]]

    width = lanes(np.dtype(dtype))
    return numba_cache.compiled(product, dtype), numba_cache.compiled(change_signs, dtype)


@functools.partial(numba_cache.compiled, variety="")
def _transpose(words, out):
    """Transpose blocks of 64 x 64 bits, each by halves, quarters, ...: Warren, Hacker's Delight, section 7-3."""
    block = np.empty(BITS, np.uint64)
    for j in range(len(out)):
        for w in range(len(words)):
            for i in range(BITS):
                row = BITS * j + i
                block[i] = words[w, row] if row < words.shape[1] else np.uint64(0)
            size, mask = 32, np.uint64(0xFFFFFFFF)
            while size:
                for start in range(0, BITS, 2 * size):
                    for k in range(start, start + size):
                        moved = ((block[k] >> np.uint64(size)) ^ block[k + size]) & mask
                        block[k + size] ^= moved
                        block[k] ^= moved << np.uint64(size)
                size >>= 1
                mask ^= mask << np.uint64(size)
            for i in range(min(BITS, out.shape[1] - BITS * w)):
                out[j, BITS * w + i] = block[i]


def pack(bits: np.ndarray) -> np.ndarray:
    """Pack bits, (rows, columns) of 0 and 1, into ``words`` of shape (ceil(columns / 64), rows)."""
    rows, columns = bits.shape
    padded = np.zeros((rows, -(-columns // BITS) * BITS), np.uint8)
    padded[:, :columns] = bits
    return np.ascontiguousarray(np.packbits(padded, axis=1, bitorder="little").view("<u8").T)


class BitMatrix:
    """A matrix X of bits.

    Parameters
    ----------
    words : ndarray
        Its packed bits, (ceil(columns / 64), rows), contiguous.
    columns : int
        The number of its columns.
    """

    def __init__(self, words: np.ndarray, columns: int):
        self.shape = (words.shape[1], columns)
        self._words = words

    @functools.cached_property
    def _transposed(self) -> np.ndarray:
        rows, columns = self.shape
        transposed = np.empty((-(-rows // BITS), columns), np.uint64)
        _transpose(self._words, transposed)
        return transposed

    def product(self, dense: np.ndarray, out: np.ndarray, start: np.ndarray | None = None) -> None:
        """Write X dense to ``out``, plus ``start`` in every row; dense is (columns, any), out (rows, any)."""
        _product(self._words, dense, start, out)

    def transposed_product(self, dense: np.ndarray, out: np.ndarray) -> None:
        """Write X^T dense to ``out``; dense is (rows, any), out (columns, any)."""
        _product(self._transposed, dense, None, out)

    def complement_product(self, columns: np.ndarray, dense: np.ndarray, out: np.ndarray) -> None:
        """Write (1 - X)^T dense to ``out``, for some of the columns of X: out is (len(columns), any)."""
        _product(~self._transposed[:, columns], dense, None, out)

    def change_signs(self, where_zero: np.ndarray, where_one: np.ndarray, columns: np.ndarray, values: np.ndarray):
        """Change the sign of ``values[i, c]`` where an odd number of the bits of row i select true.

        Parameters
        ----------
        where_zero, where_one : ndarray of bool
            What a bit that is zero, or one, selects; (columns of X, len(columns)).
        columns : ndarray of int
            The columns c of ``values`` that the columns of ``where_zero`` and ``where_one`` belong to.
        values : ndarray
            (rows, any), changed in place.
        """
        odd = (where_zero.sum(0) % 2).astype(np.uint64)
        masks = pack((where_zero ^ where_one).T)
        _compiled(values.dtype.name)[1](self._words, masks, odd, columns, values)
