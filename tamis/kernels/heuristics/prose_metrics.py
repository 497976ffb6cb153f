"""Everything the prose rules look at, measured in one pass over Arrow's text buffers.

One row of `METRICS` a document, float64; NaN where a quantity is not defined (no words, no list of stop words). Ratios
are one division of two integers, so they equal what any other exact implementation computes, bit for bit.

Strings are compared by 64-bit hashes of their code points (a chance of about 10⁻¹⁰ of one false repeat in a document of
100,000 words; a text made to collide harms only itself). Scratch grows with the longest document: about 80 bytes a word
and 6 bytes a character of it.
"""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.c4_lines import c4_lines, phrase_openings
from tamis.kernels.heuristics.characters import CHARACTER_WORD, LETTER, SYMBOL, decode
from tamis.kernels.heuristics.listed_pieces import find_sorted, mix, small_hash
from tamis.kernels.heuristics.prose_columns import (
    ALL_WORDS,
    ALPHABETIC,
    CHARACTER_WORDS,
    CHARACTERS,
    CURLY,
    DUPLICATE_5,
    ELLIPSES,
    HASHES,
    LOREM,
    MEAN_WORD_LENGTH,
    METRICS,
    NEWLINES,
    PARAGRAPH_CHARACTERS,
    PARAGRAPHS,
    SENTENCES,
    STOP_WORDS,
    TAGS,
    TOP_2,
    WORDS,
)
from tamis.kernels.heuristics.prose_lines import DOT, ELLIPSIS, marked_lines, newline_lines, tag_characters
from tamis.kernels.heuristics.repetition import NEWLINE, repeated_grams, repeated_paragraphs, table_mask, top_gram
from tamis.kernels.heuristics.rule_words import split_pieces, split_words

LARGEST_TOP = 4
LARGEST_DUPLICATE = 10

# A base of the polynomial and its inverse modulo 2⁶⁴.
BASE = 0x9E3779B97F4A7C15
INVERSE = pow(BASE, -1, 1 << 64)


@numba.njit(cache=True, nogil=True)
def _words(
    codes: np.ndarray,
    flags: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    count: int,
    tokens: np.ndarray,
    sums: np.ndarray,
    inverses: np.ndarray,
    lengths: np.ndarray,
    stop_words: np.ndarray,
    small: np.ndarray,
    found: np.ndarray,
    row: np.ndarray,
) -> None:
    """Counts over words, and the running sums from which any n-gram's hash follows in constant time."""
    spoken = 0
    spoken_characters = 0
    alphabetic = 0
    single = 0
    for place in range(stop_words.size):
        found[place] = False
    total = np.uint64(0)
    power = np.uint64(1)
    inverse = np.uint64(1)
    length = 0
    for word in range(count):
        sums[word] = total
        inverses[word] = inverse
        lengths[word] = length
        every = np.uint16(SYMBOL)
        some = np.uint16(0)
        for at in range(starts[word], ends[word]):
            flag = flags[at]
            every &= flag
            some |= flag
            total += (np.uint64(codes[at]) + np.uint64(1)) * power
            power *= np.uint64(BASE)
            inverse *= np.uint64(INVERSE)
        length += ends[word] - starts[word]
        if not every:
            spoken += 1
            spoken_characters += ends[word] - starts[word]
        alphabetic += some & LETTER != 0
        single += flags[starts[word]] & CHARACTER_WORD != 0
        tokens[word] = mix((total - sums[word]) * inverses[word] + np.uint64(ends[word] - starts[word]))
        if stop_words.size:
            value = small_hash(codes, np.int64(starts[word]), np.int64(ends[word]), small)
            place = find_sorted(stop_words, value)
            if place >= 0:
                found[place] = True
    sums[count] = total
    inverses[count] = inverse
    lengths[count] = length
    row[WORDS] = spoken
    row[ALL_WORDS] = count
    if spoken:
        row[MEAN_WORD_LENGTH] = spoken_characters / spoken
    if count:
        row[ALPHABETIC] = alphabetic / count
        row[CHARACTER_WORDS] = single / count
    if stop_words.size:
        different = 0
        for place in range(stop_words.size):
            different += found[place]
        row[STOP_WORDS] = different


@numba.njit(cache=True, nogil=True)
def measure_prose(
    offsets: np.ndarray,
    data: np.ndarray,
    table: np.ndarray,
    listed: tuple[np.ndarray, np.ndarray, np.ndarray],
    units: np.ndarray,
    pieces: bool,
    stop_words: np.ndarray,
    stop_bounds: np.ndarray,
    language: np.ndarray,
    small: np.ndarray,
    bullets: np.ndarray,
    as_written: bool,
    short_line: int,
    repetition: bool,
    c4: bool,
    c4_settings: np.ndarray,
    phrases: np.ndarray,
    phrase_bounds: np.ndarray,
) -> np.ndarray:
    """Metrics of n documents.

    Args:
        offsets: n + 1 byte offsets of a large_string array.
        data: its bytes, uint8.
        table: `characters.table()`.
        listed: `listed_pieces.listed_pieces()`.
        units: `listed_pieces.unit_hashes()`.
        pieces: whether words are what stands between white space, not `rule_words` (C4's sentences always need these).
        stop_words: hashes of the stop words of all languages, sorted within each language, uint64.
        stop_bounds: bounds of each language in `stop_words`.
        language: index of each document's language in these bounds, -1 where it has no list.
        small: `characters.small_letters()`, in which stop words are compared, or every code point itself.
        bullets: code points of the signs that begin a line of a list, uint32.
        as_written: whether the last character of a line is its end, whatever it is (`newline_lines`).
        short_line: characters of the longest "short" line.
        repetition: whether to measure repeated n-grams.
        c4: whether to measure C4's lines.
        c4_settings: see `c4_lines`.
        phrases: see `c4_lines`.
        phrase_bounds: bounds of each phrase.

    Returns:
        float64 matrix, a row a document, a column a name of `METRICS`.
    """
    documents = offsets.size - 1
    result = np.full((documents, len(METRICS)), np.nan)
    longest = 1
    for document in range(documents):
        longest = max(longest, offsets[document + 1] - offsets[document])
    codes = np.empty(longest, np.uint32)
    flags = np.empty(longest, np.uint16)
    starts = np.empty(4096, np.int32)
    ends = np.empty(4096, np.int32)
    line_starts = np.empty(256, np.int32)
    line_ends = np.empty(256, np.int32)
    line_codes = np.empty(256, np.uint32)
    line_flags = np.empty(256, np.uint16)
    keys = np.empty(16384, np.uint64)
    stamps = np.zeros(16384, np.int32)
    counts = np.empty(16384, np.int32)
    tokens = np.empty(4096, np.uint64)
    slots = np.empty(4096, np.int32)
    sums = np.empty(4097, np.uint64)
    inverses = np.empty(4097, np.uint64)
    lengths = np.empty(4097, np.int64)
    openings = phrase_openings(phrases, phrase_bounds)
    found = np.empty(stop_words.size + 1, np.bool_)
    stamp = np.int32(0)
    for document in range(documents):
        row = result[document]
        count = decode(data, offsets[document], offsets[document + 1], table, codes, flags)
        row[CHARACTERS] = count
        row[WORDS] = 0
        row[ALL_WORDS] = 0
        row[SENTENCES] = 0
        if count == 0:
            continue
        hashes = 0
        ellipses = 0
        dots = 0
        breaks = np.int64(1)
        for at in range(count):
            code = codes[at]
            hashes += code == 0x23
            ellipses += code == ELLIPSIS
            breaks += code == NEWLINE
            dots = dots + 1 if code == DOT else 0
            if dots == 3:
                ellipses += 1
                dots = 0
        starts, ends, words = split_words(codes, flags, np.int64(0), count, listed, units, starts, ends)
        if c4:
            lorem, curly, sentences, line_starts, line_ends, line_codes, line_flags = c4_lines(
                codes,
                flags,
                count,
                starts,
                ends,
                words,
                listed,
                units,
                c4_settings,
                phrases,
                phrase_bounds,
                openings,
                line_starts,
                line_ends,
                line_codes,
                line_flags,
            )
            row[LOREM] = lorem
            row[CURLY] = curly
            row[SENTENCES] = sentences
        if pieces:
            starts, ends, words = split_pieces(flags, np.int64(0), count, starts, ends)
        mask = table_mask(max(breaks, words))
        if mask >= keys.size:
            keys = np.empty(mask + 1, np.uint64)
            stamps = np.zeros(mask + 1, np.int32)
            counts = np.empty(mask + 1, np.int32)
        if words > tokens.size:
            tokens = np.empty(starts.size, np.uint64)
            slots = np.empty(starts.size, np.int32)
            sums = np.empty(starts.size + 1, np.uint64)
            inverses = np.empty(starts.size + 1, np.uint64)
            lengths = np.empty(starts.size + 1, np.int64)
        own = stop_words[:0]
        if language[document] >= 0:
            own = stop_words[stop_bounds[language[document]] : stop_bounds[language[document] + 1]]
        _words(codes, flags, starts, ends, words, tokens, sums, inverses, lengths, own, small, found, row)
        if words:
            row[HASHES] = hashes / words
            row[ELLIPSES] = ellipses / words
        marked_lines(codes, flags, count, bullets, row)
        row[TAGS] = tag_characters(codes, flags, count) / count
        mask = table_mask(breaks)
        stamp += 1
        paragraphs, repeated, characters = repeated_paragraphs(codes, flags, count, keys, stamps, stamp, mask)
        row[PARAGRAPHS] = repeated / paragraphs
        row[PARAGRAPH_CHARACTERS] = characters / count
        stamp += 1
        newlines = newline_lines(codes, flags, count, short_line, as_written, keys, stamps, stamp, mask, row)
        if words:
            row[NEWLINES] = newlines / words
        if repetition:
            mask = table_mask(words)
            for size in range(2, LARGEST_TOP + 1):
                if words >= size:
                    stamp += 1
                    row[TOP_2 + size - 2] = (
                        top_gram(tokens, starts, ends, words, size, keys, stamps, stamp, mask, counts, slots) / count
                    )
            for size in range(5, LARGEST_DUPLICATE + 1):
                stamp += 1
                row[DUPLICATE_5 + size - 5] = (
                    repeated_grams(sums, inverses, lengths, words, size, keys, stamps, stamp, mask) / count
                )
        # Stamps are 32-bit; start over long before they run out.
        if stamp > 2_000_000_000:
            stamps[:] = 0
            stamp = np.int32(0)
    return result
