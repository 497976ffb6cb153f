"""Language identification straight on Arrow's buffers: py3langid's model, walked without a Python object a document.

The model is a naive Bayes over byte n-grams, found by a finite automaton that reads one byte at a time. `samples`
picks the bytes to read, `walk` scores them. The labels are those of `py3langid.langid.LanguageIdentifier.classify` on
the same bytes; scores agree to about 2e-4.

Automaton (39 MB) and weights (57 MB as float32) are larger than a cache, and nearly all the time goes in waiting for
them. So four samples are walked side by side, each waiting for its own state; the weights are int16, and their rows
are asked for some at a time.
"""

from __future__ import annotations

import numba
import numpy as np

BLANK = 0x20
# Quotes, brackets and emphasis that may stand around a word; digits, @, \, <, _ … make it something else.
BEFORE_WORDS = tuple(map(ord, "([\"'*-"))
AFTER_WORDS = tuple(map(ord, ")]\"'*.,:;!?-"))

LANES = 4
"""Samples that are walked side by side."""
AHEAD = 16
"""Rows of weights that are asked for together."""
LINE = 32
"""Weights in a line of the cache."""


@numba.njit(cache=True, nogil=True)
def _is_letter(byte: int) -> bool:
    return (byte >= 0x61 and byte <= 0x7A) or (byte >= 0x41 and byte <= 0x5A)


@numba.njit(cache=True, nogil=True)
def _is_word(data: np.ndarray, begin: int, stop: int) -> bool:
    """Whether a run of ASCII is a word: letters, with apostrophes and hyphens inside and punctuation around."""
    while begin < stop and not _is_letter(data[begin]):
        byte = data[begin]
        if byte not in BEFORE_WORDS:
            return False
        begin += 1
    while stop > begin and not _is_letter(data[stop - 1]):
        byte = data[stop - 1]
        if byte not in AFTER_WORDS:
            return False
        stop -= 1
    for at in range(begin, stop):
        if not (_is_letter(data[at]) or data[at] == 0x27 or data[at] == 0x2D):
            return False
    return begin < stop


@numba.njit(cache=True, nogil=True)
def samples(offsets: np.ndarray, data: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first words of each text, without what is no language: numbers, names with underscores, tags, addresses.

    A run of ASCII between white space or other characters stays when it is a word; characters beyond ASCII always stay.

    Args:
        offsets: n + 1 byte offsets of a large_string array.
        data: its bytes, uint8.
        limit: most characters a sample.

    Returns:
        int64[n + 1] offsets of the samples, their bytes (uint8), and for each the number of bytes beyond ASCII (int64).
    """
    documents = offsets.size - 1
    bounds = np.zeros(documents + 1, np.int64)
    wide = np.zeros(documents, np.int64)
    total = 0
    for document in range(documents):
        total += min(offsets[document + 1] - offsets[document], 4 * limit)
    # A blank may follow each kept run; it replaces at least one byte of the text but the last.
    result = np.empty(total + documents, np.uint8)
    filled = 0
    for document in range(documents):
        stop = offsets[document + 1]
        at = offsets[document]
        first = filled
        characters = 0
        while at < stop and characters < limit:
            byte = data[at]
            if byte >= 0x80:
                result[filled] = byte
                filled += 1
                at += 1
                # Three more bytes at most, whatever follows: room was made for four bytes a character.
                end = min(stop, at + 3)
                while at < end and data[at] & 0xC0 == 0x80:
                    result[filled] = data[at]
                    filled += 1
                    at += 1
                characters += 1
                wide[document] += 1
                continue
            begin = at
            while at < stop and data[at] > BLANK and data[at] < 0x80:
                at += 1
            if at > begin:
                if _is_word(data, begin, at):
                    size = min(at - begin, limit - characters)
                    result[filled : filled + size] = data[begin : begin + size]
                    filled += size
                    characters += size
            else:
                at += 1
                if filled > first and result[filled - 1] != BLANK:
                    result[filled] = BLANK
                    filled += 1
                    characters += 1
        bounds[document + 1] = filled
    return bounds, result[:filled], wide


@numba.njit(cache=True, nogil=True)
def lower_shouting(bounds: np.ndarray, data: np.ndarray, wide: np.ndarray) -> None:
    """Lower the pure ASCII samples that have capitals and no small letter, in place: the model expects mixed case."""
    for document in range(bounds.size - 1):
        if wide[document]:
            continue
        capitals = 0
        small = 0
        for at in range(bounds[document], bounds[document + 1]):
            byte = data[at]
            capitals += byte >= 0x41 and byte <= 0x5A
            small += byte >= 0x61 and byte <= 0x7A
        if capitals and not small:
            for at in range(bounds[document], bounds[document + 1]):
                if data[at] >= 0x41 and data[at] <= 0x5A:
                    data[at] += 0x20


@numba.njit(cache=True, nogil=True)
def _completed(
    bounds: np.ndarray,
    data: np.ndarray,
    first: int,
    next_row: np.ndarray,
    row_of: np.ndarray,
    feature_of: np.ndarray,
    found: np.ndarray,
    sizes: np.ndarray,
) -> None:
    """The features that some samples complete, in their order and as often as they do.

    Args:
        bounds: n + 1 byte offsets of all samples.
        data: their bytes, uint8.
        first: the first of `LANES` samples; behind the last one there is none.
        next_row: as for `walk`.
        row_of: likewise.
        feature_of: likewise.
        found: int32[LANES, at least the longest of them], filled.
        sizes: int64[LANES], how many were found of each.
    """
    samples = min(LANES, bounds.size - 1 - first)
    states = np.zeros(LANES, np.int64)
    sizes[:] = 0
    longest = 0
    for lane in range(samples):
        longest = max(longest, bounds[first + lane + 1] - bounds[first + lane])
    for step in range(longest):
        for lane in range(samples):
            at = bounds[first + lane] + step
            if at < bounds[first + lane + 1]:
                state = np.int64(next_row[np.int64(row_of[states[lane]]) * 256 + data[at]])
                states[lane] = state
                found[lane, sizes[lane]] = feature_of[state]
                sizes[lane] += feature_of[state] >= 0


@numba.njit(cache=True, nogil=True)
def _add_rows(weights: np.ndarray, features: np.ndarray, counts: np.ndarray, scores: np.ndarray) -> int:
    """Add to the scores the rows of some features, weighted by the logarithm of how often they occur.

    Args:
        weights: int16, a row a feature, a column a class.
        features: int32[n], each once.
        counts: int32, how often each feature occurs; set to 0 again for those that are added.
        scores: float32, one a class.

    Returns:
        Nothing of use: what it is made of has to be read for it.
    """
    classes = scores.size
    read = 0
    for begin in range(0, features.size, AHEAD):
        end = min(features.size, begin + AHEAD)
        # The rows lie all over a table that no cache holds. Asked for together they arrive in the time of a few.
        for index in range(begin, end):
            for column in range(0, classes, LINE):
                read += weights[features[index], column]
        for index in range(begin, end):
            feature = features[index]
            weight = np.float32(np.log1p(np.float32(counts[feature])))
            counts[feature] = 0
            for one in range(classes):
                scores[one] += weight * np.float32(weights[feature, one])
    return read


@numba.njit(cache=True, nogil=True)
def walk(
    bounds: np.ndarray,
    data: np.ndarray,
    next_row: np.ndarray,
    row_of: np.ndarray,
    feature_of: np.ndarray,
    weights: np.ndarray,
    unit: float,
    priors: np.ndarray,
    first_of: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Most probable class of each sample.

    Args:
        bounds: n + 1 byte offsets of the samples.
        data: their bytes, uint8.
        next_row: state after a byte: element row_of[state] * 256 + byte.
        row_of: row of each state.
        feature_of: feature that a state completes, -1 for none.
        weights: int16, a row a feature, a column a class: logarithms of probabilities in units, less the same for all.
        unit: a unit of them.
        priors: float32, one a class.
        first_of: for each class the first class with the same label.

    Returns:
        class (int64, -1 where the sample has no feature) and its probability (float32, 0 there), n each.
    """
    documents = bounds.size - 1
    classes = priors.size
    best = np.full(documents, -1, np.int64)
    probability = np.zeros(documents, np.float32)
    counts = np.zeros(weights.shape[0], np.int32)
    longest = 0
    for document in range(documents):
        longest = max(longest, bounds[document + 1] - bounds[document])
    found = np.empty((LANES, longest + 1), np.int32)
    sizes = np.zeros(LANES, np.int64)
    scores = np.empty(classes, np.float32)
    for document in range(documents):
        lane = document % LANES
        if lane == 0:
            _completed(bounds, data, document, next_row, row_of, feature_of, found, sizes)
        features = 0
        for index in range(sizes[lane]):
            feature = found[lane, index]
            if counts[feature] == 0:
                found[lane, features] = feature
                features += 1
            counts[feature] += 1
        if features == 0:
            continue
        scores[:] = 0
        _add_rows(weights, found[lane, :features], counts, scores)
        # The root of the length is the model's temperature.
        scale = np.float32(1.0 / np.sqrt(bounds[document + 1] - bounds[document]))
        highest = np.float32(-np.inf)
        for one in range(classes):
            scores[one] = (scores[one] * np.float32(unit) + priors[one]) * scale
            highest = max(highest, scores[one])
        total = np.float32(0)
        for one in range(classes):
            scores[one] = np.exp(scores[one] - highest)
            total += scores[one]
        for one in range(classes):
            if first_of[one] != one:
                scores[first_of[one]] += scores[one]
                scores[one] = 0
        winner = 0
        for one in range(classes):
            if scores[one] > scores[winner]:
                winner = one
        best[document] = winner
        probability[document] = min(scores[winner] / total, np.float32(1.0))
    return best, probability
