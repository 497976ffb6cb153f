"""Words of a text column as 64-bit hashes, straight from Arrow's buffers.

The definition is `tamis.text.words`: the hash of a word is `tamis.kernels.hashes.hash64` of its case-folded UTF-8
bytes. One table of 64-bit entries, built from `unicodedata`, gives for each code point its class and its folded
bytes, so a text is folded, segmented and hashed in one pass and no word is ever copied.

    offsets, data = buffers(table["text"])
    word_offsets, hashes = word_hashes(offsets, data)       # words of row i: hashes[word_offsets[i]:word_offsets[i+1]]
    word_offsets, hashes, starts, ends = word_spans(offsets, data)    # data[starts[j]:ends[j]] is word j as written

Inside other kernels, `document_words` fills scratch memory for one document at a time.
"""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numba
import numpy as np
import pyarrow as pa
from numba import njit

from tamis import hashing, text
from tamis.kernels.hashes import absorb64, finish64
from tamis.shards import whole_file

WORD_KEY = hashing.keys("words", 1)[0]
"""Key of the word hashes; a word has the same hash in every stage."""

# Layout of a table entry: bits 0-55 the folded UTF-8 bytes, 56-59 their number, 60-63 the class; 0 = separator.
LENGTH_SHIFT = 56
CLASS_SHIFT = 60
CODE_POINTS = 0x110000
LAST_FOLDED = 0x1FFFF  # no character above plane 1 has case
LAST_ASSIGNED = 0x3FFFF  # above it are only variation selectors (marks), tags and private use (separators)
SPECIAL_PLANE = 0xE0000
SPECIAL_PLANE_END = 0xE01F0

HIGH_BITS = np.uint64(0x8080808080808080)
LOW_BITS = np.uint64(0x0101010101010101)


def _plain_bytes(code_points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """UTF-8 of each code point, packed little-endian into uint64, and its number of bytes."""
    c = code_points.astype(np.uint64)
    tail = [(c >> np.uint64(6 * k)) & np.uint64(0x3F) | np.uint64(0x80) for k in range(3)]
    by_length = [
        c,
        c >> np.uint64(6) | np.uint64(0xC0) | tail[0] << np.uint64(8),
        c >> np.uint64(12) | np.uint64(0xE0) | tail[1] << np.uint64(8) | tail[0] << np.uint64(16),
        (
            c >> np.uint64(18)
            | np.uint64(0xF0)
            | tail[2] << np.uint64(8)
            | tail[1] << np.uint64(16)
            | tail[0] << np.uint64(24)
        ),
    ]
    length = 1 + (c >= 0x80).astype(np.uint64) + (c >= 0x800).astype(np.uint64) + (c >= 0x10000).astype(np.uint64)
    return np.choose(length.astype(np.int64) - 1, by_length), length


@lru_cache(maxsize=1)
def character_table() -> np.ndarray:
    """uint64[CODE_POINTS]: class and case-folded bytes of each code point.

    Kept beside the compiled kernels, because every job needs it: 5 ms, against 80 ms to make it.
    """
    if not numba.config.CACHE_DIR:
        return _made_table()
    path = Path(numba.config.CACHE_DIR) / f"characters-{unicodedata.unidata_version}.bin"
    if path.exists() and path.stat().st_size == 8 * CODE_POINTS:
        return np.fromfile(path, dtype=np.uint64)
    table = _made_table()
    # Where nothing can be written, it is made again each time, as kernels are compiled again.
    with suppress(OSError), whole_file(path) as temporary:
        table.tofile(temporary)
    return table


def _made_table() -> np.ndarray:
    """`character_table`, made of whole columns (a loop over `text.character_class` takes 800 ms)."""
    table = np.zeros(CODE_POINTS, dtype=np.uint64)
    code_points = np.concatenate([np.arange(LAST_ASSIGNED + 1), np.arange(SPECIAL_PLANE, SPECIAL_PLANE_END)])
    categories = "".join(map(unicodedata.category, map(chr, code_points.tolist())))
    group = np.frombuffer(categories.encode(), dtype=np.uint8)[::2]
    single = np.zeros(len(code_points), dtype=bool)
    for first, last in text.SINGLE_RANGES:
        single |= (code_points >= first) & (code_points <= last)
    wordlike = (group == ord("L")) | (group == ord("N"))
    kind = np.where(group == ord("M"), text.MARK, np.where(wordlike, np.where(single, text.SINGLE, text.LETTER), 0))
    packed, length = _plain_bytes(code_points)
    entries = packed | length << np.uint64(LENGTH_SHIFT) | kind.astype(np.uint64) << np.uint64(CLASS_SHIFT)
    table[code_points] = np.where(kind != text.SEPARATOR, entries, 0)
    for code_point in np.flatnonzero(kind[: LAST_FOLDED + 1] != text.SEPARATOR).tolist():
        character = chr(code_point)
        folded = character.casefold()
        if folded != character:
            data = folded.encode()
            table[code_point] = (
                int.from_bytes(data, "little") | len(data) << LENGTH_SHIFT | int(kind[code_point]) << CLASS_SHIFT
            )
    return table


def buffers(array: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and bytes of a text column, without copying where it is one chunk of large_string.

    Args:
        array: n strings (string or large_string, sliced or not, any number of chunks, none of them null).

    Returns:
        int64[n + 1] offsets into, and uint8[…], the bytes; the first offset of a slice need not be 0.

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
        return np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    bounds = np.frombuffer(offsets, dtype=np.int64, count=len(array) + 1, offset=array.offset * 8)
    return bounds, np.zeros(0, dtype=np.uint8) if data is None else np.frombuffer(data, dtype=np.uint8)


@njit(cache=True, nogil=True, inline="always")
def _decode(data: np.ndarray, i: int, end: int) -> tuple[np.int64, int]:
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


@njit(cache=True, nogil=True, inline="always")
def _eight(data: np.ndarray, i: int) -> np.uint64:
    """data[i:i + 8] as one little-endian uint64 (the compiler makes one load of it)."""
    return (
        np.uint64(data[i])
        | np.uint64(data[i + 1]) << np.uint64(8)
        | np.uint64(data[i + 2]) << np.uint64(16)
        | np.uint64(data[i + 3]) << np.uint64(24)
        | np.uint64(data[i + 4]) << np.uint64(32)
        | np.uint64(data[i + 5]) << np.uint64(40)
        | np.uint64(data[i + 6]) << np.uint64(48)
        | np.uint64(data[i + 7]) << np.uint64(56)
    )


@njit(cache=True, nogil=True, inline="always")
def _ascii_run(eight: np.uint64) -> np.int64:
    """How many of eight bytes, from the first on, are ASCII letters or digits: 0 to 8."""
    low = eight & ~HIGH_BITS
    lower = low | (LOW_BITS * np.uint64(0x20))
    # A byte's high bit is set by the sum when the byte reaches the bound; no sum carries into the next byte.
    letter = (lower + LOW_BITS * np.uint64(0x80 - 0x61)) & ~(lower + LOW_BITS * np.uint64(0x80 - 0x7B))
    digit = (low + LOW_BITS * np.uint64(0x80 - 0x30)) & ~(low + LOW_BITS * np.uint64(0x80 - 0x3A))
    other = ~((letter | digit) & ~eight) & HIGH_BITS
    lowest = other & (~other + np.uint64(1))
    return np.int64(((((lowest >> np.uint64(7)) - np.uint64(1)) & LOW_BITS) * LOW_BITS) >> np.uint64(56))


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
            eight = _eight(data, i)
            run = int(min(_ascii_run(eight), end - i))
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
            code_point, width = _decode(data, i, end)
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
