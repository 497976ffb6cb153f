"""Band rows: routing them to partitions, finding the buckets with more than one member, and pairing the members."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def route(
    bands: np.ndarray, homes: np.ndarray, stays: np.ndarray, partitions: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lay out the band hashes of one shard by partition (hash modulo partitions), a list a document.

    Args:
        bands: uint64[n, bands].
        homes: int64[n], a partition where a document has a list in any case, if an empty one.
        stays: bool[n]; other documents have no lists.
        partitions: how many.

    Returns:
        int64[partitions + 1], the lists of each partition; int64[lists], whose they are, in order of documents;
        int64[lists + 1], where they begin among the hashes; uint64 hashes.
    """
    lists = np.zeros(partitions + 1, np.int64)
    hashes = np.zeros(partitions + 1, np.int64)
    last = np.full(partitions, -1, np.int64)
    modulus = np.uint64(partitions)
    for row in range(len(bands)):
        if stays[row]:
            last[homes[row]] = row
            lists[homes[row] + 1] += 1
            for band in range(bands.shape[1]):
                target = np.int64(bands[row, band] % modulus)
                hashes[target + 1] += 1
                if last[target] != row:
                    last[target] = row
                    lists[target + 1] += 1
    for partition in range(partitions):
        lists[partition + 1] += lists[partition]
        hashes[partition + 1] += hashes[partition]
    owners = np.empty(lists[partitions], np.int64)
    starts = np.empty(lists[partitions] + 1, np.int64)
    values = np.empty(hashes[partitions], np.uint64)
    starts[lists[partitions]] = hashes[partitions]
    next_list = lists[:-1].copy()
    next_hash = hashes[:-1].copy()
    last[:] = -1
    for row in range(len(bands)):
        if stays[row]:
            for band in range(-1, bands.shape[1]):
                target = np.int64(homes[row] if band < 0 else np.int64(bands[row, band] % modulus))
                if last[target] != row:
                    last[target] = row
                    owners[next_list[target]] = row
                    starts[next_list[target]] = next_hash[target]
                    next_list[target] += 1
                if band >= 0:
                    values[next_hash[target]] = bands[row, band]
                    next_hash[target] += 1
    return lists, owners, starts, values


@njit(cache=True, nogil=True)
def perhaps_repeated(hashes: np.ndarray) -> np.ndarray:
    """Mark the rows whose hash may occur more than once: all that do, and about one in sixteen of the others.

    Two bits a slot, sixteen slots a row: most band hashes are alone, and it is cheaper to sort the rest.

    Args:
        hashes: uint64[n].

    Returns:
        bool[n].
    """
    size = 64
    while size < 16 * len(hashes):
        size *= 2
    # The upper bits choose the slot: the lower ones are alike within a partition.
    shift = np.uint64(64 - int(np.log2(size) + 0.5))
    once = np.zeros(size // 8, np.uint8)
    twice = np.zeros(size // 8, np.uint8)
    for i in range(len(hashes)):
        slot = hashes[i] >> shift
        byte = np.int64(slot >> np.uint64(3))
        bit = np.uint8(1) << np.uint8(slot & np.uint64(7))
        if once[byte] & bit:
            twice[byte] |= bit
        else:
            once[byte] |= bit
    marked = np.empty(len(hashes), np.bool_)
    for i in range(len(hashes)):
        slot = hashes[i] >> shift
        marked[i] = (twice[np.int64(slot >> np.uint64(3))] >> np.uint8(slot & np.uint64(7))) & 1
    return marked


@njit(cache=True, nogil=True)
def pair_up(
    hashes: np.ndarray,
    members: np.ndarray,
    bound: int,
    start: int,
    later: np.ndarray,
    earlier: np.ndarray,
    suppressed: np.ndarray,
) -> tuple[int, int]:
    """Pair each member of a bucket with the first `bound` members of it.

    Args:
        hashes: uint64[n] sorted; equal ones are a bucket.
        members: int64[n] numbers of documents, in keep order within a bucket.
        bound: K, how many first members a member is compared with.
        start: where an earlier call stopped; 0 at first. Always the start of a bucket or a row in one.
        later: int64, written: the member.
        earlier: int64, written: the member before it.
        suppressed: int64[documents], added to: pairs of a document that the bound left out.

    Returns:
        The row to go on with (n at the end) and how many pairs were written.
    """
    filled = 0
    row = start
    bucket = start
    while bucket > 0 and hashes[bucket - 1] == hashes[start]:
        bucket -= 1
    while row < len(hashes):
        if hashes[row] != hashes[bucket]:
            bucket = row
        before = row - bucket
        compared = min(before, bound)
        if filled + compared > len(later):
            return row, filled
        for i in range(compared):
            later[filled] = members[row]
            earlier[filled] = members[bucket + i]
            filled += 1
        suppressed[members[row]] += before - compared
        row += 1
    return row, filled


@njit(cache=True, nogil=True)
def join(
    hashes: np.ndarray,
    members: np.ndarray,
    other_hashes: np.ndarray,
    other_rows: np.ndarray,
    bound: int,
    state: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
) -> int:
    """Pair the members of each bucket with the first `bound` rows of the same bucket of another corpus.

    Args:
        hashes: uint64[n] sorted.
        members: int64[n], whose band it is.
        other_hashes: uint64[m] sorted.
        other_rows: int64[m].
        bound: K.
        state: int64[3], zeros at first: positions in both lists, and the number of pairs that the bound left out.
        left: int64, written: members.
        right: int64, written: rows.

    Returns:
        How many pairs were written; the lists are done when a call writes none.
    """
    filled = 0
    i = state[0]
    j = state[1]
    end = j
    while i < len(hashes) and j < len(other_hashes):
        if hashes[i] < other_hashes[j]:
            i += 1
            continue
        if hashes[i] > other_hashes[j]:
            j += 1
            continue
        if end <= j:
            end = j
            while end < len(other_hashes) and other_hashes[end] == hashes[i]:
                end += 1
        compared = min(end - j, bound)
        if filled + compared > len(left):
            break
        for k in range(compared):
            left[filled] = members[i]
            right[filled] = other_rows[j + k]
            filled += 1
        state[2] += end - j - compared
        i += 1
        if i < len(hashes) and hashes[i] != other_hashes[j]:
            j = end
    state[0] = i
    state[1] = j
    return filled
