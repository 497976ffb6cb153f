"""Checksums that let a job notice that what it reads is not what was written.

* **JSON** carries, beside its keys, `checksum`: XXH3-64 of the canonical rest.
* **Binary files** of ours other than Parquet end in a **trailer** behind what Arrow or NumPy read: where each stretch
  of the file begins, and XXH3-64 of each, so that a reader checks the stretches that it reads and no others; and the
  file's place (`map/part-00003.arrow`), by which files that changed places are noticed. Parquet has no room behind its
  footer; `tamis/parquet_seal.py` says what is done there.

XXH3 is made to notice damage, at the speed of memory, not forgery. Neither pyarrow nor pydantic here: barriers must
start fast.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import xxhash

from tamis.errors import SourceError

KEY = "checksum"
WRAPPED = "value"
"""Under it stands, beside the checksum, a value that is no object."""

MAGIC = b"tamisXH3"
_END = struct.Struct("<QQQ8s")
"""Number of stretches, bytes of the name, checksum of the trailer before this, magic."""

HEAD = 4096
BLOCK = 1 << 20
"""Stretches of files that have no batches. The first is short, for who only asks how much there is."""

Buffer = bytes | bytearray | memoryview | mmap.mmap


def place(path: Path) -> str:
    """What a file is called below the folder of its stage, of a temporary file what it becomes.

    A part is called by its folder and name, any other file by its name alone: the folder that it lies in may be that of
    the results, or of an index that was copied, and bear any name.
    """
    name = path.name
    if name.startswith(".") and name.endswith(".tmp"):
        name = name[1:].rsplit(".", 2)[0]
    return f"{path.parent.name}/{name}" if name.startswith("part-") else name


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces: equal settings give equal strings, whatever the order of their keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(data: Any) -> str:
    """XXH3-64 of a buffer: 16 hexadecimal digits."""
    return xxhash.xxh3_64_hexdigest(data)


def sha256(path: Path) -> str:
    """SHA-256 of a file: 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_model(path: Path, card: Mapping[str, Any]) -> None:
    """Compare a model that the run made with what the job that made it wrote beside it.

    Args:
        path: the model.
        card: holds its hash under `model_sha256`.

    Raises:
        SourceError: it is missing, or another.
    """
    try:
        found = sha256(path)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: missing. Run the workflow again.") from error
    if found != card.get("model_sha256"):
        raise damaged(path, f"its SHA-256 is {found}, its card says {card.get('model_sha256')}")


def check_given(path: Path, told: str | None, key: str) -> None:
    """Compare a given model with the hash that the configuration names.

    Args:
        path: the model.
        told: SHA-256 in hexadecimal digits; None: any.
        key: of the configuration, for the message.

    Raises:
        SourceError: it is another.
    """
    if told is not None and (found := sha256(path)) != told.lower():
        msg = f"{path}: its SHA-256 is {found}, {key} says {told}. Fetch it again, or correct {key}."
        raise SourceError(msg)


def damaged(path: Path, what: str) -> SourceError:
    """The error of a file that does not hold what was written."""
    return SourceError(
        f"{path}: damaged ({what}). Delete it and run the workflow again; `tamis verify --repair` finds all such files."
    )


def with_checksum(value: object) -> dict[str, Any]:
    """A JSON value as the object that is written: with its checksum."""
    content = dict(value) if isinstance(value, Mapping) else {WRAPPED: value}
    if KEY in content:
        msg = f"a value that is written must not have the key {KEY!r} of its own"
        raise ValueError(msg)
    # As it will be read: keys are strings, tuples are lists.
    return {KEY: digest(_canonical(json.loads(canonical(content)))), **content}


def _canonical(content: object) -> bytes:
    return canonical(content).encode("utf-8", "surrogatepass")


def parse_json(path: Path, text: bytes) -> Any:
    """The value of a JSON file of ours.

    Args:
        path: named in the error.
        text: what the file holds.

    Raises:
        SourceError: it is no whole JSON, or not what was written.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(path, "empty" if not text else f"not JSON: {error}") from error
    if not isinstance(content, dict) or KEY not in content:
        raise damaged(path, f"no {KEY}; it was cut, edited, or written by an older version")
    if content.pop(KEY) != digest(_canonical(content)):
        raise damaged(path, f"its {KEY} is that of other content")
    return content[WRAPPED] if content.keys() == {WRAPPED} else content


def seal(path: Path, starts: Sequence[int]) -> None:
    """Append the trailer to a file that is written.

    Args:
        path: the file, under its temporary name.
        starts: where its stretches begin, ascending; the first at 0, the last ends with the file.
    """
    size = path.stat().st_size
    edges = [*starts, size]
    with path.open("rb+") as file:
        hashes = [stretch(file, one, other).intdigest() for one, other in pairwise(edges)]
        name = place(path).encode("utf-8", "surrogateescape")
        trailer = struct.pack(f"<{len(edges) + len(hashes)}Q", *edges, *hashes) + name
        file.seek(size)
        file.write(trailer + _END.pack(len(hashes), len(name), xxhash.xxh3_64_intdigest(trailer), MAGIC))


def stretch(file: BinaryIO, start: int, stop: int) -> xxhash.xxh3_64:
    """XXH3-64 of some bytes of a file. Read and not mapped: what was read of a map counts as memory of the process."""
    state, buffer = xxhash.xxh3_64(), memoryview(bytearray(min(BLOCK, max(stop - start, 1))))
    file.seek(start)
    while start < stop:
        count = file.readinto(buffer[: min(len(buffer), stop - start)])  # type: ignore[attr-defined]
        if not count:
            break
        state.update(buffer[:count])
        start += count
    return state


def blocks(path: Path) -> list[int]:
    """The beginnings of the stretches of a file without parts of its own: `HEAD` bytes, then `BLOCK` at a time."""
    return [0, *range(HEAD, path.stat().st_size, BLOCK)]


class Sealed:
    """The trailer of a file, and checks of what it covers."""

    def __init__(self, path: Path, data: Buffer | memoryview) -> None:
        """Read the trailer.

        Args:
            path: named in errors.
            data: the whole file.

        Raises:
            SourceError: there is no trailer, or a damaged one, or it is that of a file of another size.
        """
        self._path = path
        self._view = memoryview(data)
        size = len(self._view)
        if size < _END.size:
            raise damaged(path, "empty" if not size else f"cut to {size} bytes")
        count, length, told, magic = _END.unpack(self._view[size - _END.size :])
        begin = size - _END.size - 8 * (2 * count + 1) - length
        if magic != MAGIC or begin < 0:
            raise damaged(path, "it does not end as it was written; it was cut, or written by an older version")
        trailer = self._view[begin : size - _END.size]
        if xxhash.xxh3_64_intdigest(trailer) != told:
            raise damaged(path, "its list of checksums is that of another file")
        name = bytes(trailer[len(trailer) - length :]).decode("utf-8", "surrogateescape")
        if name != place(path):
            raise damaged(path, f"it was written as {name}; files changed places")
        numbers = struct.unpack(f"<{2 * count + 1}Q", trailer[: len(trailer) - length])
        self.edges, self._hashes = numbers[: count + 1], numbers[count + 1 :]
        if self.edges[-1] != begin:
            raise damaged(path, f"{begin} bytes where {self.edges[-1]} were written")

    @property
    def size(self) -> int:
        """Bytes before the trailer."""
        return self.edges[-1]

    def __len__(self) -> int:
        """How many stretches there are."""
        return len(self._hashes)

    def check(self, index: int) -> None:
        """Compare one stretch with its checksum.

        Raises:
            SourceError: it is not what was written.
        """
        stretch = self._view[self.edges[index] : self.edges[index + 1]]
        if xxhash.xxh3_64_intdigest(stretch) != self._hashes[index]:
            raise damaged(
                self._path, f"bytes {self.edges[index]} to {self.edges[index + 1]} are not those that were written"
            )

    def check_range(self, start: int, stop: int) -> None:
        """Compare the stretches that hold some bytes.

        Raises:
            SourceError: one is not what was written.
        """
        for index in range(len(self)):
            if self.edges[index] < stop and self.edges[index + 1] > start:
                self.check(index)
