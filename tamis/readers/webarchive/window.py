"""A stretch of an archive's bytes in memory, with what a scanner asks of it: look ahead, go on, join members."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tamis.readers.webarchive.members import Piece

COMPACTED = 1 << 20
"""Bytes that were passed before they are given back."""


class Window:
    """The bytes of one member at a time, from the place that a scanner has reached."""

    def __init__(self, pieces: Iterator[Piece], begins: Callable[[bytes], bool]) -> None:
        """Stand before the first member.

        Args:
            pieces: of the archive.
            begins: whether a record begins with these bytes.
        """
        self.data = bytearray()
        self.at = 0
        """Place in `data`."""
        self.offset = 0
        """Where the member begins in the file."""
        self.damage: str | None = None
        """Why the member ends before its end, known once it was read so far."""
        self.reached = 0
        """Bytes of the file before those that the last piece was made of, at most so far; a compressed file's."""
        self._pieces, self._begins = pieces, begins
        self._following = next(pieces, None)
        self._passed = 0
        """Bytes of the member before `data`."""
        self.ended = True
        """Whether the member was read to its end."""

    def next_member(self) -> bool:
        """Go to the next member, past what is left of this one; False: there is none."""
        while not self.ended:
            self.data.clear()
            self._pull()
        self.data.clear()
        self.at = self._passed = 0
        if self._following is None:
            return False
        self.offset, self.damage, self.ended = self._following.offset, None, False
        self._pull()
        return True

    def _pull(self) -> None:
        piece = self._following
        assert piece is not None  # noqa: S101 - the last piece of a member says so
        self.data += piece.data
        self.ended, self.damage = piece.ends, piece.damage
        self.reached = max(self.reached, piece.start)
        self._following = next(self._pieces, None)

    def fill(self, size: int) -> int:
        """Have this many bytes from here on, or all that the member has; how many they are."""
        while not self.ended and len(self.data) - self.at < size:
            self._pull()
        return len(self.data) - self.at

    def join(self) -> bool:
        """Take the next member for more of this one, as where records were cut into members anywhere.

        Returns:
            False where this one is damaged, was not read to its end, or a record begins with the next.
        """
        following = self._following
        if not self.ended or self.damage is not None or following is None or self._begins(following.data):
            return False
        self.ended = False
        self._pull()
        return True

    def skip(self, size: int) -> int:
        """Go on by so many bytes, joining members; how many there were."""
        left = size
        while left > (there := self.fill(min(left, COMPACTED))):
            left -= there
            self.at += there
            self._compact()
            if self.ended and not self.join():
                return size - left
        self.at += left
        self._compact()
        return size

    def advance(self, place: int) -> None:
        """Go on to a place in `data`."""
        self.at = place
        self._compact()

    def _compact(self) -> None:
        if self.at > COMPACTED:
            del self.data[: self.at]
            self._passed += self.at
            self.at = 0

    @property
    def inside(self) -> int:
        """Bytes of the member before the place."""
        return self._passed + self.at

    @property
    def over(self) -> bool:
        """Whether nothing of this member is left."""
        return self.ended and self.at >= len(self.data)
