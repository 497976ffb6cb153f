"""The records of an archive, one after the other, whatever stands between them.

A record is as long as its head says where another one, or the end of its member, follows; else the head is wrong, or
something lies between. Then, unless a digest says that its length is right, the record ends where a head stands inside
of the block (a length that was counted with other line ends, or made up), and extracted text (`conversion`) goes on to
the next head (a length in characters); else what follows is passed over to the next head and listed. What lies behind
a record of more than the limit is trusted to its length, because it is not held; only a plain file's own length is
known before.

Memory: one record of at most `limit` bytes, and as much again for the copy of its block that is handed out.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tamis.errors import SourceError
from tamis.readers.webarchive.digests import holds
from tamis.readers.webarchive.heads import (
    ARC,
    HEAD_BYTES,
    LINE_BYTES,
    NEXT_ARC,
    NEXT_WARC,
    WARC,
    Head,
    arc_head,
    begins,
    warc_head,
)
from tamis.readers.webarchive.members import compression_of, pieces
from tamis.readers.webarchive.window import Window

SLACK = 4_096
"""Bytes behind a record that are looked at."""

SHORTEST = 32
"""Bytes by which a head is known; fewer may be the beginning of one that goes on in the next member."""

HASHED_BYTES = 1 << 30
"""Bytes of an archive that are held against digests to know where records end, at most: an archive whose small records
all claim to be large has each of them hashed."""

WHOLE = (0, sys.maxsize)
"""A part that is all of a file."""

LINE_ENDS = b"\r\n"
ANY_LINE_ENDS = re.compile(rb"[\r\n]*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something lies.

    Attributes:
        number: its place in the file, from 1; what cannot be read counts.
        offset: of its member in the file, as an index has it; of a plain file its own.
        inside: bytes of the member before it.
    """

    number: int
    offset: int
    inside: int

    def __str__(self) -> str:
        return f"offset {self.offset}" + (f" + {self.inside} decompressed" if self.inside else "")


@dataclass(frozen=True, slots=True)
class Found:
    """A record.

    Attributes:
        place: where it lies.
        head: what stands before it.
        block: what it holds; None where nobody wants it.
        size: bytes of the block, which the head may give as others.
    """

    place: Place
    head: Head
    block: bytes | None
    size: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that cannot be read.

    Attributes:
        place: where it lies.
        reason: `truncated`, `damaged`, `garbage`, `bad_header`, `wrong_length` or `too_large`.
        detail: what was found.
        url: of the record, where it has one.
    """

    place: Place
    reason: str
    detail: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What lies before the part that is read.

    Attributes:
        item: what it is, without its block.
    """

    item: Found | Lost


def records(file: IO[bytes], limit: int, wanted: Callable[[Head], bool]) -> Iterator[Found | Lost]:
    """All records of an archive.

    Args:
        file: plain, gzip, LZ4 or zstd, at its beginning.
        limit: bytes of the longest block to hold.
        wanted: whether the block of a record is to be handed out.

    Raises:
        SourceError: the dictionary that a zstd archive brings is damaged.
    """
    return (item for item in records_of(file, limit, wanted, WHOLE) if not isinstance(item, Earlier))


def records_of(
    file: IO[bytes], limit: int, wanted: Callable[[Head], bool], part: tuple[int, int]
) -> Iterator[Found | Lost | Earlier]:
    """The records of a part of an archive, as they are in the whole, behind all that lies before it.

    What lies before a part is gone through like the rest, for it decides what becomes of what follows: numbers, damage,
    lengths. That takes 6 % of the time in which pages become documents.

    Args:
        file: as for `records`.
        limit: likewise.
        wanted: likewise; asked of records in the part.
        part: how many bytes of the file are read when its first record begins, at least, and when the first one behind
            it does. Parts that border on each other have each record once.
    """
    return _Scanner(file, limit, wanted, part).all()


def is_archive(path: Path) -> bool:
    """Whether a file begins like an archive; not where its first member is damaged, or it cannot be opened."""
    try:
        with path.open("rb") as file:
            first = next((piece.data for piece in pieces(file, begins) if piece.data), b"")
    except (OSError, SourceError):
        return False
    start = first.lstrip(LINE_ENDS)
    return bool(WARC.match(start)) or start.startswith(b"filedesc:")


def _past_line_ends(data: bytearray, start: int) -> int:
    match = ANY_LINE_ENDS.match(data, start)
    return match.end() if match else start


class _Scanner:
    """Goes from record to record."""

    def __init__(self, file: IO[bytes], limit: int, wanted: Callable[[Head], bool], part: tuple[int, int]) -> None:
        plain = compression_of(file.read(4)) is None
        self._size = file.seek(0, os.SEEK_END) if plain else None
        file.seek(0)
        self._window = Window(pieces(file, begins), begins)
        self._limit, self._handed_out, self._part = limit, wanted, part
        self._inside = False
        """Whether the part has begun."""
        self._number = 0
        self._arc: bool | None = None
        """Whether the records are ARC's; what is not known yet is either."""
        self._endless = (0, 0)
        """Offset of a member and bytes of it up to which a head was found to have no end."""
        self._hashed = 0

    def all(self) -> Iterator[Found | Lost | Earlier]:
        window = self._window
        while window.next_member():
            while self._pass_line_ends():
                if self._past_part():
                    return
                item = self._next()
                yield item if self._inside else Earlier(item)
            if window.damage is not None:
                if self._past_part():
                    return
                lost = self._lost("damaged", window.damage)
                yield lost if self._inside else Earlier(lost)

    def _past_part(self) -> bool:
        """Whether what begins here belongs to a later part."""
        # One member may be all of a compressed file: how far it was read tells, not where its member begins.
        reached = self._window.reached if self._size is None else self._window.inside
        self._inside = reached >= self._part[0]
        return reached >= self._part[1]

    def _wanted(self, head: Head) -> bool:
        return self._inside and self._handed_out(head)

    def _place(self) -> Place:
        self._number += 1
        window = self._window
        if self._size is not None:
            return Place(self._number, window.inside, 0)
        return Place(self._number, window.offset, window.inside)

    def _lost(self, reason: str, detail: str, place: Place | None = None, url: str = "") -> Lost:
        if reason == "damaged":
            # Said once.
            self._window.damage = None
        return Lost(place or self._place(), reason, detail, url)

    def _pass_line_ends(self) -> bool:
        """Go to the next byte that ends no line; False: this member has none."""
        window = self._window
        while window.fill(SLACK):
            window.advance(_past_line_ends(window.data, window.at))
            if not window.over:
                return True
        return False

    def _next(self) -> Found | Lost:
        window = self._window
        head = self._head()
        if head is None:
            return self._pass_garbage()
        place = self._place()
        if head.length is None:
            window.skip(head.size)
            told = head.fields.get("content-length")
            return self._lost("bad_header", f"its Content-Length is {told!r}" if told else "no length", place, head.url)
        past = self._size is not None and window.inside + head.size + head.length > self._size
        if head.length <= self._limit or past:
            return self._held(place, head, past=past)
        if (found := window.skip(head.size + head.length) - head.size) < head.length:
            return self._short(place, head, max(0, found))
        if self._wanted(head):
            detail = f"{head.length} bytes, limit {self._limit}"
            return self._lost("too_large", detail, place, head.url)
        return Found(place, head, None, head.length)

    def _short(self, place: Place, head: Head, found: int) -> Lost:
        """A record that ends before its end."""
        window = self._window
        damage = window.damage
        window.advance(len(window.data))
        detail = f"{found} of its {head.length} bytes are there"
        if damage is not None:
            return self._lost("damaged", f"{detail}: {damage}", place, head.url)
        return self._lost("truncated", detail, place, head.url)

    def _held(self, place: Place, head: Head, *, past: bool) -> Found | Lost:
        """A record that fits into memory, or whose length is past the end of a plain file."""
        window, length = self._window, head.length or 0
        need = head.size + length
        while (there := window.fill(min(need, self._limit + head.size) + SLACK)) < need and window.join():
            pass
        start = window.at + head.size
        short = there < need
        closed = not short and self._closes(window.at + need)
        end = window.at + min(need, there)
        if not closed and window.damage is None:
            right = not short and self._is_right(head, start, end)
            following = None if right else self._real_end(head, start, end)
            if following is not None:
                # The line end before the next head belongs to no text.
                size = len(window.data[start:following].rstrip(LINE_ENDS))
                return self._found(place, head, start, size, following)
        if past and there >= self._limit:
            window.advance(start)
            detail = f"its length is given as {length} bytes, more than the file has"
            return self._lost("wrong_length", detail, place, head.url)
        if short:
            return self._short(place, head, there - head.size)
        if window.damage is not None and there - need <= len(LINE_ENDS) * 2:
            window.advance(len(window.data))
            return self._lost("damaged", window.damage, place, head.url)
        return self._found(place, head, start, length, end)

    def _is_right(self, head: Head, start: int, end: int) -> bool:
        """Whether a digest says that a block is as long as its head says."""
        self._hashed += end - start
        if self._hashed > HASHED_BYTES:
            return False
        with memoryview(self._window.data) as view, view[start:end] as block:
            return holds(head.fields, block)

    def _real_end(self, head: Head, start: int, end: int) -> int | None:
        """Where a record ends that does not end where its head says; None: nothing says that it ends elsewhere."""
        window = self._window
        following = self._next_head(start - 1, end + SLACK)
        if following is not None and following <= end:
            return following
        if head.type != "conversion":
            return None
        # Text whose length was counted in characters, not bytes, goes on to the next head.
        there = window.at + window.fill(end - window.at + self._limit)
        following = self._next_head(end - 1, there)
        return there if following is None and window.ended else following

    def _found(self, place: Place, head: Head, start: int, size: int, end: int) -> Found:
        window = self._window
        block = bytes(memoryview(window.data)[start : start + size]) if self._wanted(head) else None
        window.advance(end)
        return Found(place, head, block, size)

    def _closes(self, end: int) -> bool:
        """Whether nothing but line ends lies between a place and the next head, or the end of the member."""
        data = self._window.data
        start = _past_line_ends(data, end)
        if start == len(data):
            return True
        return bool((ARC if self._arc else WARC).match(data, start))

    def _head(self) -> Head | None:
        """The head that begins here; None: none does, or it has no end."""
        window = self._window
        while window.fill(SLACK) < SHORTEST and window.join():
            pass
        if self._arc is not True and WARC.match(window.data, window.at):
            for size in (SLACK, HEAD_BYTES):
                there = window.fill(size)
                while (head := self._warc_head()) is None and there < size and window.join():
                    there = window.fill(size)
                if head is not None:
                    self._arc = False
                    return head
            # Beginnings of heads that have no end are not searched for one again and again.
            self._endless = (window.offset, window.inside + min(there, HEAD_BYTES) - len(LINE_ENDS) * 2)
        elif self._arc is not False:
            while window.data.find(b"\n", window.at) < 0 and window.fill(LINE_BYTES) < LINE_BYTES and window.join():
                pass
            if match := ARC.match(window.data, window.at):
                self._arc = True
                return arc_head(match)
        return None

    def _warc_head(self) -> Head | None:
        window = self._window
        offset, inside = self._endless
        known = window.at + inside - window.inside if offset == window.offset else 0
        return warc_head(window.data, window.at, known)

    def _next_head(self, start: int, end: int) -> int | None:
        """Where the first head begins that stands at the beginning of a line, from a place on."""
        place = None
        for pattern, known in ((NEXT_WARC, False), (NEXT_ARC, True)):
            if self._arc is None or self._arc is known:
                # Behind a head of the one format nobody looks for one of the other, again and again.
                match = pattern.search(self._window.data, start, end if place is None else place)
                place = match.end() if match else place
        return place

    def _pass_garbage(self) -> Lost:
        """Go on to the next head, or to the end of the member."""
        window, place = self._window, self._place()
        passed = 0
        while True:
            there = window.fill(1 << 20)
            following = self._next_head(window.at, len(window.data))
            step = (following or len(window.data)) - window.at
            if following is None and not window.over and there >= 1 << 20:
                # A head may begin in the last bytes.
                step = there - LINE_BYTES
            passed += step
            window.advance(window.at + step)
            if following is not None or there < 1 << 20:
                break
        if window.damage is not None and window.over:
            return self._lost("damaged", f"{passed} bytes of no record, then {window.damage}", place)
        return self._lost("garbage", f"{passed} bytes that belong to no record", place)
