"""Addresses against lists of domains, addresses and words, straight on Arrow's buffers.

All entries of a form lie in one open table of 64-bit hashes, with the number of the first list that has them, so that
it does not matter how many lists there are: an address asks for each domain above its host, for each place where its
path could end, and for each word. The hashes are polynomials of the bytes, so that one pass gives those of all domains,
from the end of the host on, and one those of all paths. Of five million entries and a billion addresses about one is
taken for another. Parts of words are compared as they are, those that begin with the same three letters.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numba import njit

from tamis.kernels.hashes import BASE, mix64

DOMAIN, HOSTS, ADBLOCK, ADDRESS, WORD, PART = range(6)
"""What a line of a list is: a host, one of a hosts file, a rule of an ad blocker, an address, a word, part of one."""

NONE = 2**31 - 1
"""No list."""
MARKS = 1 << 15
LEAST_PART = 3
"""Letters and digits of a part of a word, at least."""
_ENDINGS = 24
"""Places where a path could end that are asked for, at most."""


@njit(cache=True, nogil=True, inline="always")
def _step(state: np.uint64, byte: int) -> np.uint64:
    return state * BASE + np.uint64(byte)


@njit(cache=True, nogil=True, inline="always")
def _done(state: np.uint64, length: int, key: np.uint64) -> np.uint64:
    """A hash, never 0, which is where a table is empty."""
    return max(mix64(state ^ key ^ np.uint64(length)), np.uint64(1))


@njit(cache=True, nogil=True)
def _forwards(room: np.ndarray, begin: int, end: int, key: np.uint64) -> np.uint64:
    state = np.uint64(0)
    for at in range(begin, end):
        state = _step(state, room[at])
    return _done(state, end - begin, key)


@njit(cache=True, nogil=True)
def _backwards(room: np.ndarray, begin: int, end: int, key: np.uint64) -> np.uint64:
    state = np.uint64(0)
    for at in range(end - 1, begin - 1, -1):
        state = _step(state, room[at])
    return _done(state, end - begin, key)


@njit(cache=True, nogil=True, inline="always")
def _mark(mark: int, byte: int) -> int:
    """Five bits of each of the last three letters."""
    return (mark << 5 | byte & 31) & (MARKS - 1)


@njit(cache=True, nogil=True)
def _lower(byte: int) -> int:
    return byte + 0x20 if byte >= 0x41 and byte <= 0x5A else byte


@njit(cache=True, nogil=True)
def _alphanumeric(byte: int) -> bool:
    return (byte >= 0x30 and byte <= 0x39) or (byte >= 0x61 and byte <= 0x7A)


@njit(cache=True, nogil=True)
def _canonical(data: np.ndarray, begin: int, end: int, room: np.ndarray) -> tuple[int, int]:
    """An address in small letters, without scheme, user, port, the full stop after its host and the fragment.

    Args:
        data: uint8.
        begin: where it begins.
        end: where it ends.
        room: uint8, at least as long, filled.

    Returns:
        Bytes of the host, 0 where it has none, and of all.
    """
    while begin < end and data[begin] <= 0x20:
        begin += 1
    while end > begin and data[end - 1] <= 0x20:
        end -= 1
    at = begin
    while at < end and data[at] not in (0x3A, 0x2F, 0x3F, 0x23):
        at += 1
    if at + 2 < end and data[at] == 0x3A and data[at + 1] == 0x2F and data[at + 2] == 0x2F:
        begin = at + 3
    elif at < end and data[at] == 0x3A and (at + 1 == end or not (data[at + 1] >= 0x30 and data[at + 1] <= 0x39)):
        # pkg:, urn:, mailto:
        return 0, 0
    stop = begin
    while stop < end and data[stop] not in (0x2F, 0x3F, 0x23):
        stop += 1
    first = begin
    for i in range(begin, stop):
        if data[i] == 0x40:
            first = i + 1
    last = stop
    for i in range(first, stop):
        if data[i] == 0x3A:
            last = i
            break
    while last > first and data[last - 1] == 0x2E:
        last -= 1
    size = 0
    for i in range(first, last):
        room[size] = _lower(data[i])
        size += 1
    host = size
    for i in range(stop, end):
        if data[i] == 0x23:
            break
        room[size] = _lower(data[i])
        size += 1
    return host, size


@njit(cache=True, nogil=True)
def _without_www(room: np.ndarray, host: int) -> int:
    """Where a host begins without `www.`."""
    www = host > 4 and room[0] == 0x77 and room[1] == 0x77 and room[2] == 0x77 and room[3] == 0x2E
    return 4 if www else 0


@njit(cache=True, nogil=True)
def _is_host(room: np.ndarray, begin: int, end: int) -> bool:
    if begin >= end or room[begin] == 0x2E or room[end - 1] == 0x2E:
        return False
    for i in range(begin, end):
        byte = room[i]
        if not (_alphanumeric(byte) or byte in (0x2E, 0x2D, 0x5F) or byte >= 0x80):
            return False
    return True


@njit(cache=True, nogil=True)
def entries(data: np.ndarray, form: int, key: np.uint64) -> tuple[np.ndarray, np.ndarray, int]:
    """The entries of a list.

    Args:
        data: uint8, its bytes; empty lines and those that begin with # or ! are no entries.
        form: DOMAIN, HOSTS, ADBLOCK, ADDRESS, WORD or PART.
        key: of the hashes.

    Returns:
        uint64[n] hashes, int64[n, 2] where each line begins and ends, and the number of lines that are no entry.
    """
    lines = 1
    for byte in data:
        lines += byte == 0x0A
    hashes = np.empty(lines, np.uint64)
    places = np.empty((lines, 2), np.int64)
    found = 0
    others = 0
    longest = 0
    begin = 0
    for at in range(data.size + 1):
        if at == data.size or data[at] == 0x0A:
            longest = max(longest, at - begin)
            begin = at + 1
    room = np.empty(longest + 1, np.uint8)
    stop = -1
    while stop < data.size:
        begin = stop + 1
        stop = begin
        while stop < data.size and data[stop] != 0x0A:
            stop += 1
        end = stop
        while begin < end and data[begin] <= 0x20:
            begin += 1
        while end > begin and data[end - 1] <= 0x20:
            end -= 1
        if begin == end or data[begin] == 0x23 or data[begin] == 0x21:
            continue
        low, high = begin, end
        if form == HOSTS:
            # An address of this machine, then the host.
            while low < high and data[low] > 0x20:
                low += 1
            while low < high and data[low] <= 0x20:
                low += 1
            high = low
            while high < end and data[high] > 0x20:
                high += 1
        elif form == ADBLOCK:
            if not (end - begin > 3 and data[begin] == 0x7C and data[begin + 1] == 0x7C and data[end - 1] == 0x5E):
                continue
            low, high = begin + 2, end - 1
        elif form == DOMAIN and end - begin > 2 and data[begin] == 0x2A and data[begin + 1] == 0x2E:
            low = begin + 2
        elif form == DOMAIN and data[begin] == 0x2E:
            low = begin + 1
        good = True
        first = 0
        if form in (WORD, PART):
            size = 0
            for i in range(low, high):
                byte = _lower(data[i])
                # Parts are looked for in the letters and digits of an address alone.
                if _alphanumeric(byte):
                    room[size] = byte
                    size += 1
                elif form == WORD:
                    good = False
            good &= size >= (LEAST_PART if form == PART else 1)
        else:
            host, size = _canonical(data, low, high, room)
            good = _is_host(room, 0, host)
            if form == ADDRESS:
                first = _without_www(room, host)
                while size > host and room[size - 1] == 0x2F:
                    size -= 1
            else:
                good &= size == host or (size == host + 1 and room[host] == 0x2F)
                size = host
        if good:
            domain = form not in (ADDRESS, WORD, PART)
            hashes[found] = _backwards(room, first, size, key) if domain else _forwards(room, first, size, key)
            places[found, 0] = low
            places[found, 1] = high
            found += 1
        elif form != ADBLOCK:
            others += 1
    return hashes[:found], places[:found], others


@njit(cache=True, nogil=True)
def put(keys: np.ndarray, values: np.ndarray, hashes: np.ndarray, value: int) -> None:
    """Put hashes into a table; one that is there keeps the smaller value.

    Args:
        keys: uint64, a power of two of them, 0 where nothing is.
        values: int32, as many.
        hashes: uint64[n]; never more in all than three quarters of the keys.
        value: number of their list.
    """
    mask = np.int64(keys.size - 1)
    for entry in hashes:
        at = np.int64(entry & np.uint64(mask))
        while keys[at] != 0 and keys[at] != entry:
            at = (at + 1) & mask
        values[at] = value if keys[at] == 0 else min(values[at], value)
        keys[at] = entry


@njit(cache=True, nogil=True)
def _get(keys: np.ndarray, values: np.ndarray, entry: np.uint64) -> int:
    mask = np.int64(keys.size - 1)
    at = np.int64(entry & np.uint64(mask))
    while keys[at] != 0:
        if keys[at] == entry:
            return values[at]
        at = (at + 1) & mask
    return NONE


def marks_of(words: Iterable[bytes]) -> np.ndarray:
    """For each of some words, int64 in 0 to `MARKS`, what its first three letters give."""
    marks = []
    for word in words:
        of_three = 0
        for byte in word[:LEAST_PART]:
            of_three = (of_three << 5 | byte & 31) & (MARKS - 1)
        marks.append(of_three)
    return np.array(marks, np.int64)


@njit(cache=True, nogil=True)
def verdicts(
    offsets: np.ndarray,
    data: np.ndarray,
    key: np.uint64,
    domain_keys: np.ndarray,
    domain_values: np.ndarray,
    address_keys: np.ndarray,
    address_values: np.ndarray,
    word_keys: np.ndarray,
    word_values: np.ndarray,
    soft_keys: np.ndarray,
    soft_values: np.ndarray,
    soft_least: np.ndarray,
    word_marks: np.ndarray,
    part_starts: np.ndarray,
    part_bounds: np.ndarray,
    part_data: np.ndarray,
    part_values: np.ndarray,
) -> np.ndarray:
    """The first list that has each address: int32[n], `NONE` where none has.

    Args:
        offsets: n + 1 byte offsets of the addresses.
        data: their bytes, uint8.
        key: of the hashes.
        domain_keys: table of domains, which hold for all below them; a table of one key is empty.
        domain_values: its lists.
        address_keys: table of addresses, which hold for all that their paths begin.
        address_values: its lists.
        word_keys: table of words between other characters than letters and digits.
        word_values: its lists.
        soft_keys: table of words of which several are needed.
        soft_values: its lists.
        soft_least: int64, of each list how many different ones.
        word_marks: uint8[MARKS], 1 for how a word or soft word begins (`marks_of`).
        part_starts: int64[MARKS + 1], the parts of each beginning lie one after the other.
        part_bounds: int64[parts + 1], where each begins in `part_data`.
        part_data: uint8, their letters and digits; looked for in those of the address, without what is between them.
        part_values: int32[parts], the list of each.
    """
    count = offsets.size - 1
    result = np.full(count, NONE, np.int32)
    longest = 0
    for row in range(count):
        longest = max(longest, offsets[row + 1] - offsets[row])
    room = np.empty(longest + 1, np.uint8)
    letters = np.empty(longest + 1, np.uint8)
    seen = np.empty(longest // 2 + 1, np.uint64)
    softly = np.zeros(soft_least.size, np.int64)
    for row in range(count):
        host, size = _canonical(data, offsets[row], offsets[row + 1], room)
        if host == 0:
            continue
        best = NONE
        if domain_keys.size > 1:
            state = np.uint64(0)
            for at in range(host - 1, -1, -1):
                state = _step(state, room[at])
                if at == 0 or room[at - 1] == 0x2E:
                    best = min(best, _get(domain_keys, domain_values, _done(state, host - at, key)))
        if address_keys.size > 1:
            first = _without_www(room, host)
            state = np.uint64(0)
            asked = 0
            # A path may end before a stroke, a question mark, & and ;, and strokes at its end do not count.
            for at in range(first, size + 1):
                ends = at == size or room[at] in (0x2F, 0x3F, 0x26, 0x3B)
                if ends and at >= host and room[at - 1] != 0x2F:
                    best = min(best, _get(address_keys, address_values, _done(state, at - first, key)))
                    asked += 1
                    if asked == _ENDINGS:
                        break
                if at < size:
                    state = _step(state, room[at])
        if word_keys.size > 1 or soft_keys.size > 1:
            distinct = 0
            at = 0
            while at < size:
                if not _alphanumeric(room[at]):
                    at += 1
                    continue
                begin = at
                state = np.uint64(0)
                of_three = 0
                while at < size and _alphanumeric(room[at]):
                    state = _step(state, room[at])
                    if at - begin < LEAST_PART:
                        of_three = _mark(of_three, room[at])
                    at += 1
                if not word_marks[of_three]:
                    continue
                word = _done(state, at - begin, key)
                if word_keys.size > 1:
                    best = min(best, _get(word_keys, word_values, word))
                there = _get(soft_keys, soft_values, word) if soft_keys.size > 1 else NONE
                if there != NONE:
                    new = True
                    for one in range(distinct):
                        new &= seen[one] != word
                    if new:
                        seen[distinct] = word
                        distinct += 1
                        softly[there] += 1
                        if softly[there] >= soft_least[there]:
                            best = min(best, there)
            if distinct:
                softly[:] = 0
        if part_values.size:
            filled = 0
            for at in range(size):
                if _alphanumeric(room[at]):
                    letters[filled] = room[at]
                    filled += 1
            of_three = 0
            for at in range(filled):
                of_three = _mark(of_three, letters[at])
                if at < LEAST_PART - 1:
                    continue
                begin = at - LEAST_PART + 1
                for part in range(part_starts[of_three], part_starts[of_three + 1]):
                    low = part_bounds[part]
                    length = part_bounds[part + 1] - low
                    same = begin + length <= filled
                    i = 0
                    while same and i < length:
                        same = letters[begin + i] == part_data[low + i]
                        i += 1
                    if same:
                        best = min(best, part_values[part])
        result[row] = best
    return result
