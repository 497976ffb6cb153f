"""Words of a text column as 64-bit hashes, straight from Arrow's buffers.

The definition is `tamis.text.words`: the hash of a word is `tamis.kernels.hashes.hash64` of its case-folded UTF-8
bytes. One table (`tamis.kernels.folded_characters`) gives for each code point its class and its folded bytes, so a
text is folded, segmented and hashed in one pass and no word is ever copied.

    offsets, data = buffers(table["text"])
    word_offsets, hashes = word_hashes(offsets, data)       # words of row i: hashes[word_offsets[i]:word_offsets[i+1]]
    word_offsets, hashes, starts, ends = word_spans(offsets, data)    # data[starts[j]:ends[j]] is word j as written

Inside other kernels, `document_words` fills scratch memory for one document at a time.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import njit

from tamis import hashing, text
from tamis.kernels.eight_bytes import LOW_BITS, ascii_run, eight_bytes
from tamis.kernels.folded_characters import CLASS_SHIFT, LENGTH_SHIFT, character_table
from tamis.kernels.hashes import absorb64, finish64

WORD_KEY = hashing.keys("words", 1)[0]
"""Key of the word hashes; a word has the same hash in every stage."""


def buffers(array: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and bytes of a text column, without copying where it is one chunk of large_string.

    Args:
        array: n strings (string or large_string, sliced or not, any number of chunks, none of them null).

    Returns:
        int64[n + 1] offsets into, and uint8[…], the bytes; the first offset of a slice need not be 0. Both are
        read-only, wherever they come from: a kernel is compiled once for each type that it is given.

    Raises:
        ValueError: the column holds a null.
    """
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
    if array.null_count:
        msg = f"a text column holds {array.null_count} nulls; the kernels need none"
        raise ValueError(msg)
    if not pa.types.is_large_string(array.type):
        array = array.cast(pa.large_string())
    _, offsets, data = array.buffers()
    if offsets is None or not len(array):
        bounds, characters = np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    else:
        bounds = np.frombuffer(offsets, dtype=np.int64, count=len(array) + 1, offset=array.offset * 8)
        characters = np.zeros(0, dtype=np.uint8) if data is None else np.frombuffer(data, dtype=np.uint8)
    bounds.flags.writeable = characters.flags.writeable = False
    return bounds, characters


@njit(cache=True, nogil=True, inline="always")
def decode(data: np.ndarray, i: int, end: int) -> tuple[np.int64, int]:
    """Code point of the multi-byte character at i and its bytes; invalid bytes are one separator (0) each."""
    first = np.int64(data[i])
    if first < 0xE0:
        if first >= 0xC2 and i + 1 < end:
            return (first & 0x1F) << 6 | (np.int64(data[i + 1]) & 0x3F), 2
        return np.int64(0), 1
    if first < 0xF0:
        if i + 2 < end:
            return (first & 0x0F) << 12 | (np.int64(data[i + 1]) & 0x3F) << 6 | (np.int64(data[i + 2]) & 0x3F), 3
        return np.int64(0), 1
    if first < 0xF5 and i + 3 < end:
        code_point = (
            (first & 0x07) << 18
            | (np.int64(data[i + 1]) & 0x3F) << 12
            | (np.int64(data[i + 2]) & 0x3F) << 6
            | (np.int64(data[i + 3]) & 0x3F)
        )
        if code_point < 0x110000:
            return code_point, 4
    return np.int64(0), 1


@njit(cache=True, nogil=True)
def document_words(
    data: np.ndarray,
    start: int,
    end: int,
    key: np.uint64,
    table: np.ndarray,
    hashes: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    position: int,
    other_key: np.uint64,
    others: np.ndarray,
) -> int:
    """Hash the words of data[start:end] into hashes[position:]; returns the position after the last word.

    Args:
        data: uint8 bytes of UTF-8.
        start: first byte of the document.
        end: byte after its last.
        key: 64-bit key of the hashes, `WORD_KEY`.
        table: `character_table()`.
        hashes: uint64 with room for (end - start + 1) // 2 words at `position` (a word and a separator take two bytes).
        starts: int64 of the same length for the first byte of each word, or of length 0: then no spans are kept.
        ends: likewise, the byte after each word.
        position: where to begin.
        other_key: a second key.
        others: uint64 like `hashes` for the hashes under the second key, or of length 0: then there are none.
    """
    spans = len(starts) > 0
    twice = len(others) > 0
    nothing = np.uint64(0)
    letter = np.uint64(text.LETTER)
    mark = np.uint64(text.MARK)
    last_eight = min(len(data) - 8, end - 1)
    open_class = nothing  # class of the word being read, 0 outside words
    state = np.uint64(key)
    second = np.uint64(other_key)
    lane = nothing
    filled = nothing  # bits in use of the lane
    length = 0
    i = start
    while i <= end:
        width = 1
        if i <= last_eight:
            eight = eight_bytes(data, i)
            run = int(min(ascii_run(eight), end - i))
            if run > 0:
                # Lower case is bit 0x20, which digits have anyhow.
                folded = (eight | (LOW_BITS * np.uint64(0x20))) & (~nothing >> np.uint64(64 - 8 * run))
                if open_class != letter:
                    if open_class != nothing:
                        hashes[position] = finish64(state, lane, length)
                        if twice:
                            others[position] = finish64(second, lane, length)
                        if spans:
                            ends[position] = i
                        position += 1
                    open_class = letter
                    if spans:
                        starts[position] = i
                    state = np.uint64(key)
                    second = np.uint64(other_key)
                    lane = nothing
                    filled = nothing
                    length = 0
                length += run
                lane |= folded << filled
                taken = np.uint64(8 * run)
                filled += taken
                if filled >= np.uint64(64):
                    state = absorb64(state, lane)
                    if twice:
                        second = absorb64(second, lane)
                    filled -= np.uint64(64)
                    rest = taken - filled
                    lane = folded >> rest if rest < np.uint64(64) else nothing
                i += run
                if run == 8 or i >= end:
                    continue
                after = (eight >> taken) & np.uint64(0xFF)
                if after < np.uint64(0x80):
                    # An ASCII character that is neither letter nor digit: the word ends here.
                    hashes[position] = finish64(state, lane, length)
                    if twice:
                        others[position] = finish64(second, lane, length)
                    if spans:
                        ends[position] = i
                    position += 1
                    open_class = nothing
                    i += 1
                    continue
        if i == end:
            entry = nothing
        elif data[i] < 0x80:
            entry = table[data[i]]
        else:
            code_point, width = decode(data, i, end)
            entry = table[code_point]
        kind = entry >> np.uint64(CLASS_SHIFT)
        joins = kind == mark or (kind == letter and open_class == letter)
        if open_class != nothing and not joins:
            hashes[position] = finish64(state, lane, length)
            if twice:
                others[position] = finish64(second, lane, length)
            if spans:
                ends[position] = i
            position += 1
            open_class = nothing
        if kind != nothing and (kind != mark or open_class != nothing):
            if open_class == nothing:
                open_class = kind
                state = np.uint64(key)
                second = np.uint64(other_key)
                lane = nothing
                filled = nothing
                length = 0
                if spans:
                    starts[position] = i
            count = (entry >> np.uint64(LENGTH_SHIFT)) & np.uint64(15)
            folded = entry & np.uint64((1 << LENGTH_SHIFT) - 1)
            lane |= folded << filled
            filled += count << np.uint64(3)
            length += int(count)
            if filled >= np.uint64(64):
                state = absorb64(state, lane)
                if twice:
                    second = absorb64(second, lane)
                filled -= np.uint64(64)
                # The entry holds at most seven bytes, so at least one of them went into the full lane.
                lane = folded >> ((count << np.uint64(3)) - filled)
        i += width
    return position


@njit(cache=True, nogil=True)
def _all_words(
    offsets: np.ndarray,
    data: np.ndarray,
    key: np.uint64,
    table: np.ndarray,
    word_offsets: np.ndarray,
    hashes: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
) -> None:
    position = 0
    no_hashes = np.empty(0, np.uint64)
    for row in range(len(offsets) - 1):
        position = document_words(
            data, offsets[row], offsets[row + 1], key, table, hashes, starts, ends, position, key, no_hashes
        )
        word_offsets[row + 1] = position


def word_capacity(offsets: np.ndarray) -> int:
    """The most words that rows with these offsets can hold."""
    return int((offsets[-1] - offsets[0] + len(offsets) - 1) // 2)


def word_hashes(offsets: np.ndarray, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hash every case-folded word of every row, in order.

    Args:
        offsets: int64[n + 1] from `buffers`.
        data: uint8 from `buffers`.

    Returns:
        int64[n + 1] word offsets and uint64[words] hashes. About eight bytes a word in memory.
    """
    word_offsets = np.zeros(len(offsets), dtype=np.int64)
    # Reserved, not touched: the system gives memory only for the part that is filled.
    hashes = np.empty(word_capacity(offsets), dtype=np.uint64)
    none = np.empty(0, dtype=np.int64)
    _all_words(offsets, data, WORD_KEY, character_table(), word_offsets, hashes, none, none)
    return word_offsets, hashes[: word_offsets[-1]]


def word_spans(offsets: np.ndarray, data: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """`word_hashes`, and where each word stands: first byte and byte after the last, as positions in `data`.

    Returns:
        int64[n + 1] word offsets, uint64[words] hashes, int64[words] starts, int64[words] ends.
    """
    word_offsets = np.zeros(len(offsets), dtype=np.int64)
    capacity = word_capacity(offsets)
    hashes = np.empty(capacity, dtype=np.uint64)
    starts = np.empty(max(capacity, 1), dtype=np.int64)
    ends = np.empty(max(capacity, 1), dtype=np.int64)
    _all_words(offsets, data, WORD_KEY, character_table(), word_offsets, hashes, starts, ends)
    words = word_offsets[-1]
    return word_offsets, hashes[:words], starts[:words], ends[:words]
