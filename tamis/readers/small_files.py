"""Small files of which each holds one document: opened once, held whole, and made into documents many at a time."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from typing import Any, NamedTuple

from tamis.readers.signatures import DECOMPRESSING, HEAD_BYTES, recognised

SMALL_BYTES = 1 << 20
"""Files up to this size are held, where their source takes them as a whole."""

TOGETHER_FILES, TOGETHER_BYTES = 1_024, 4_000_000
"""Files and bytes that are held at a time."""


class Small(NamedTuple):
    """A small file and what it holds."""

    path: str
    data: bytes
    mtime_ns: int

    def was_read(self, *, document: bool) -> ReadSmall:
        """What is written down of it: that it gave a document, or a skip."""
        digest = hashlib.sha256(self.data).hexdigest()
        return ReadSmall(self.path, int(document), int(not document), len(self.data), self.mtime_ns, digest)


class ReadSmall(NamedTuple):
    """What was read of a small file, as `tamis.readers.observed.ReadFile`: a fifth of the time where there are many."""

    path: str
    records: int
    skipped: int
    bytes: int
    mtime_ns: int
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """As the record of the unit has it."""
        return self._asdict()


def held(
    path: str, reads: frozenset[str] | None, wanted: Callable[[str, int], bool], changed: Callable[[str], Exception]
) -> Small | None:
    """A small file, held whole; None: it is to be read as any other, which also says what is wrong with it.

    Args:
        path: a file, or whatever stands there.
        reads: the contents that its source reads (`tamis.readers.record.Source.reads`).
        wanted: whether its source takes a file of that path and so many bytes whole.
        changed: path → the error of a file that changed while it was read.
    """
    try:
        # Before it is opened, which waits for ever at a pipe.
        before = os.stat(path)  # noqa: PTH116 - thousands of files
        size = before.st_size
        if not stat.S_ISREG(before.st_mode) or not 0 < size <= SMALL_BYTES or not wanted(path, size):
            return None
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.read(handle, size + 1)
            after = os.fstat(handle)
        finally:
            os.close(handle)
    except OSError:
        return None
    content = recognised(data[:HEAD_BYTES])
    # Compressed data is read as a stream; a reader without a list looks for itself.
    if content is not None and reads is not None and (content in DECOMPRESSING or content not in reads):
        return None
    if (before.st_ino, size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns):
        raise changed(path)
    return Small(path, data, before.st_mtime_ns) if len(data) == size else None
