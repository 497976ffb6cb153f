"""Runs of words that stand twice: fingerprints of a text by winnowing, and exact hashes of its windows.

A **token** is a word as written (`tamis.kernels.words.word_spans`). A **gram** of k tokens or a **window** of n tokens
is the bytes from the start of its first word to the end of its last; what separates that word from the next is looked
at when spans are cut (`span_ends.py`), so the same words at the end of a text and in the middle of another are equal.
Which words the bytes of a window hold does not depend on what stands around it, so equal windows consist of equal grams
at every offset.

Winnowing (Schleimer, Wilkerson and Aiken 2003): of the n - k + 1 grams of a window the one of the smallest hash is
chosen, of equal ones the last. The choice depends on the bytes of the window alone, so two equal windows choose
the same gram: a window can only stand at two places when the gram that it chooses does. Neighbouring windows mostly
choose one gram at one place; of a text without repeats about 2 / (n - k + 2) of the grams are chosen.

Gram hashes are a polynomial of the bytes modulo 2^64, mixed: two equal ones cost a look at windows that are not
repeated, nothing else. Windows are identified by `siphash128` of their bytes.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.hashes import mix64, siphash128


@njit(cache=True, nogil=True)
def _hash_grams(
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    first: int,
    last: int,
    size: int,
    base: np.uint64,
    inverse: np.uint64,
    scope: np.uint64,
    before: np.ndarray,
    shift: np.ndarray,
    grams: np.ndarray,
) -> None:
    """Hash the grams of `size` tokens of the document that tokens first … last - 1 are: grams[0] is the first.

    The sum of byte · base^place runs over the document; a gram is a difference of two sums, shifted back.
    """
    total = np.uint64(0)
    power = np.uint64(1)
    back = np.uint64(1)
    position = starts[first]
    for token in range(first, last):
        while position < starts[token]:
            total += np.uint64(data[position]) * power
            power *= base
            back *= inverse
            position += 1
        before[token - first] = total
        shift[token - first] = back
        while position < ends[token]:
            total += np.uint64(data[position]) * power
            power *= base
            back *= inverse
            position += 1
        gram = token - first - size + 1
        if gram >= 0:
            grams[gram] = mix64(((total - before[gram]) * shift[gram]) ^ scope)


@njit(cache=True, nogil=True)
def _winnow(
    data: np.ndarray,
    word_offsets: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    scopes: np.ndarray,
    window: int,
    gram: int,
    base: np.uint64,
    inverse: np.uint64,
    before: np.ndarray,
    shift: np.ndarray,
    grams: np.ndarray,
    fingerprints: np.ndarray,
    tokens: np.ndarray,
    counts: np.ndarray,
) -> int:
    choices = window - gram + 1
    total = 0
    for row in range(len(word_offsets) - 1):
        first = word_offsets[row]
        last = word_offsets[row + 1]
        if last - first < window:
            continue
        _hash_grams(data, starts, ends, first, last, gram, base, inverse, scopes[row], before, shift, grams)
        chosen = -1
        for place in range(last - first - window + 1):
            previous = chosen
            newest = place + choices - 1
            if chosen < place:
                chosen = place
                for other in range(place + 1, newest + 1):
                    if grams[other] <= grams[chosen]:
                        chosen = other
            elif grams[newest] <= grams[chosen]:
                chosen = newest
            if chosen == previous:
                counts[total - 1] += 1
            else:
                fingerprints[total] = grams[chosen]
                tokens[total] = first + place
                counts[total] = 1
                total += 1
    return total


def winnow(
    data: np.ndarray,
    word_offsets: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    scopes: np.ndarray,
    *,
    window: int,
    gram: int,
    key: np.uint64,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The chosen grams of n rows, and the windows that choose them.

    Args:
        data: uint8 bytes of UTF-8.
        word_offsets: int64[n + 1] from `tamis.kernels.words.word_spans`.
        starts: int64[words], first byte of each word.
        ends: int64[words], the byte after each word.
        scopes: uint64[n]; grams of rows with another scope have unrelated hashes.
        window: tokens of a window.
        gram: tokens of a gram, at most `window`.
        key: 64-bit key of the hashes.

    Returns:
        uint64[c] hash of each chosen gram; int64[c], the first token of the first window that chooses it; int64[c],
        how many windows in a row do. Together they are all windows, in order. A gram at one place is one row.
        Memory: 24 bytes a token of the longest row; 24 bytes a chosen gram.
    """
    # Odd, so that it has an inverse modulo 2^64.
    base = np.uint64(key) | np.uint64(1)
    inverse = np.uint64(pow(int(base), -1, 1 << 64))
    longest = int(np.diff(word_offsets).max(initial=0))
    windows = int(np.maximum(np.diff(word_offsets) - window + 1, 0).sum())
    scratch = [np.empty(longest, dtype=np.uint64) for _ in range(3)]
    fingerprints = np.empty(windows, dtype=np.uint64)
    tokens = np.empty(windows, dtype=np.int64)
    counts = np.empty(windows, dtype=np.int64)
    total = _winnow(
        data, word_offsets, starts, ends, scopes, window, gram, base, inverse, *scratch, fingerprints, tokens, counts
    )
    return fingerprints[:total].copy(), tokens[:total].copy(), counts[:total].copy()


@njit(cache=True, nogil=True)
def window_hashes(
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    tokens: np.ndarray,
    counts: np.ndarray,
    window: int,
    key_0: np.uint64,
    key_1: np.uint64,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The windows of some runs, each with the 128-bit hash of its bytes.

    Args:
        data: uint8 bytes of UTF-8.
        starts: int64, first byte of each word.
        ends: int64, the byte after each word.
        tokens: int64[c], first token of the first window of each run.
        counts: int64[c], windows of each run.
        window: tokens of a window.
        key_0: first half of the key.
        key_1: second half.

    Returns:
        In the order of the runs: int64[m] first token of each window, uint64[m] high and uint64[m] low half of its
        hash.
    """
    total = 0
    for run in range(len(tokens)):
        total += counts[run]
    places = np.empty(total, dtype=np.int64)
    high = np.empty(total, dtype=np.uint64)
    low = np.empty(total, dtype=np.uint64)
    filled = 0
    for run in range(len(tokens)):
        for token in range(tokens[run], tokens[run] + counts[run]):
            places[filled] = token
            low[filled], high[filled] = siphash128(data, starts[token], ends[token + window - 1], key_0, key_1)
            filled += 1
    return places, high, low


@njit(cache=True, nogil=True)
def cover(
    rows: np.ndarray,
    places: np.ndarray,
    owner_high: np.ndarray,
    owner_low: np.ndarray,
    owner_places: np.ndarray,
    window: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cover all tokens of windows with pieces of runs; windows whose owners' windows follow each other are a run.

    All bytes of a run stand in its owner, in one piece. Of runs that overlap the next is the last that still overlaps
    with the one before, and of it the piece after that one.

    Args:
        rows: int64[m], row of each window.
        places: int64[m], its first token; sorted by row, then token.
        owner_high: uint64[m], first half of the id of its owner.
        owner_low: uint64[m], second half.
        owner_places: int64[m], first token of its copy there.
        window: tokens of a window.

    Returns:
        Of each piece, in the order of the text, int64[c] the first window of its run, int64[c] the last one, int64[c]
        its first token, and bool[c] whether it goes on from the piece before, gap included. It ends with the last
        window.
    """
    starts = np.empty(len(rows) + 1, dtype=np.int64)
    runs = 0
    for i in range(len(rows)):
        if (
            i == 0
            or rows[i] != rows[i - 1]
            or places[i] != places[i - 1] + 1
            or owner_places[i] != owner_places[i - 1] + 1
            or owner_high[i] != owner_high[i - 1]
            or owner_low[i] != owner_low[i - 1]
        ):
            starts[runs] = i
            runs += 1
    starts[runs] = len(rows)
    first = np.empty(runs, dtype=np.int64)
    last = np.empty(runs, dtype=np.int64)
    begin = np.empty(runs, dtype=np.int64)
    joined = np.zeros(runs, dtype=np.bool_)
    pieces = 0
    run = 0
    while run < runs:
        first[pieces] = starts[run]
        last[pieces] = starts[run + 1] - 1
        begin[pieces] = places[starts[run]]
        pieces += 1
        while True:
            end = places[last[pieces - 1]] + window
            following = run
            other = run + 1
            while other < runs and rows[starts[other]] == rows[starts[run]] and places[starts[other]] < end:
                following = other
                other += 1
            if following == run:
                break
            first[pieces] = starts[following]
            last[pieces] = starts[following + 1] - 1
            begin[pieces] = end
            joined[pieces] = True
            pieces += 1
            run = following
        run += 1
    return first[:pieces].copy(), last[:pieces].copy(), begin[:pieces].copy(), joined[:pieces].copy()
