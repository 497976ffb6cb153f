"""Ids of many documents at once: BLAKE2b over Arrow's buffers, equal to what `tamis.ids` makes of each.

BLAKE2b is RFC 7693, unkeyed, with a digest of eight bytes and a person; the messages are those of `tamis.ids`.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import njit

from tamis.arrow_buffers import buffers, of_parts
from tamis.ids import id_strings
from tamis.kernels.eight_bytes import eight_bytes
from tamis.urls import url_key

_IV = np.array(
    [
        0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
        0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
    ],
    np.uint64,
)  # fmt: skip

_SIGMA = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ],
    np.uint8,
)

BLOCK = 128
DIGEST_BYTES = 8
SECONDS_A_DAY = 86_400


def _start(person: bytes) -> np.ndarray:
    """The state of a hash before its first block: uint64[8]."""
    parameters = bytes([DIGEST_BYTES, 0, 1, 1]) + bytes(44) + person.ljust(16, b"\0")
    return _IV ^ np.frombuffer(parameters, "<u8").astype(np.uint64)


_DOCUMENT, _CONTENT = _start(b"tamis document"), _start(b"tamis content")


@njit(cache=True, nogil=True)
def _turned(value: np.uint64, by: int) -> np.uint64:
    return (value >> np.uint64(by)) | (value << np.uint64(64 - by))


@njit(cache=True, nogil=True)
def _mixed(
    a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64, x: np.uint64, y: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    a = a + b + x
    d = _turned(d ^ a, 32)
    c = c + d
    b = _turned(b ^ c, 24)
    a = a + b + y
    d = _turned(d ^ a, 16)
    c = c + d
    b = _turned(b ^ c, 63)
    return a, b, c, d


@njit(cache=True, nogil=True)
def _compress(h: np.ndarray, m: np.ndarray, data: np.ndarray, at: int, count: int, last: bool) -> None:
    """Take one block of 128 bytes into a state.

    Args:
        h: uint64[8], the state.
        m: uint64[16], scratch.
        data: uint8, holds the block.
        at: where it begins.
        count: bytes of the message up to its end.
        last: whether it is the last one.
    """
    for word in range(16):
        m[word] = eight_bytes(data, at + 8 * word)
    v0, v1, v2, v3, v4, v5, v6, v7 = h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
    v8, v9, v10, v11 = _IV[0], _IV[1], _IV[2], _IV[3]
    v12, v13, v14, v15 = _IV[4] ^ np.uint64(count), _IV[5], _IV[6], _IV[7]
    if last:
        v14 = ~v14
    for turn in range(12):
        s = _SIGMA[turn % 10]
        v0, v4, v8, v12 = _mixed(v0, v4, v8, v12, m[s[0]], m[s[1]])
        v1, v5, v9, v13 = _mixed(v1, v5, v9, v13, m[s[2]], m[s[3]])
        v2, v6, v10, v14 = _mixed(v2, v6, v10, v14, m[s[4]], m[s[5]])
        v3, v7, v11, v15 = _mixed(v3, v7, v11, v15, m[s[6]], m[s[7]])
        v0, v5, v10, v15 = _mixed(v0, v5, v10, v15, m[s[8]], m[s[9]])
        v1, v6, v11, v12 = _mixed(v1, v6, v11, v12, m[s[10]], m[s[11]])
        v2, v7, v8, v13 = _mixed(v2, v7, v8, v13, m[s[12]], m[s[13]])
        v3, v4, v9, v14 = _mixed(v3, v4, v9, v14, m[s[14]], m[s[15]])
    h[0] ^= v0 ^ v8
    h[1] ^= v1 ^ v9
    h[2] ^= v2 ^ v10
    h[3] ^= v3 ^ v11
    h[4] ^= v4 ^ v12
    h[5] ^= v5 ^ v13
    h[6] ^= v6 ^ v14
    h[7] ^= v7 ^ v15


@njit(cache=True, nogil=True)
def _digest(
    start: np.ndarray, head: np.ndarray, headed: int, data: np.ndarray, begin: int, end: int, scratch: np.ndarray
) -> np.uint64:
    """The digest of a head and what follows it, as the number that its hexadecimal digits are.

    Args:
        start: uint64[8], the state at first.
        head: uint8, the first bytes of the message.
        headed: how many they are.
        data: uint8, holds the others.
        begin: where these begin.
        end: where they end.
        scratch: uint64[24].
    """
    h, m = scratch[:8], scratch[8:]
    for word in range(8):
        h[word] = start[word]
    block = np.empty(BLOCK, np.uint8)
    size = headed + end - begin
    at = 0
    while True:
        last = at + BLOCK >= size
        if at >= headed and not last:
            _compress(h, m, data, begin + at - headed, at + BLOCK, False)
        else:
            there = min(BLOCK, size - at)
            of_head = max(0, min(there, headed - at))
            for i in range(of_head):
                block[i] = head[at + i]
            shift = begin + at - headed
            for i in range(of_head, there):
                block[i] = data[shift + i]
            for i in range(there, BLOCK):
                block[i] = 0
            _compress(h, m, block, 0, at + there, last)
        at += BLOCK
        if last:
            break
    swapped = np.uint64(0)
    for byte in range(8):
        swapped = (swapped << np.uint64(8)) | ((h[0] >> np.uint64(8 * byte)) & np.uint64(0xFF))
    return swapped


@njit(cache=True, nogil=True)
def _written(value: int, least: int, head: np.ndarray, at: int) -> int:
    """Write a number in decimal digits, at least so many; where it ends."""
    digits = 1
    power = 10
    while value >= power:
        power *= 10
        digits += 1
    digits = max(digits, least)
    rest = value
    for place in range(digits - 1, -1, -1):
        head[at + place] = 0x30 + rest % 10
        rest //= 10
    return at + digits


@njit(cache=True, nogil=True)
def _dated(seconds: int, head: np.ndarray, at: int) -> int:
    """Write a moment as `2024-01-31T23:59:59Z`, the year without zeros in front; where it ends."""
    days = seconds // SECONDS_A_DAY
    rest = seconds - days * SECONDS_A_DAY
    # Howard Hinnant's civil_from_days: years that begin in March, in eras of 400.
    shifted = days + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    at = _written(year_of_era + era * 400 + (month <= 2), 1, head, at)
    head[at] = 0x2D
    at = _written(month, 2, head, at + 1)
    head[at] = 0x2D
    at = _written(day, 2, head, at + 1)
    head[at] = 0x54
    at = _written(rest // 3_600, 2, head, at + 1)
    head[at] = 0x3A
    at = _written(rest // 60 % 60, 2, head, at + 1)
    head[at] = 0x3A
    at = _written(rest % 60, 2, head, at + 1)
    head[at] = 0x5A
    return at + 1


@njit(cache=True, nogil=True)
def _sized(size: int, head: np.ndarray, at: int) -> int:
    """Write `size:`, as before each field of a message; where it ends."""
    at = _written(size, 1, head, at)
    head[at] = 0x3A
    return at + 1


@njit(cache=True, nogil=True)
def _halves(
    source: np.ndarray,
    text: np.ndarray,
    text_offsets: np.ndarray,
    url: np.ndarray,
    url_offsets: np.ndarray,
    addressed: np.ndarray,
    key: np.ndarray,
    key_offsets: np.ndarray,
    seconds: np.ndarray,
    dated: np.ndarray,
    document: np.ndarray,
    content: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Both halves of the ids of n documents: uint64[n] each; arguments as `document_ids` makes them."""
    count = len(text_offsets) - 1
    high = np.empty(count, np.uint64)
    low = np.empty(count, np.uint64)
    scratch = np.empty(24, np.uint64)
    longest = 0
    for row in range(count):
        longest = max(longest, url_offsets[row + 1] - url_offsets[row])
    head = np.empty(len(source) + longest + 128, np.uint8)
    for row in range(count):
        begin, end = text_offsets[row], text_offsets[row + 1]
        if addressed[row]:
            first, last = key_offsets[row], key_offsets[row + 1]
            high[row] = _digest(document, head, _sized(last - first, head, 0), key, first, last, scratch)
        else:
            high[row] = _digest(document, head, _sized(end - begin, head, 0), text, begin, end, scratch)
        at = _sized(len(source), head, 0)
        for byte in source:
            head[at] = byte
            at += 1
        if addressed[row]:
            first, last = url_offsets[row], url_offsets[row + 1]
            at = _sized(last - first, head, at)
            for i in range(first, last):
                head[at] = url[i]
                at += 1
        else:
            head[at] = 0x2D
            at += 1
        if dated[row]:
            # Its length is known once it is written: two digits of it, for years from 1 to 9999.
            written = _dated(seconds[row], head, at + 3)
            _sized(written - at - 3, head, at)
            at = written
        else:
            head[at] = 0x2D
            at += 1
        at = _sized(end - begin, head, at)
        low[row] = _digest(content, head, at, text, begin, end, scratch)
    return high, low


@njit(cache=True, nogil=True)
def plain_addresses(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Where `://` ends in addresses that have nothing to change but the scheme: int64[n], -1 for all others.

    Those that `tamis.urls` takes for plain: http or https, a host of at least two labels in small letters, none of them
    in punycode, and a path of nothing but letters, digits, `_`, `~`, `-` and inner dots.

    Args:
        data: uint8, UTF-8 of the addresses.
        offsets: int64[n + 1].
    """
    found = np.full(len(offsets) - 1, -1, np.int64)
    for row in range(len(offsets) - 1):
        begin, end = offsets[row], offsets[row + 1]
        at = begin
        if end - at < 12 or data[at] != 0x68 or data[at + 1] != 0x74 or data[at + 2] != 0x74 or data[at + 3] != 0x70:
            continue
        at += 4
        if data[at] == 0x73:
            at += 1
        if data[at] != 0x3A or data[at + 1] != 0x2F or data[at + 2] != 0x2F:
            continue
        at += 3
        start = at
        labels = 0
        label = at
        plain = False
        while at < end:
            byte = data[at]
            if (byte >= 0x61 and byte <= 0x7A) or (byte >= 0x30 and byte <= 0x39) or byte == 0x2D:
                at += 1
                continue
            if byte not in (0x2E, 0x2F):
                break
            size = at - label
            if size < 1 or size > 63:
                break
            if (
                size >= 4
                and data[label] == 0x78
                and data[label + 1] == 0x6E
                and data[label + 2] == 0x2D
                and data[label + 3] == 0x2D
            ):
                break
            labels += 1
            if byte == 0x2F:
                plain = labels >= 2
                break
            at += 1
            label = at
        if not plain:
            continue
        # Each segment has characters, and begins with no dot; one slash may stand at the end.
        before = np.uint8(0)
        while at < end:
            byte = data[at]
            if byte == 0x2F:
                if before == 0x2F:
                    break
            elif byte == 0x2E:
                if before == 0x2F:
                    break
            elif not (
                (byte >= 0x61 and byte <= 0x7A)
                or (byte >= 0x41 and byte <= 0x5A)
                or (byte >= 0x30 and byte <= 0x39)
                or byte in (0x5F, 0x7E, 0x2D)
            ):
                break
            before = byte
            at += 1
        if at == end:
            found[row] = start
    return found


def url_keys(urls: pa.Array) -> pa.Array:
    """`tamis.urls.url_key` of many addresses: large_string; null for null.

    Args:
        urls: large_string.
    """
    filled = urls.fill_null("")
    data, offsets = buffers(filled)
    starts = plain_addresses(data, offsets)
    plain = starts >= 0
    rows = np.flatnonzero(~plain & urls.is_valid().to_numpy(zero_copy_only=False))
    prefix = b"https://"
    others = {int(row): url_key(urls[row].as_py()).encode("utf-8", "surrogatepass") for row in rows}
    sizes = np.zeros(len(urls) + 1, np.int64)
    sizes[1:] = np.where(plain, len(prefix) + offsets[1:] - starts, 0)
    for row, key in others.items():
        sizes[row + 1] = len(key)
    bounds = np.cumsum(sizes)
    made = np.empty(int(bounds[-1]), np.uint8)
    _put_keys(data, offsets, starts, np.frombuffer(prefix, np.uint8), bounds, made)
    for row, key in others.items():
        made[bounds[row] : bounds[row + 1]] = np.frombuffer(key, np.uint8)
    return of_parts(made, bounds, urls.is_valid())


@njit(cache=True, nogil=True)
def _put_keys(
    data: np.ndarray, offsets: np.ndarray, starts: np.ndarray, prefix: np.ndarray, bounds: np.ndarray, made: np.ndarray
) -> None:
    """Write the keys of plain addresses to their places."""
    for row in range(len(starts)):
        if starts[row] < 0:
            continue
        at = bounds[row]
        for byte in prefix:
            made[at] = byte
            at += 1
        for i in range(starts[row], offsets[row + 1]):
            made[at] = data[i]
            at += 1


def _array(values: pa.Array) -> np.ndarray:
    """Numbers or truths without nulls, in an array that may be written to: a kernel is compiled once for each type."""
    found = values.to_numpy(zero_copy_only=False)
    return found if found.flags.writeable else found.copy()


def document_ids(source: str, url: pa.Array, date: pa.Array, text: pa.Array) -> pa.Array:
    """The ids of many documents, as `tamis.ids` makes them: string[n].

    That is `document_key` of the URL key, of the text where there is no URL, and `content_hash`.

    Args:
        source: name of their source.
        url: large_string[n], null where there is none; none is empty.
        date: timestamp[s, UTC][n], null where there is none, of the years 1 to 9999.
        text: large_string[n], without nulls.
    """
    key = url_keys(url)
    seconds = date.view(pa.int64()) if not date.null_count else date.view(pa.int64()).fill_null(0)
    (texts, text_offsets), (urls, url_offsets), (keys, key_offsets) = (buffers(one) for one in (text, url, key))
    high, low = _halves(
        np.frombuffer(source.encode(), np.uint8),
        texts,
        text_offsets,
        urls,
        url_offsets,
        _array(url.is_valid()),
        keys,
        key_offsets,
        _array(seconds),
        _array(date.is_valid()),
        _DOCUMENT,
        _CONTENT,
    )
    return id_strings(high, low)
