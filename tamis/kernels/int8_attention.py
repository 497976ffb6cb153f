"""Attention of short sequences in integers, by the dot products of processors with AVX-512 VNNI.

Queries and keys are 8-bit integers, weights of the softmax 15-bit and values 8-bit ones in words of 16. All sums are
exact, and nothing depends on a text's place in its batch. The instructions are reached through LLVM's own names for
them, because its optimiser does not find them in a loop over bytes; a processor without them stops at the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

ROWS = 8
"""Queries whose sums are in registers together."""

LANES = 16
"""32-bit sums of a register."""

LOG2_E = 1.4426950408889634
LARGEST = 32767
"""What the largest weight of a softmax becomes."""

FAST = {"contract", "nnan", "nsz", "ninf"}
"""What LLVM may do with floating-point numbers: nothing that depends on how many there are."""


def _dot(instruction: str) -> Any:
    """A function of addresses, `out[row] = init + sum over steps of a[row, step] · b[step]` for `ROWS` rows.

    A step is four bytes of `a` (a pair of words) and 64 of `b`, `LANES` columns of as many. Arguments: address of `a`,
    bytes between its rows, address of `b`, steps (at least one), addresses of init and out, bytes between its rows.
    """

    @intrinsic
    def dot(_typing: Any, a: Any, row_of_a: Any, b: Any, steps: Any, init: Any, out: Any, row_of_out: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            a, row_of_a, b, steps, init, out, row_of_out = given
            word, long = ir.IntType(32), ir.IntType(64)
            vector = ir.VectorType(word, LANES)
            function = builder.module.globals.get(instruction) or ir.Function(
                builder.module, ir.FunctionType(vector, [vector] * 3), instruction
            )

            def at(address: Any, offset: Any, kind: Any) -> Any:
                return builder.inttoptr(builder.add(address, offset), kind.as_pointer())

            def times(value: Any, factor: int) -> Any:
                return builder.mul(value, ir.Constant(long, factor))

            nothing = ir.Constant(vector, ir.Undefined)
            start = builder.load(at(init, ir.Constant(long, 0), vector), align=4)
            entry = builder.block
            loop, done = builder.append_basic_block("steps"), builder.append_basic_block("done")
            builder.branch(loop)
            builder.position_at_end(loop)
            step = builder.phi(long)
            step.add_incoming(ir.Constant(long, 0), entry)
            sums = [builder.phi(vector) for _ in range(ROWS)]
            right = builder.load(at(b, times(step, 4 * LANES), vector), align=4)
            added = []
            for row, total in enumerate(sums):
                total.add_incoming(start, entry)
                one = builder.load(at(a, builder.add(times(step, 4), times(row_of_a, row)), word), align=4)
                left = builder.insert_element(nothing, one, ir.Constant(word, 0))
                left = builder.shuffle_vector(left, nothing, ir.Constant(vector, [0] * LANES))
                added.append(builder.call(function, [total, left, right]))
            after = builder.add(step, ir.Constant(long, 1))
            step.add_incoming(after, loop)
            for total, more in zip(sums, added, strict=True):
                total.add_incoming(more, loop)
            builder.cbranch(builder.icmp_signed("<", after, steps), loop, done)
            builder.position_at_end(done)
            for row, total in enumerate(added):
                builder.store(total, at(out, times(row_of_out, row), vector), align=4)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 7), generate

    return dot


_dot_bytes = _dot("llvm.x86.avx512.vpdpbusd.512")
_dot_words = _dot("llvm.x86.avx512.vpdpwssd.512")


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _softmax(
    sums: np.ndarray, unit: np.float32, top: np.float32, work: tuple[np.ndarray, np.ndarray], weights: np.ndarray
) -> np.int32:
    """Weights as integers, the largest `top`; returns their sum.

    2^x is 2^⌊x + ½⌋ by its exponent's bits times a polynomial (relative error 2e-6).
    """
    fraction, power = work
    most = sums[0]
    for j in range(len(sums)):
        most = np.int32(max(most, sums[j]))
    for j in range(len(sums)):
        x = max(np.float32(np.int32(sums[j] - most)) * unit, np.float32(-126.0))
        whole = np.floor(x + np.float32(0.5))
        rest = x - whole
        value = np.float32(1.3534167e-2) * rest + np.float32(5.2011464e-2)
        value = value * rest + np.float32(2.4144275e-1)
        value = value * rest + np.float32(6.9300383e-1)
        fraction[j] = (value * rest + np.float32(1.0)) * top
        power[j] = np.int32(np.int32(np.int32(whole) + np.int32(127)) << np.int32(23))
    scale = power.view(np.float32)
    total = np.int32(0)
    for j in range(len(sums)):
        weight = np.int32(fraction[j] * scale[j] + np.float32(0.5))
        weights[j] = weight
        total = np.int32(total + weight)
    return total


@njit(cache=True, nogil=True)
def _sum(values: np.ndarray) -> np.int32:
    total = np.int32(0)
    for d in range(len(values)):
        total = np.int32(total + np.int32(values[d]))
    return total


@njit(cache=True, nogil=True)
def _pack_values(even: np.ndarray, odd: np.ndarray, found: np.ndarray) -> None:
    for d in range(len(found)):
        found[d] = (np.int32(even[d]) & np.int32(0xFFFF)) | (np.int32(odd[d]) << np.int32(16))


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _scaled(values: np.ndarray, scale: np.float32, found: np.ndarray) -> None:
    for d in range(len(found)):
        found[d] = np.float32(values[d]) * scale


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def to_bytes(values: np.ndarray, slope: np.float32, zero: np.float32, found: np.ndarray) -> None:
    """Integers from -127 to 127 about `zero` of n × k float32 values; half is rounded up."""
    low, high = zero - np.float32(127.0), zero + np.float32(127.0)
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            value = min(max(values[row, column] * slope + zero, low), high)
            found[row, column] = np.int32(np.floor(value + np.float32(0.5)))


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def attend(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    lengths: np.ndarray,
    unit: np.float32,
    scale: np.float32,
    found: np.ndarray,
    first: int,
    last: int,
) -> None:
    """Attention of some heads; a text's tokens stand first, and what is behind them is neither seen nor computed.

    Args:
        query: uint8, texts · length × heads · size, 128 stands for 0, with `ROWS` rows more behind them, which are read
            and not used; the size of a head is a multiple of 16.
        key: int8, texts · length × heads · size.
        value: int8, of the same shape.
        lengths: int64, tokens of each text, at least one.
        unit: the logarithm to base 2 of what a weight grows by when a sum of query and key grows by one.
        scale: what one unit of the values stands for.
        found: float32, texts × length × heads × size, written; zeros behind a text's tokens.
        first: the first head, text · heads + head.
        last: behind the last.
    """
    heads, size = found.shape[2], found.shape[3]
    length = found.shape[1]
    width = (length + LANES - 1) // LANES * LANES
    quads = key.view(np.int32)
    packed_keys = np.zeros((width // LANES, size // 4, LANES), np.int32)
    packed_values = np.zeros((size // LANES, width // 2, LANES), np.int32)
    start, zeros, none = np.zeros(width, np.int32), np.zeros(LANES, np.int32), np.zeros(LANES, np.int8)
    sums, weights = np.zeros((ROWS, width), np.int32), np.zeros((ROWS, width), np.int16)
    work = np.zeros(width, np.float32), np.zeros(width, np.int32)
    totals, products = np.zeros(ROWS, np.int32), np.zeros((ROWS, size), np.int32)
    # Sums of products with values stay below 2^31.
    top = np.float32(min(LARGEST, (2**31 - 1) // (127 * width)))
    for place in range(first, last):
        text, head = place // heads, place % heads
        count = lengths[text]
        blocks, pairs, begin = (count + LANES - 1) // LANES, (count + 1) // 2, head * size
        base = text * length
        # Columns behind the last key have sums that nobody reads, pairs behind the last value weights of 0.
        weights[:, count:] = 0
        for j in range(count):
            start[j] = -128 * _sum(key[base + j, begin : begin + size])
            for t in range(size // 4):
                packed_keys[j // LANES, t, j % LANES] = quads[base + j, begin // 4 + t]
        for t in range(pairs):
            for part in range(size // LANES):
                column = begin + part * LANES
                even = value[base + 2 * t, column : column + LANES]
                odd = value[base + 2 * t + 1, column : column + LANES] if 2 * t + 1 < count else none
                _pack_values(even, odd, packed_values[part, t])
        for row in range(0, count, ROWS):
            rows = min(ROWS, count - row)
            for block in range(blocks):
                _dot_bytes(
                    query.ctypes.data + (base + row) * heads * size + begin,
                    heads * size,
                    packed_keys.ctypes.data + block * size * LANES,
                    size // 4,
                    start.ctypes.data + block * LANES * 4,
                    sums.ctypes.data + block * LANES * 4,
                    width * 4,
                )
            for i in range(rows):
                totals[i] = _softmax(sums[i, :count], unit, top, work, weights[i])
            for part in range(size // LANES):
                _dot_words(
                    weights.ctypes.data,
                    width * 2,
                    packed_values.ctypes.data + part * width // 2 * LANES * 4,
                    pairs,
                    zeros.ctypes.data,
                    products.ctypes.data + part * LANES * 4,
                    size * 4,
                )
            for i in range(rows):
                _scaled(products[i], scale / np.float32(totals[i]), found[text, row + i, head])
        found[text, count:, head] = np.float32(0.0)
