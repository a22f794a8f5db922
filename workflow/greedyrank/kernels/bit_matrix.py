"""Products of a matrix of bits with a dense matrix on a CPU, by the method of the four Russians.

Four bits of a row select one of the 16 sums of four rows of the dense matrix (Arlazarov et al. 1970). All 16 are
tabulated once, and then one addition replaces four multiplications and additions: faster than any dense product. The
sums are those of a dense product in another order, without any other rounding.

Bits are packed into words of 64, the first bit lowest. ``words[w, i]`` holds bits 64 w to 64 w + 63 of row i. A dense
matrix has a fixed number of columns, `lanes`: as many as are worked on at a time.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, register_jitable

from greedyrank.kernels import numba_cache

BITS = 64  # of a word
GROUPS = BITS // 4  # of four bits of a word, each with a table of 16 sums
# Bytes of a row of a dense matrix: the tables of one word then take 32 KiB of the first-level cache, which has at least
# that.
BYTES = 128
PADDED = 16  # words of a row whose bits are transposed together


def lanes(dtype: np.dtype) -> int:
    """Return how many columns are worked on at a time."""
    return BYTES // dtype.itemsize


def aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return zeros, no row of which shares a cache line of 64 bytes with another; the last axis has `lanes` numbers."""
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.zeros(size + BYTES, np.uint8)
    first = -memory.ctypes.data % BYTES
    return memory[first : first + size].view(dtype).reshape(shape)


def new_table(dtype: np.dtype) -> np.ndarray:
    """Return memory for the tables of one word."""
    return aligned((16 * GROUPS, lanes(dtype)), dtype)


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
    """Write to a row of ``target`` the sum of a row of ``source`` and the rows that the half-bytes of a word select.

    ``start`` and ``place`` are the numbers of the rows of ``source`` and ``target``.
    """

    def generate(context, builder, signature, arguments):
        array = signature.args[0]
        vector = _vector(context, array)
        align = array.dtype.bitwidth // 8
        table, word, source, start, target, place = arguments
        rows, source, target = (
            builder.bitcast(context.make_array(kind)(context, builder, value).data, vector.as_pointer())
            for kind, value in ((array, table), (signature.args[2], source), (signature.args[4], target))
        )
        total = builder.load(builder.gep(source, [start]), align=align)
        for group in range(GROUPS):
            half_byte = builder.and_(builder.lshr(word, ir.Constant(word.type, 4 * group)), ir.Constant(word.type, 15))
            chosen = builder.add(half_byte, ir.Constant(word.type, 16 * group))
            total = builder.fadd(total, builder.load(builder.gep(rows, [chosen]), align=align))
        builder.store(total, builder.gep(target, [place]), align=align)
        return context.get_dummy_value()

    return types.void(table, types.uint64, source, types.intp, target, types.intp), generate


@register_jitable
def _tabulate(dense, first, table):
    """Write the 16 sums of each four of the 64 rows from ``first`` on; rows after the last count as zero."""
    for group in range(GROUPS):
        for bit in range(4):
            row, single = first + 4 * group + bit, 16 * group + (1 << bit)
            if row < len(dense):
                table[single] = dense[row]
            else:
                table[single] = 0
            for rest in range(1, 1 << bit):
                _add_row(table, single, 16 * group + rest, single + rest)  # type: ignore[call-arg]  # an intrinsic


@register_jitable
def product(words, dense, start, out, table):
    """Write X dense to ``out``, plus ``start`` in every row; for use in compiled code.

    ``words`` (words, rows) holds X. ``dense`` is (columns of X, lanes), ``start`` (1, lanes) and ``out`` (rows, lanes),
    all contiguous. ``table`` is memory from `new_table`.
    """
    for w in range(len(words)):
        _tabulate(dense, BITS * w, table)
        for i in range(words.shape[1]):
            if w == 0:
                _add_chosen(table, words[w, i], start, 0, out, i)  # type: ignore[call-arg]  # an intrinsic
            else:
                _add_chosen(table, words[w, i], out, i, out, i)  # type: ignore[call-arg]  # an intrinsic


@register_jitable
def parities(words, masks, tables, out):
    """Write to bit c of ``out[i]`` whether an odd number of the bits of row i are in mask c; for compiled code.

    ``masks``, (64 words,) uint32, holds 32 masks: bit c of masks[p] is bit p of mask c. A table of 256 sums for each
    byte, ``tables`` (8, 256), replaces eight additions modulo 2 by one.
    """
    out[:] = 0
    for w in range(len(words)):
        for byte in range(8):
            tables[byte, 0] = 0
            for bit in range(8):
                mask = masks[BITS * w + 8 * byte + bit]
                for rest in range(1 << bit):
                    tables[byte, (1 << bit) + rest] = tables[byte, rest] ^ mask
        for i in range(words.shape[1]):
            word, odd = words[w, i], out[i]
            for byte in range(8):
                odd ^= tables[byte, (word >> np.uint64(8 * byte)) & np.uint64(255)]
            out[i] = odd


def pack(bits: np.ndarray) -> np.ndarray:
    """Pack bits, (rows, columns) of 0 and 1, into words of shape (rows, ceil(columns / 64)): one row's words together.

    They are stored by rows, so that a minibatch of rows can be gathered; see `gatherer`.
    """
    rows, columns = bits.shape
    padded = np.zeros((rows, -(-columns // BITS) * BITS), np.uint8)
    padded[:, :columns] = bits
    return np.packbits(padded, axis=1, bitorder="little").view("<u8")


@intrinsic
def _exchange(typing_context, block, upper, lower, size, mask):
    """Exchange bits of two rows: those that ``mask`` selects in ``lower``, and those ``size`` higher in ``upper``."""

    def generate(context, builder, signature, arguments):
        vector = ir.VectorType(ir.IntType(64), PADDED)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        rows = builder.bitcast(data, vector.as_pointer())
        upper, lower = (builder.gep(rows, [row]) for row in arguments[1:3])
        size, mask = (
            builder.shuffle_vector(
                builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)),
                ir.Constant(vector, ir.Undefined),
                ir.Constant(ir.VectorType(ir.IntType(32), PADDED), [0] * PADDED),
            )
            for scalar in arguments[3:]
        )
        first, second = builder.load(upper, align=8), builder.load(lower, align=8)
        moved = builder.and_(builder.xor(builder.lshr(first, size), second), mask)
        builder.store(builder.xor(second, moved), lower, align=8)
        builder.store(builder.xor(first, builder.shl(moved, size)), upper, align=8)
        return context.get_dummy_value()

    return types.void(block, types.intp, types.intp, types.uint64, types.uint64), generate


def gather(packed, rows, words, transposed):
    """Gather rows of bits, and transpose them; compiled at its first call.

    Parameters
    ----------
    packed : ndarray of uint64, (all rows, width)
        From `pack`; at most `PADDED` words a row.
    rows : ndarray of int64, (rows,)
        The rows to gather.
    words : ndarray of uint64, (width, rows)
        Is overwritten with the gathered rows.
    transposed : ndarray of uint64, (ceil(rows / 64), columns)
        Is overwritten with their transpose; columns is at most 64 width.
    """
    # Blocks of 64 x 64 bits are transposed by halves, quarters, ...: Warren, Hacker's Delight, section 7-3. All blocks
    # of the same rows are transposed together.
    width = packed.shape[1]
    block = np.zeros((BITS, PADDED), np.uint64)
    for j in range(len(transposed)):
        here = min(BITS, len(rows) - BITS * j)
        block[here:] = 0
        for i in range(here):
            row = packed[rows[BITS * j + i]]
            for w in range(width):
                block[i, w] = row[w]
                words[w, BITS * j + i] = row[w]
        size, mask = 32, np.uint64(0xFFFFFFFF)
        while size:
            for start in range(0, BITS, 2 * size):
                for k in range(start, start + size):
                    _exchange(block, k, k + size, np.uint64(size), mask)  # type: ignore[call-arg]  # an intrinsic
            size >>= 1
            mask ^= mask << np.uint64(size)
        for w in range(width):
            for i in range(min(BITS, transposed.shape[1] - BITS * w)):
                transposed[j, BITS * w + i] = block[i, w]


gather = numba_cache.compiled(gather, "")
