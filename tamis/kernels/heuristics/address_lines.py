"""Lines that hold nothing but addresses: what they add to the counts of words and symbols.

A list of sources under an article, the targets of a change log's links, the downloads of an announcement: their words
are long and full of signs, and say nothing of the prose above them.
"""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.addresses import is_address
from tamis.kernels.heuristics.characters import DIGIT, LETTER, LINE_BREAK, QUOTE, SPACE, SYMBOL
from tamis.kernels.heuristics.prose_lines import DOT, ELLIPSIS, HASH, heading_mark

AT, COLON, SLASH, BACKSLASH, TILDE, LOWLINE = map(ord, "@:/\\~_")
OPENERS = tuple(map(ord, "<([{*_|"))
CLOSERS = tuple(map(ord, ">)]}*_|.,;"))
SQUARE, SQUARE_END = map(ord, "[]")


@numba.njit(cache=True, nogil=True)
def _is_path(codes: np.ndarray, flags: np.ndarray, start: int, end: int) -> bool:
    """Whether [start, end) is the path of a file, by how it begins and at least two separators (/usr/bin)."""
    first = start
    if codes[first] == TILDE or codes[first] == DOT:
        while first < end and (codes[first] == TILDE or codes[first] == DOT):
            first += 1
    elif first + 2 < end and flags[first] & LETTER and codes[first + 1] == COLON:
        first += 2
    if first >= end or (codes[first] != SLASH and codes[first] != BACKSLASH):
        return False
    separators = 0
    for at in range(first, end):
        separators += codes[at] == SLASH or codes[at] == BACKSLASH
    return separators >= 2


@numba.njit(cache=True, nogil=True)
def _is_one(codes: np.ndarray, flags: np.ndarray, start: int, end: int) -> bool:
    """Whether a piece without the marks around it is an address that is written as one.

    `is_address` also takes a bare host, and so `twisted.internet` and every dotted name: here a scheme, `www.`, an
    @ or a path must say that it is one.
    """
    while start < end and (flags[start] & QUOTE or codes[start] in OPENERS):
        start += 1
    while end > start and (flags[end - 1] & QUOTE or codes[end - 1] in CLOSERS):
        end -= 1
    if end - start < 4:
        return False
    if _is_path(codes, flags, start, end):
        return True
    for at in range(start, end - 2):
        if codes[at] == COLON and codes[at + 1] == SLASH and codes[at + 2] == SLASH:
            # A scheme before it, something behind it.
            for before in range(start, at):
                if codes[before] >= 0x80 or not flags[before] & (LETTER | DIGIT):
                    return False
            return at - start >= 2 and at + 3 < end
    known = codes[start] | 0x20 == 0x77 and codes[start + 1] | 0x20 == 0x77 and codes[start + 2] | 0x20 == 0x77
    for at in range(start + 1, end):
        known = known or codes[at] == AT
    return known and is_address(codes, flags, start, end)


@numba.njit(cache=True, nogil=True)
def _is_of_addresses(codes: np.ndarray, flags: np.ndarray, begin: int, stop: int) -> bool:
    """Whether the line [begin, stop) holds an address, and else only marks, numbers, or the name of a link before it.

    Names of links are those of reStructuredText (`.. _name: https://…`) and Markdown (`[name]: https://…`).
    """
    at = begin
    found = False
    named = False
    pieces = 0
    while at < stop:
        while at < stop and flags[at] & SPACE:
            at += 1
        start = at
        letters = False
        while at < stop and not flags[at] & SPACE:
            letters = letters or flags[at] & LETTER != 0
            at += 1
        if at == start:
            break
        pieces += 1
        if _is_one(codes, flags, start, at):
            found = True
            continue
        opens = (pieces == 1 and codes[start] == SQUARE) or (pieces == 2 and codes[start] == LOWLINE)
        if named or (letters and opens):
            # Up to the colon that ends the name.
            named = not (codes[at - 1] == COLON and (codes[begin] != SQUARE or codes[at - 2] == SQUARE_END))
            continue
        if letters:
            return False
    return found and not named


@numba.njit(cache=True, nogil=True)
def address_lines(
    codes: np.ndarray,
    flags: np.ndarray,
    count: int,
    breaks: np.ndarray,
    lines: int,
    starts: np.ndarray,
    ends: np.ndarray,
    words: int,
) -> tuple[int, int, int, int, int]:
    """What lines of addresses hold.

    Args:
        codes: code points.
        flags: of each, from `characters.decode`.
        count: how many.
        breaks: places of the line breaks.
        lines: how many.
        starts: where words start.
        ends: where they end.
        words: how many.

    Returns:
        their words, those of them that are not mere punctuation, the characters of these, hash signs that mark no
        heading, and ellipses (a row of dots is one).
    """
    all_words = 0
    spoken = 0
    characters = 0
    hashes = 0
    ellipses = 0
    word = 0
    first: int = np.int64(0)  # type: ignore[assignment]
    for place in range(lines + 1):
        end = breaks[place] if place < lines else count
        start = first
        begin = first
        first = end + 1
        while begin < end and flags[begin] & (SPACE | LINE_BREAK):
            begin += 1
        while word < words and starts[word] < begin:
            word += 1
        if begin >= end or not _is_of_addresses(codes, flags, begin, end):
            continue
        while word < words and starts[word] < end:
            all_words += 1
            every = np.uint16(SYMBOL)
            for at in range(starts[word], ends[word]):
                every &= flags[at]
            if not every:
                spoken += 1
                characters += ends[word] - starts[word]
            word += 1
        dots = 0
        hashes -= heading_mark(codes, flags, start, end)
        for at in range(begin, end):
            code = codes[at]
            hashes += code == HASH
            ellipses += code == ELLIPSIS and (at == begin or codes[at - 1] != ELLIPSIS)
            dots = dots + 1 if code == DOT else 0
            ellipses += dots == 3
    return all_words, spoken, characters, hashes, ellipses
