r"""The words of a text that a reader sees: without HTML tags, entities and the spacing of LaTeX.

`tamis.kernels.words` takes every run of letters and digits for a word, so wrapping, case, punctuation, quotes and
Markdown change nothing. Three kinds of markup still do, because they are written in letters: a tag
(`<p class="stem">`), an entity (`&rsquo;`, `&#39;`), and commands of LaTeX that only set type (`\left(`, `\quad`,
`\text{…}`). Their words are taken out here, from benchmark items and from documents alike; `\dfrac` and `\tfrac`
count as `\frac`. `x < y` and `vector<int>` are no tags: only the names of HTML's elements open one, and a tag ends
before the next `<` and has at most 256 bytes, so that a long attribute (`alt`, `data-question`) is read and the work is
linear in the text.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from tamis.kernels.folded_characters import character_table
from tamis.kernels.words import WORD_KEY, buffers, document_words, word_hashes

TAGS = (
    "a abbr address article aside audio b blockquote body br button caption center cite code col colgroup dd del "
    "details dfn div dl dt em embed fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr "
    "html i iframe img input ins kbd label legend li link main mark math mfrac mi mn mo mrow msqrt msub msup "
    "mtext menu meta nav noscript object ol optgroup option p picture pre q rp rt ruby s samp script section "
    "select small source span strike strong style sub summary sup svg table tbody td textarea tfoot th thead time "
    "title tr tt u ul var video wbr "
)
ENTITIES = (
    "amp lt gt quot apos nbsp ensp emsp thinsp zwj zwnj shy lsquo rsquo sbquo ldquo rdquo bdquo laquo raquo "
    "lsaquo rsaquo ndash mdash hellip bull middot times divide minus plusmn le ge ne deg prime copy reg trade "
    "sect para dagger cent pound euro yen larr rarr uarr darr harr infin sum prod radic asymp equiv "
)
LATEX = (
    "left right big bigl bigr bigg biggl biggr quad qquad hspace vspace hfill displaystyle textstyle scriptstyle "
    "limits nolimits text textbf textit textrm texttt textsf mathrm mathbf mathit mathsf mathtt emph mbox hbox "
    "phantom hphantom vphantom bf it rm tt em operatorname noindent newline par "
)
SLOTS = 1024
"""Of the tables of names: a power of two above twice the names of one."""
LONGEST_TAG = 256


class Names(NamedTuple):
    """Hashes of names: uint64[SLOTS] each, open addressing by the low bits, 0 where there is none."""

    tags: np.ndarray
    entities: np.ndarray
    latex: np.ndarray
    same: np.ndarray
    """uint64[3]: `dfrac`, `tfrac`, and `frac`, which they are taken for."""


def _table(names: str) -> np.ndarray:
    found = np.zeros(SLOTS, np.uint64)
    for value in word_hashes(*buffers(pa.array(names.split())))[1]:
        at = int(value) % SLOTS
        while found[at]:
            at = (at + 1) % SLOTS
        found[at] = value
    return found


@cache
def names() -> Names:
    """The tables, made once a process."""
    same = word_hashes(*buffers(pa.array(["dfrac", "tfrac", "frac"])))[1].copy()
    return Names(_table(TAGS), _table(ENTITIES), _table(LATEX), same)


@njit(cache=True, nogil=True, inline="always")
def _among(table: np.ndarray, value: np.uint64) -> bool:
    at = np.int64(value & np.uint64(SLOTS - 1))
    while table[at] != 0:
        if table[at] == value:
            return True
        at = (at + 1) & (SLOTS - 1)
    return False


@njit(cache=True, nogil=True)
def _tag_end(data: np.ndarray, start: int, end: int) -> int:
    """The byte after a tag that has begun; `start` where it is none."""
    for i in range(start, min(end, start + LONGEST_TAG)):
        if data[i] == 0x3E:
            return i + 1
        if data[i] == 0x3C:
            break
    return start


@njit(cache=True, nogil=True)
def visible_words(
    data: np.ndarray,
    start: int,
    end: int,
    table: np.ndarray,
    known: Names,
    hashes: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
) -> int:
    """The words of data[start:end] that a reader sees, into the front of three arrays.

    Args:
        data: uint8 bytes of UTF-8.
        start: first byte.
        end: byte after the last.
        table: `character_table()`.
        known: `names()`.
        hashes: uint64 with room for (end - start + 1) // 2 + 1 words.
        starts: int64 likewise, the first byte of each.
        ends: int64 likewise, the byte after each.

    Returns:
        How many there are.
    """
    count = document_words(data, start, end, WORD_KEY, table, hashes, starts, ends, 0, WORD_KEY, hashes[:0])
    kept = 0
    hidden = start
    for j in range(count):
        at = starts[j]
        if at < hidden:
            continue
        value = hashes[j]
        if at > start:
            before = data[at - 1]
            if before == 0x5C:
                if _among(known.latex, value):
                    continue
                if value == known.same[0] or value == known.same[1]:
                    value = known.same[2]
            elif before == 0x3C or (before == 0x2F and at - 1 > start and data[at - 2] == 0x3C):
                # Behind a name stands white space, `/` or `>`.
                if (
                    ends[j] < end
                    and data[ends[j]] in (0x20, 0x0A, 0x09, 0x0D, 0x2F, 0x3E)
                    and _among(known.tags, value)
                ):
                    after = _tag_end(data, ends[j], end)
                    if after > ends[j]:
                        hidden = after
                        continue
            elif ends[j] < end and data[ends[j]] == 0x3B:
                if before == 0x26 and _among(known.entities, value):
                    continue
                if before == 0x23 and at - 1 > start and data[at - 2] == 0x26 and ends[j] - at <= 8:
                    continue
        hashes[kept] = value
        starts[kept] = at
        ends[kept] = ends[j]
        kept += 1
    return kept


@njit(cache=True, nogil=True)
def _all(
    offsets: np.ndarray, data: np.ndarray, table: np.ndarray, known: Names, word_offsets: np.ndarray
) -> np.ndarray:
    widest = 0
    for row in range(len(offsets) - 1):
        widest = max(widest, offsets[row + 1] - offsets[row])
    room = widest // 2 + 2
    hashes, starts, ends = np.empty(room, np.uint64), np.empty(room, np.int64), np.empty(room, np.int64)
    found = np.empty((offsets[-1] - offsets[0] + len(offsets)) // 2 + 1, np.uint64)
    position = 0
    for row in range(len(offsets) - 1):
        count = visible_words(data, offsets[row], offsets[row + 1], table, known, hashes, starts, ends)
        found[position : position + count] = hashes[:count]
        position += count
        word_offsets[row + 1] = position
    return found[:position].copy()


def visible_hashes(texts: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of the visible words of every row.

    Args:
        texts: n strings, none of them null.

    Returns:
        int64[n + 1] word offsets and uint64[words] hashes.
    """
    offsets, data = buffers(texts)
    word_offsets = np.zeros(len(offsets), np.int64)
    return word_offsets, _all(offsets, data, character_table(), names(), word_offsets)
