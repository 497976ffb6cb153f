"""Everything the prose rules look at, measured in one pass over Arrow's text buffers.

One row of `METRICS` a document, float64; NaN where a quantity is not defined (no words, no list of stop words). Ratios
are one division of two integers, so they equal what any other exact implementation computes, bit for bit.

Strings are compared by 64-bit hashes of their code points (a chance of about 10⁻¹⁰ of one false repeat in a document of
100,000 words; a text made to collide harms only itself). Scratch grows with the longest document: about 72 bytes a word
and 18 bytes a character of it.
"""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.address_lines import address_lines
from tamis.kernels.heuristics.c4_lines import BRACE, CITATION, c4_lines
from tamis.kernels.heuristics.characters import CHARACTER_WORD, LETTER, LINE_BREAK, SPACE, SYMBOL, decode
from tamis.kernels.heuristics.listed_pieces import find_sorted, mix, small_hash
from tamis.kernels.heuristics.phrases import openings
from tamis.kernels.heuristics.pieces import split_pieces
from tamis.kernels.heuristics.polynomials import BASE, INVERSE, power_at, powers_of
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
    WORDS,
)
from tamis.kernels.heuristics.prose_lines import (
    DOT,
    ELLIPSIS,
    HASH,
    LESS,
    heading_mark,
    marked_lines,
    newline_lines,
    tag_characters,
)
from tamis.kernels.heuristics.repetition import (
    LARGEST_DUPLICATE,
    SMALLEST_DUPLICATE,
    repeated_grams,
    repeated_openings,
    repeated_paragraphs,
    screen_mask,
    table_mask,
    top_grams,
)
from tamis.kernels.heuristics.rule_words import split_words

# Pairs of six bits of the first and of the last letter: four words in five are no stop word by these.
STOP_ENDS = 1 << 12


@numba.njit(cache=True, nogil=True)
def _scan(
    codes: np.ndarray, flags: np.ndarray, count: int, breaks: np.ndarray, as_written: bool
) -> tuple[int, int, bool, bool, int]:
    """Look at every character once.

    Args:
        codes: code points.
        flags: of each, from `characters.decode`.
        count: how many.
        breaks: places of the line breaks, to write.
        as_written: whether every hash sign counts, and every … and every three dots of a longer row of them.

    Returns:
        hash signs that mark no heading, ellipses (… or three dots; a row of either is one, as in the blanks of a form),
        whether there is a square or curly bracket, whether there is a `<`, and how many line breaks, whose places are
        written into `breaks`.
    """
    hashes = 0
    ellipses = 0
    brackets = 0
    less = 0
    for at in range(count):
        code = codes[at]
        hashes += code == HASH
        ellipses += code == ELLIPSIS
        brackets += code == CITATION
        brackets += code == BRACE
        less += code == LESS
    lines: int = np.int64(0)  # type: ignore[assignment]
    dots = 0
    for at in range(count):
        if flags[at] & LINE_BREAK:
            breaks[lines] = at
            lines += 1
        if codes[at] == DOT:
            dots += 1
            if dots == 3:
                ellipses += 1
                dots = 0 if as_written else dots
        else:
            dots = 0
    if not as_written and ellipses:
        for at in range(1, count):
            ellipses -= codes[at] == ELLIPSIS and codes[at - 1] == ELLIPSIS
    if not as_written and hashes:
        start = 0
        for line in range(lines + 1):
            end = breaks[line] if line < lines else count
            hashes -= heading_mark(codes, flags, start, end)
            start = end + 1
    return hashes, ellipses, brackets > 0, less > 0, lines


@numba.njit(cache=True, nogil=True)
def _stop_words(
    codes: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    count: int,
    stop_words: np.ndarray,
    stop_ends: np.ndarray,
    longest: int,
    small: np.ndarray,
    found: np.ndarray,
) -> int:
    """How many different stop words a document has."""
    for place in range(stop_words.size):
        found[place] = False
    different = 0
    for word in range(count):
        start = np.int64(starts[word])
        end = np.int64(ends[word])
        if end - start > longest:
            continue
        if not stop_ends[(small[codes[start]] & 63) << 6 | small[codes[end - 1]] & 63]:
            continue
        place = find_sorted(stop_words, small_hash(codes, start, end, small))
        if place >= 0 and not found[place]:
            found[place] = True
            different += 1
            if different == stop_words.size:
                break
    return different


@numba.njit(cache=True, nogil=True)
def _words(
    codes: np.ndarray,
    flags: np.ndarray,
    characters: int,
    starts: np.ndarray,
    ends: np.ndarray,
    count: int,
    tokens: np.ndarray,
    prefix: np.ndarray,
    powers: tuple[np.ndarray, np.ndarray],
    inverses: tuple[np.ndarray, np.ndarray],
    lengths: np.ndarray,
    as_written: bool,
    row: np.ndarray,
) -> tuple[int, int]:
    """Counts over words, and the running sums from which any n-gram's hash follows in constant time.

    Words are all of the text that is no white space, whatever they are cut by, so that the sums need no words.
    Of words that are not mere punctuation some share has a letter; with `as_written` it is a share of all.

    Returns:
        words that are not mere punctuation, and their characters.
    """
    total = np.uint64(0)
    length = np.int64(0)
    for at in range(characters):
        prefix[length] = total
        # No branch: every sixth character is a blank, and none knows which.
        kept = np.int64(1) - np.int64(flags[at] & SPACE)
        total += (np.uint64(codes[at]) + np.uint64(1)) * power_at(powers, length) * np.uint64(kept)
        length += kept
    prefix[length] = total
    spoken = 0
    spoken_characters = 0
    alphabetic = 0
    single = 0
    length = np.int64(0)
    for word in range(count):
        start = starts[word]
        own = ends[word] - start
        lengths[word] = length
        tokens[word] = mix((prefix[length + own] - prefix[length]) * power_at(inverses, length) + np.uint64(own))
        length += own
        # The first character says it of nearly all.
        every = flags[start]
        some = every
        if every & SYMBOL or not some & LETTER:
            for at in range(start + 1, ends[word]):
                every &= flags[at]
                some |= flags[at]
        if not every & SYMBOL:
            spoken += 1
            spoken_characters += own
        alphabetic += some & LETTER != 0
        single += flags[start] & CHARACTER_WORD != 0
    lengths[count] = length
    row[WORDS] = spoken
    row[ALL_WORDS] = count
    if count:
        row[ALPHABETIC] = alphabetic / (count if as_written else max(spoken, 1))
        row[CHARACTER_WORDS] = single / count
    return spoken, spoken_characters


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
    stop_ends: np.ndarray,
    stop_longest: np.ndarray,
    language: np.ndarray,
    small: np.ndarray,
    bullets: np.ndarray,
    as_written: bool,
    addresses_count: bool,
    short_line: int,
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
        stop_ends: for each language and pair of ends whether a stop word has them, bool[languages, `STOP_ENDS`].
        stop_longest: characters of the longest stop word of each language, int64.
        language: index of each document's language in these bounds, -1 where it has no list.
        small: `characters.small_letters()`, in which stop words are compared, or every code point itself.
        bullets: code points of the signs that begin a line of a list, uint32.
        as_written: whether the last character of a line is its end, whatever it is (`newline_lines`), every hash
            sign and ellipsis counts (`_scan`), and punctuation among the words of which some have a letter.
        addresses_count: whether lines of nothing but addresses count for the length of words, hash signs and ellipses.
        short_line: characters of the longest "short" line.
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
    chosen = np.empty(4096, np.int32)
    places = np.empty(4096, np.int32)
    screen = np.empty(1 << 16, np.uint8)
    lengths = np.empty(4097, np.int64)
    prefix = np.empty(longest + 1, np.uint64)
    powers = powers_of(BASE, longest)
    inverses = powers_of(INVERSE, longest + 1)
    breaks = np.empty(longest, np.int32)
    sentence_starts = np.empty(256, np.int32)
    sentence_ends = np.empty(256, np.int32)
    phrase_screen = openings(phrases, phrase_bounds)
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
        hashes, ellipses, bracketed, tagged, lines = _scan(codes, flags, count, breaks, as_written)
        if pieces:
            starts, ends, words, sentence_starts, sentence_ends, sentence_words = split_pieces(
                codes, flags, count, listed, units, starts, ends, sentence_starts, sentence_ends
            )
        else:
            sentence_starts, sentence_ends, sentence_words = split_words(
                codes, flags, np.int64(0), count, listed, units, sentence_starts, sentence_ends
            )
        lorem, curly, sentences, line_starts, line_ends, line_codes, line_flags = c4_lines(
            codes,
            flags,
            count,
            breaks,
            lines,
            bracketed,
            sentence_starts,
            sentence_ends,
            sentence_words,
            listed,
            units,
            c4_settings,
            phrases,
            phrase_bounds,
            phrase_screen,
            line_starts,
            line_ends,
            line_codes,
            line_flags,
        )
        row[CURLY] = curly
        row[SENTENCES] = sentences
        if not pieces:
            starts, sentence_starts = sentence_starts, starts
            ends, sentence_ends = sentence_ends, ends
            words = sentence_words
        mask = table_mask(max(lines + 1, words))
        if mask >= keys.size:
            keys = np.empty(mask + 1, np.uint64)
            stamps = np.zeros(mask + 1, np.int32)
            counts = np.empty(mask + 1, np.int32)
        if words > tokens.size:
            tokens = np.empty(starts.size, np.uint64)
            slots = np.empty(starts.size, np.int32)
            chosen = np.empty(starts.size, np.int32)
            places = np.empty(starts.size, np.int32)
            lengths = np.empty(starts.size + 1, np.int64)
        spoken, characters = _words(
            codes, flags, count, starts, ends, words, tokens, prefix, powers, inverses, lengths, as_written, row
        )
        others = words
        if not addresses_count:
            away = address_lines(codes, flags, count, breaks, lines, starts, ends, words)
            # Where there is nothing else, that is what is judged.
            if away[1] < spoken:
                others -= away[0]
                spoken -= away[1]
                characters -= away[2]
                hashes -= away[3]
                ellipses -= away[4]
        if spoken:
            row[MEAN_WORD_LENGTH] = characters / spoken
        its = language[document]
        if its >= 0:
            own = stop_words[stop_bounds[its] : stop_bounds[its + 1]]
            row[STOP_WORDS] = _stop_words(
                codes, starts, ends, words, own, stop_ends[its], stop_longest[its], small, found
            )
        row[LOREM] = lorem / max(words, 1)
        if others:
            row[HASHES] = hashes / others
            row[ELLIPSES] = ellipses / others
        marked_lines(codes, flags, count, breaks, lines, bullets, row)
        row[TAGS] = tag_characters(codes, flags, count) / count if tagged else 0.0
        mask = table_mask(lines + 1)
        stamp += 1
        paragraphs, again, characters = repeated_paragraphs(
            codes, flags, count, breaks, lines, as_written, keys, stamps, stamp, mask
        )
        row[PARAGRAPHS] = again / paragraphs
        row[PARAGRAPH_CHARACTERS] = characters / count
        stamp += 1
        newlines = newline_lines(
            codes, flags, count, breaks, lines, short_line, as_written, keys, stamps, stamp, mask, row
        )
        if words:
            row[NEWLINES] = newlines / words
        mask = table_mask(words)
        if screen_mask(words) >= screen.size:
            screen = np.empty(screen_mask(words) + 1, np.uint8)
        stamp = np.int32(
            top_grams(
                tokens,
                lengths,
                words,
                count,
                as_written,
                keys,
                stamps,
                stamp,
                mask,
                screen,
                places,
                counts,
                slots,
                chosen,
                row,
            )
        )
        number = repeated_openings(prefix, inverses, lengths, words, screen, places, chosen)
        for size in range(SMALLEST_DUPLICATE, LARGEST_DUPLICATE + 1):
            stamp += 1
            row[DUPLICATE_5 + size - SMALLEST_DUPLICATE] = (
                repeated_grams(prefix, inverses, lengths, words, size, keys, stamps, stamp, mask, chosen, number)
                / count
            )
        # Stamps are 32-bit; start over long before they run out.
        if stamp > 2_000_000_000:
            stamps[:] = 0
            stamp = np.int32(0)
    return result
