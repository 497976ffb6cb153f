r"""Blocks: units that belong together, so that nothing is cut out of the middle of what a reader reads as one.

Paragraphs and lines are joined by the same rules; how a unit looks (heading, item, lead-in, tag) is defined in
`tamis/kernels/looks.py`.

* A heading with all that follows up to the next heading is one block, if these are at most `SECTION` paragraphs. In a
  longer section the heading is a block of its own. Where lines are joined every heading is.
* Elsewhere a unit and the next are one block if the first ends in a colon, comma, semicolon, dash or opening bracket;
  if the next begins with a small letter (a line only where the one before ends no sentence), or deeper than the block,
  or is an attribution; if both are items, or the block has had a lead-in and the next is an item; if either begins or
  ends with a tag of HTML; or if a fenced block of code (``` or ~~~, and again) is open between them.
* Of the lines of one paragraph besides: if the first is full (`tamis/kernels/wrapped_lines.py`) or has marks and no
  words; if the next is nothing but an address; if both are quoted (`>`); or, in a text that has blank lines, if the
  block begins with `--`, as signatures do, or the next is an item and the first ends no sentence.

Spans are bytes of the column's data buffer, as in `tamis/kernels/lines.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from tamis.kernels.lines import Units
from tamis.kernels.looks import (
    ADDRESS,
    ATTRIBUTION,
    HASHES,
    ITEM,
    LEAD_IN,
    OPEN,
    QUOTED,
    SHORT,
    SIGNATURE,
    SMALL,
    STOP,
    TAG_FIRST,
    TAG_LAST,
    UNDERLINED,
    WORDLESS,
    Looks,
    look,
    look_at_lines,
)
from tamis.kernels.wrapped_lines import full_lines

SECTION = 12
"""Most paragraphs of a section that is one block, its heading included. A section of a manual has three to eight; a
page of news under one title has more, and the notices between its paragraphs may go."""

TAG = TAG_FIRST | TAG_LAST


class Blocks(NamedTuple):
    """Blocks of n rows.

    units: one a block; the spans hold the gaps inside them.
    first: int64, the first of the joined units of each.
    level: int64, of the heading that a block begins with (`tamis/kernels/looks.py`); 0: none.
    alone: bool, those that are the heading and nothing else of a section.
    """

    units: Units
    first: np.ndarray
    level: np.ndarray
    alone: np.ndarray

    def marked(self) -> np.ndarray:
        """Headings alone that are marked as such, no short lines: bool, one a block."""
        return self.alone & (self.level < SHORT)


@njit(cache=True, nogil=True)
def _join(
    unit_offsets: np.ndarray,
    breaks: np.ndarray,
    flags: np.ndarray,
    level: np.ndarray,
    indent: np.ndarray,
    last: np.ndarray,
    fences: np.ndarray,
    tail: np.ndarray,
    full: np.ndarray,
    section: int,
    joined: np.ndarray,
    fenced: np.ndarray,
    first: np.ndarray,
    alone: np.ndarray,
    block_offsets: np.ndarray,
) -> int:
    """The first unit of each block, and whether it is the heading of a long section; returns their number."""
    block = 0
    for row in range(len(unit_offsets) - 1):
        high = unit_offsets[row + 1]
        unit = unit_offsets[row]
        spaced = False  # blank lines stand between some of its lines
        left = 0  # lines that open or close a fence; one that nothing closes is none
        for line in range(unit, high if joined[row] else unit):
            spaced |= line + 1 < high and breaks[line] > 1
            left += fences[line]
        told = 0
        for line in range(unit, high if joined[row] else unit):
            told += fences[line]
            fenced[line] = told % 2 == 1 and told < left
        while unit < high:
            first[block] = unit
            alone[block] = False
            block += 1
            if not joined[row]:
                unit += 1
                continue
            if level[unit] and not (unit > unit_offsets[row] and fenced[unit - 1]):
                heading = unit + 1
                while heading < high and tail[heading]:
                    heading += 1
                after = heading
                while section and after < high and (fenced[after - 1] or not level[after]):
                    after += 1
                if after - unit > section:
                    alone[block - 1] = True
                    unit = heading
                else:
                    unit = after
                continue
            margin = indent[unit]
            listed = last[unit] == LEAD_IN or flags[unit] & ITEM != 0
            while unit + 1 < high:
                following = unit + 1
                if not fenced[unit]:
                    if level[following]:
                        break
                    near = breaks[unit] == 1
                    small = flags[following] & SMALL != 0
                    if not (
                        last[unit] == LEAD_IN
                        or last[unit] == OPEN
                        or (small and not (near and last[unit] == STOP))
                        or flags[following] & ATTRIBUTION
                        or indent[following] > margin
                        or (listed and flags[following] & ITEM)
                        or (flags[unit] | flags[following]) & TAG
                        or (near and (full[unit] or flags[unit] & WORDLESS or flags[following] & ADDRESS))
                        or (near and flags[unit] & flags[following] & QUOTED)
                        or (near and spaced and flags[following] & ITEM and last[unit] != STOP)
                        or (near and spaced and flags[first[block - 1]] & SIGNATURE)
                    ):
                        break
                listed = listed or last[following] == LEAD_IN or flags[following] & ITEM != 0
                unit = following
            unit += 1
        block_offsets[row + 1] = block
    return block


def _blocks(units: Units, looks: Looks, tail: np.ndarray, full: np.ndarray, joined: np.ndarray, section: int) -> Blocks:
    count = len(units.starts)
    first, offsets = np.zeros(count, dtype=np.int64), np.zeros(len(units.offsets), dtype=np.int64)
    fenced, alone = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    given = (units.offsets, units.breaks, *looks, tail, full, section, joined, fenced)
    blocks = _join(*given, first, alone, offsets)
    first, alone = first[:blocks], alone[:blocks]
    final = np.append(first[1:], count) - 1 if blocks else first
    whole = Units(offsets, units.starts[first], units.ends[final], units.breaks[final])
    return Blocks(whole, first, looks.level[first], alone)


def join_paragraphs(data: np.ndarray, units: Units, joined: np.ndarray) -> Blocks:
    """Paragraphs that belong together as one.

    Args:
        data: uint8 from `tamis.kernels.words.buffers`.
        units: paragraphs or lines of it, from `tamis.kernels.lines.find_units`.
        joined: bool[n], rows whose units are joined; in the others each is a block, and none is a heading.

    Returns:
        The blocks.
    """
    none = np.zeros(len(units.starts), dtype=np.bool_)
    return _blocks(units, look(data, units, joined), none, none, joined, SECTION)


def join_lines(data: np.ndarray, lines: Units, joined: np.ndarray) -> Blocks:
    """Lines that belong together as one: a wrapped paragraph, a list with its lead-in; others stand alone.

    Args:
        data: uint8 from `tamis.kernels.words.buffers`.
        lines: lines of it, from `tamis.kernels.lines.find_units`.
        joined: bool[n], rows whose lines are joined; in the others each is a block, and none is a heading.

    Returns:
        The blocks; every heading is alone.
    """
    looks, tail = look_at_lines(data, lines, joined)
    return _blocks(lines, looks, tail, full_lines(data, lines, joined), joined, 0)


@njit(cache=True, nogil=True)
def _with_headings(offsets: np.ndarray, level: np.ndarray, alone: np.ndarray, cut_at: np.ndarray) -> None:
    for row in range(len(offsets) - 1):
        behind = 0  # level of the heading behind; 0 at the end of the text
        gone = 0  # blocks up to it, or -1 where one of them stays
        for block in range(offsets[row + 1] - 1, offsets[row] - 1, -1):
            here = level[block]
            if here == 0:
                gone = gone + 1 if gone >= 0 and cut_at[block] >= 0 else -1
                continue
            ends = behind in (0, here) or HASHES < behind < here < UNDERLINED
            if alone[block] and cut_at[block] < 0 and gone > 0 and here < SHORT and ends:
                cut_at[block] = cut_at[block + 1]
            behind, gone = here, 0


def with_headings(blocks: Blocks, cut_at: np.ndarray) -> None:
    """Let a marked heading that stands alone go with its section, where nothing of that stays.

    A section ends at the end of the text, or at a heading of the same level (of hash signs, or one above): what stands
    before another may be a part of it.

    Args:
        blocks: of some documents.
        cut_at: int64, at least 0 for each block that is cut, else -1; the headings that go get the value of the block
            behind them.
    """
    _with_headings(blocks.units.offsets, blocks.level, blocks.alone, cut_at)


@njit(cache=True, nogil=True)
def _keep_openings(offsets: np.ndarray, level: np.ndarray, alone: np.ndarray, cut_at: np.ndarray) -> None:
    for row in range(len(offsets) - 1):
        titled = False
        for block in range(offsets[row], offsets[row + 1]):
            marked = 0 < level[block] < SHORT
            if titled and marked and alone[block] and cut_at[block] < 0 and block + 1 < offsets[row + 1]:
                cut_at[block + 1] = -1
            titled |= marked


def keep_openings(blocks: Blocks, cut_at: np.ndarray) -> None:
    """Let what stands first under a marked heading stay where the heading stays.

    The first heading of a text is its title: under it stands what many pages share.

    Args:
        blocks: of some documents.
        cut_at: from `with_headings`; what stays gets -1.
    """
    _keep_openings(blocks.units.offsets, blocks.level, blocks.alone, cut_at)


@njit(cache=True, nogil=True)
def _sections(
    offsets: np.ndarray, first: np.ndarray, level: np.ndarray, section: np.ndarray, opens: np.ndarray
) -> None:
    for row in range(len(offsets) - 1):
        titled, here = False, -1
        for block in range(offsets[row], offsets[row + 1]):
            if 0 < level[block] < SHORT:
                here = block if titled else -1
                titled = True
            elif here >= 0:
                section[block] = here
                opens[block] = block == here + 1 and first[block] - first[here] == 1


def sections(blocks: Blocks) -> tuple[np.ndarray, np.ndarray]:
    """What a block stands under, where a marked heading and its text are not one block.

    Args:
        blocks: of some documents.

    Returns:
        The block of that heading: int64, -1 where there is none. Under the first heading of a text, its title, there is
        none either: there stands what many pages share. And whether the block opens that section: bool.
    """
    count = len(blocks.level)
    section, opens = np.full(count, -1, dtype=np.int64), np.zeros(count, dtype=np.bool_)
    _sections(blocks.units.offsets, blocks.first, blocks.level, section, opens)
    return section, opens
