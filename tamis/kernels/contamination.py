"""Looking for the words of benchmark items in documents: by hash of short seeds, extended to an overlap.

Words of the items are numbered, and words of a document that no item has are -1, so that all comparisons are of
int32. A **probe** is a text that is looked for (a question, an answer, a passage) as a row of numbers; a **seed** is a
run of `seed` words of it. Where the words of a document end a seed, the probe is laid over the document there and the
match is extended in both directions, word by word. Where words differ, it goes on at the nearest place at which two
words agree again, at most `MISSING` words of the probe or `FOREIGN` words of the document further: that bridges a word
that was changed, left out or put in, and markup that was laid around.

The score is the weight of the probe's words that were found, in order, over the weight of all; the weight of a word is
its rarity (`tamis.decontamination.rarity`).

Time is linear in the document: a probe is not tried twice on one diagonal, and the steps of extensions are paid from
what the words read so far have earned (`STEPS_A_WORD`), so that a text made of seeds costs a bounded amount a word.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from tamis.kernels.hashes import BASE, mix64
from tamis.kernels.visible_words import Names, visible_words

PASSAGE = 256
"""Words of a passage. Whole documents would not do: a book holds nearly every word."""
MISSING = 4
FOREIGN = 16
STEPS_A_WORD = 400
STEPS_AT_FIRST = 200_000
DIAGONAL = 12
"""Words by which two places of a probe may be shifted and still be the same try."""


class Index(NamedTuple):
    """What is looked for, as arrays that kernels take.

    V words, P probes, K seeds, L postings.
    """

    words: np.ndarray
    """uint64[V], hashes of the words of items, ascending."""
    word_slots: np.ndarray
    """int32[power of two], open addressing of `words` by `mix64`; -1: none."""
    offsets: np.ndarray
    """int64[P + 1] into `probe_words`."""
    probe_words: np.ndarray
    """int32, numbers of words."""
    needed: np.ndarray
    """float32[P], the score that a match must have."""
    stretch: np.ndarray
    """int32[P], the most words of a document that a match may span."""
    keys: np.ndarray
    """uint64[K], hashes of seeds, ascending."""
    key_slots: np.ndarray
    """int32[power of two] likewise."""
    bits: np.ndarray
    """uint8[power of two / 8]: a bit is set where a seed may be; most words are done with after one look."""
    starts: np.ndarray
    """int64[K + 1] into the postings of each seed."""
    posting_probes: np.ndarray
    """int32[L]."""
    posting_places: np.ndarray
    """int32[L], the seed's first word in the probe."""
    lengths: np.ndarray
    """int64, the lengths of seeds in words, ascending."""


class Rarity(NamedTuple):
    """How rare the words of items are in a corpus."""

    weights: np.ndarray
    """float32[V], above 0."""
    totals: np.ndarray
    """float32[P], the weight of all words of each probe."""
    said: np.ndarray
    """float32[P], the information of its distinct words."""


@njit(cache=True, nogil=True, inline="always")
def _look_up(values: np.ndarray, slots: np.ndarray, value: np.uint64) -> int:
    mask = len(slots) - 1
    at = np.int64(mix64(value) & np.uint64(mask))
    while True:
        place = slots[at]
        if place < 0 or values[place] == value:
            return place
        at = (at + 1) & mask


@njit(cache=True, nogil=True)
def slots_of(values: np.ndarray) -> np.ndarray:
    """Open addressing of distinct values: int32[power of two of at least twice as many], -1 where there is none."""
    size = 16
    while size < 2 * len(values):
        size *= 2
    slots = np.full(size, -1, np.int32)
    for place in range(len(values)):
        at = np.int64(mix64(values[place]) & np.uint64(size - 1))
        while slots[at] >= 0:
            at = (at + 1) & (size - 1)
        slots[at] = place
    return slots


@njit(cache=True, nogil=True)
def bits_of(keys: np.ndarray) -> np.ndarray:
    """A bit for each key, one of sixteen or more a key: uint8[power of two / 8]."""
    size = 1 << 16
    while size < 16 * len(keys):
        size *= 2
    bits = np.zeros(size // 8, np.uint8)
    for key in keys:
        at = key & np.uint64(size - 1)
        bits[at >> np.uint64(3)] |= np.uint8(1) << np.uint8(at & np.uint64(7))
    return bits


@njit(cache=True, nogil=True)
def said(offsets: np.ndarray, words: np.ndarray, information: np.ndarray) -> np.ndarray:
    """The information of the distinct words of each probe: float32[P]."""
    found = np.zeros(len(offsets) - 1, np.float32)
    last = np.full(len(information), -1, np.int64)
    for probe in range(len(found)):
        total = 0.0
        for j in range(offsets[probe], offsets[probe + 1]):
            if last[words[j]] != probe:
                last[words[j]] = probe
                total += information[words[j]]
        found[probe] = total
    return found


@njit(cache=True, nogil=True, inline="always")
def _power(length: int) -> np.uint64:
    found = np.uint64(1)
    for _ in range(length):
        found *= BASE
    return found


@njit(cache=True, nogil=True)
def seeds_of(offsets: np.ndarray, words: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The seeds of all probes: runs of `most` words, or all of a shorter probe.

    Args:
        offsets: int64[P + 1] into `words`.
        words: int32, numbers of words.
        most: words of a seed.

    Returns:
        uint64[L] key, int32[L] probe and int32[L] first word of each, by probe, then place.
    """
    room = len(words)
    keys, probes, places = np.empty(room, np.uint64), np.empty(room, np.int32), np.empty(room, np.int32)
    taken = 0
    for probe in range(len(offsets) - 1):
        size = offsets[probe + 1] - offsets[probe]
        length = min(most, size)
        for first in range(size - length + 1 if length > 0 else 0):
            state = np.uint64(0)
            for j in range(offsets[probe] + first, offsets[probe] + first + length):
                state = state * BASE + mix64(np.uint64(words[j]) + np.uint64(1))
            keys[taken] = mix64(state + np.uint64(length))
            probes[taken] = probe
            places[taken] = first
            taken += 1
    return keys[:taken], probes[:taken], places[:taken]


@njit(cache=True, nogil=True)
def numbered(hashes: np.ndarray, words: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """The numbers of words by their hashes: int32, -1 for those that no item has."""
    found = np.empty(len(hashes), np.int32)
    for j in range(len(hashes)):
        found[j] = _look_up(words, slots, hashes[j])
    return found


@njit(cache=True, nogil=True)
def count_passages(
    offsets: np.ndarray,
    data: np.ndarray,
    rows: np.ndarray,
    table: np.ndarray,
    known: Names,
    words: np.ndarray,
    slots: np.ndarray,
    seen: np.ndarray,
    passage: int,
    counts: np.ndarray,
) -> int:
    """Count the passages of `PASSAGE` words, or what is left of a document, that hold each word of the items.

    Args:
        offsets: int64[n + 1].
        data: uint8.
        rows: bool[n], which count.
        table: `character_table()`.
        known: `visible_words.names()`.
        words: of the index.
        slots: likewise.
        seen: int64[V], the number of the last passage that held each word, below `passage`; changed.
        passage: how many there were before.
        counts: int64[V], added to.

    Returns:
        How many passages there are now.
    """
    widest = 0
    for row in range(len(offsets) - 1):
        widest = max(widest, offsets[row + 1] - offsets[row])
    room = widest // 2 + 2
    hashes, starts, ends = np.empty(room, np.uint64), np.empty(room, np.int64), np.empty(room, np.int64)
    for row in range(len(offsets) - 1):
        if not rows[row]:
            continue
        count = visible_words(data, offsets[row], offsets[row + 1], table, known, hashes, starts, ends)
        for j in range(count):
            if j % PASSAGE == 0:
                passage += 1
            number = _look_up(words, slots, hashes[j])
            if number >= 0 and seen[number] != passage:
                seen[number] = passage
                counts[number] += 1
    return passage


@njit(cache=True, nogil=True)
def _extend(
    found: np.ndarray,
    count: int,
    at: int,
    index: Index,
    rarity: Rarity,
    probe: int,
    place: int,
    length: int,
    out: np.ndarray,
) -> None:
    """Extend a seed in both directions.

    Args:
        found: int32 numbers of a document's words.
        count: how many.
        at: first word of the seed in the document.
        index: what is looked for.
        rarity: of its words.
        probe: which.
        place: first word of the seed in the probe.
        length: of the seed.
        out: float64[5], written: first word, last word, weight, words that agree, steps.
    """
    low = index.offsets[probe]
    size = index.offsets[probe + 1] - low
    words = index.probe_words
    weight = 0.0
    for j in range(place, place + length):
        weight += rarity.weights[words[low + j]]
    agree = length
    steps = length
    last = at + length - 1
    for direction in (1, -1):
        i = place + length if direction == 1 else place - 1
        d = at + length if direction == 1 else at - 1
        reach = last if direction == 1 else at
        while 0 <= i < size and 0 <= d < count:
            steps += 1
            if words[low + i] == found[d]:
                weight += rarity.weights[found[d]]
                agree += 1
                reach = d
                i += direction
                d += direction
                continue
            # The nearest place at which two words agree again.
            jump_i = -1
            jump_d = -1
            for total in range(1, MISSING + FOREIGN + 1):
                for a in range(max(0, total - FOREIGN), min(MISSING, total) + 1):
                    b = total - a
                    ii = i + a * direction
                    dd = d + b * direction
                    steps += 1
                    if not (0 <= ii < size and 0 <= dd < count) or words[low + ii] != found[dd]:
                        continue
                    nn = ii + direction
                    ee = dd + direction
                    if 0 <= nn < size:
                        if not (0 <= ee < count) or words[low + nn] != found[ee]:
                            continue
                    elif b > a + 1:
                        # The last word of the probe stands alone: only where it is expected.
                        continue
                    jump_i = ii
                    jump_d = dd
                    break
                if jump_i >= 0:
                    break
            if jump_i < 0:
                break
            i = jump_i
            d = jump_d
        if direction == 1:
            last = reach
        else:
            out[0] = reach
    out[1] = last
    out[2] = weight
    out[3] = agree
    out[4] = steps


@njit(cache=True, nogil=True)
def find(
    offsets: np.ndarray,
    data: np.ndarray,
    rows: np.ndarray,
    table: np.ndarray,
    known: Names,
    index: Index,
    rarity: Rarity,
    extended: bool,
    least_information: float,
    tried: np.ndarray,
    tried_diagonal: np.ndarray,
    base: int,
    best: np.ndarray,
    unpaid: np.ndarray,
) -> tuple[int, np.ndarray, np.ndarray]:
    """Find probes in documents.

    Args:
        offsets: int64[n + 1].
        data: uint8.
        rows: bool[n], which are looked at.
        table: `character_table()`.
        known: `visible_words.names()`.
        index: what is looked for.
        rarity: of its words.
        extended: whether seeds are extended; else a seed is a match by itself, as 13-grams are for GPT-3.
        least_information: what the distinct words of a probe must say, times the score.
        tried: int64[P], the word up to which each probe was tried, counted over all documents; changed.
        tried_diagonal: int64[P] likewise, on which diagonal; changed.
        base: the number of the first word, above all in `tried`.
        best: float32[n], written: the largest score of a try in each document, whether it was enough or not.
        unpaid: int64[1], counts seeds that were not extended because the document's steps were used up.

    Returns:
        The number of the word after the last; int64[h, 6] row, probe, first byte, byte after the last, words that
        agree, length of the match in words; float32[h] scores. By row, then by place of the seed, then by probe.
    """
    widest = 0
    for row in range(len(offsets) - 1):
        widest = max(widest, offsets[row + 1] - offsets[row])
    room = widest // 2 + 2
    hashes, starts, ends = np.empty(room, np.uint64), np.empty(room, np.int64), np.empty(room, np.int64)
    found = np.empty(room, np.int32)
    hits = np.empty((64, 6), np.int64)
    scores = np.empty(64, np.float32)
    out = np.empty(5, np.float64)
    taken = 0
    bit_mask = np.uint64(len(index.bits) * 8 - 1)
    powers = np.empty(len(index.lengths), np.uint64)
    for which in range(len(powers)):
        powers[which] = _power(index.lengths[which])
    states = np.zeros(len(powers), np.uint64)
    for row in range(len(offsets) - 1):
        best[row] = 0.0
        if not rows[row]:
            continue
        count = visible_words(data, offsets[row], offsets[row + 1], table, known, hashes, starts, ends)
        for j in range(count):
            found[j] = _look_up(index.words, index.word_slots, hashes[j])
        run = 0
        states[:] = 0
        credit = np.float64(STEPS_AT_FIRST)
        for j in range(count):
            credit += STEPS_A_WORD
            if found[j] < 0:
                run = 0
                states[:] = 0
                continue
            run += 1
            entering = mix64(np.uint64(found[j]) + np.uint64(1))
            for which in range(len(powers)):
                length = index.lengths[which]
                state = states[which] * BASE + entering
                if run > length:
                    state -= powers[which] * mix64(np.uint64(found[j - length]) + np.uint64(1))
                states[which] = state
                if run < length:
                    continue
                key = mix64(state + np.uint64(length))
                bit = key & bit_mask
                if not (index.bits[bit >> np.uint64(3)] >> np.uint8(bit & np.uint64(7))) & np.uint8(1):
                    continue
                seed = _look_up(index.keys, index.key_slots, key)
                if seed < 0:
                    continue
                at = j - length + 1
                for posting in range(index.starts[seed], index.starts[seed + 1]):
                    probe = index.posting_probes[posting]
                    place = index.posting_places[posting]
                    diagonal = base + at - place
                    if base + at < tried[probe] and abs(diagonal - tried_diagonal[probe]) <= DIAGONAL:
                        continue
                    if credit < 0:
                        unpaid[0] += 1
                        continue
                    low = index.offsets[probe]
                    size = index.offsets[probe + 1] - low
                    same = True
                    for k in range(length):
                        same = same and index.probe_words[low + place + k] == found[at + k]
                    if not same:
                        continue
                    if extended:
                        _extend(found, count, at, index, rarity, probe, place, length, out)
                        first, last = np.int64(out[0]), np.int64(out[1])
                        credit -= out[4]
                        score = np.float32(min(1.0, out[2] / rarity.totals[probe]))
                        agree = np.int64(out[3])
                    else:
                        first, last = np.int64(at), np.int64(j)
                        while (
                            last + 1 < count
                            and place + last + 1 - at < size
                            and (index.probe_words[low + place + last + 1 - at] == found[last + 1])
                        ):
                            last += 1
                        credit -= last - first
                        agree = last - first + 1
                        score = np.float32(agree / size)
                    tried[probe] = base + last + 1
                    tried_diagonal[probe] = diagonal
                    if score * rarity.said[probe] < least_information:
                        continue
                    best[row] = max(best[row], score)
                    if extended and (score < index.needed[probe] or last - first + 1 > index.stretch[probe]):
                        continue
                    if taken == len(scores):
                        more = np.empty((2 * taken, 6), np.int64)
                        more[:taken] = hits
                        hits = more
                        longer = np.empty(2 * taken, np.float32)
                        longer[:taken] = scores
                        scores = longer
                    hits[taken, 0] = row
                    hits[taken, 1] = probe
                    hits[taken, 2] = starts[first]
                    hits[taken, 3] = ends[last]
                    hits[taken, 4] = agree
                    hits[taken, 5] = last - first + 1
                    scores[taken] = score
                    taken += 1
        base += count + 1
    return base, hits[:taken].copy(), scores[:taken].copy()
