"""How long a fastText model file must be, from what its own header says.

The library reads whatever is there: a file cut off anywhere loads, and scores 0.50001 or calls every document English.
The format (fastText's `FastText::saveModel`, version 12; little-endian): magic and version, the arguments, the
dictionary with its words and their counts, whether the input matrix is quantised, that matrix, whether the output
matrix is, that matrix. Each part names its size, so walking over the file gives its exact length without reading the
matrices.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tamis.errors import ModelError

AGAIN = "Delete it and run the workflow again; if the configuration names it, fetch it again."

MAGIC = 793_712_314
VERSIONS = (11, 12)
SUPERVISED = 3
_ARGUMENTS = struct.Struct("<12id")
"""dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, lrUpdateRate; t."""
_WORD_NGRAMS, _LOSS, _MODEL, _MAXN = 5, 6, 7, 10
_SOFTMAX = 3
_DICTIONARY = struct.Struct("<3i2q")
"""Entries, words, labels; tokens, pruned buckets (-1 where nothing was pruned)."""
_MATRIX = struct.Struct("<2q")
_QUANTISED = struct.Struct("<?2qi")
"""Whether norms are quantised as well; rows, columns; bytes of the codes."""
_QUANTISER = struct.Struct("<4i")
"""dim, sub-quantisers, their dimension, that of the last."""
_CENTROIDS = 256
_FLOAT = 4
_ENTRY_END = 9
"""Bytes behind the text of an entry of the dictionary: how often it was seen, and whether it is a label."""
_LABEL = 1
"""Type of an entry that is a label; words have 0."""
_BLOCK = 1 << 20


class _Walk:
    """Steps over a file and never beyond its end."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def unpack(self, form: struct.Struct) -> tuple[int, ...]:
        """Read numbers."""
        content = self._file.read(form.size)
        if len(content) < form.size:
            raise EOFError
        return form.unpack(content)

    def skip(self, count: int) -> None:
        """Step over bytes."""
        if count < 0 or self._file.tell() + count > self._size:
            raise EOFError
        self._file.seek(count, 1)

    def entries(self, count: int) -> list[bytes]:
        """Step over entries (text, a zero, its count in 8 bytes, its type in one); returns the labels."""
        labels: list[bytes] = []
        while count:
            start = self._file.tell()
            block = self._file.read(_BLOCK)
            at = 0
            while count and (end := block.find(b"\0", at)) >= 0 and end + _ENTRY_END < len(block):
                if block[end + _ENTRY_END] == _LABEL:
                    labels.append(block[at:end])
                at = end + 1 + _ENTRY_END
                count -= 1
            if at == 0:
                # No word is as long as a block.
                raise EOFError
            self._file.seek(start)
            self.skip(at)
        return labels

    @property
    def place(self) -> int:
        """Bytes so far."""
        return self._file.tell()


def _quantiser(walk: _Walk) -> None:
    dimension = walk.unpack(_QUANTISER)[0]
    walk.skip(dimension * _CENTROIDS * _FLOAT)


def _matrix(walk: _Walk, *, quantised: bool) -> None:
    if not quantised:
        rows, columns = walk.unpack(_MATRIX)
        if min(rows, columns) < 0:
            raise EOFError
        walk.skip(rows * columns * _FLOAT)
        return
    norms, rows, _, codes = walk.unpack(_QUANTISED)
    walk.skip(codes)
    _quantiser(walk)
    if norms:
        walk.skip(rows)
        _quantiser(walk)


@dataclass(frozen=True)
class Header:
    """What a model file says of itself: its labels, in their order, and whether it classifies."""

    labels: tuple[str, ...]
    supervised: bool


def check(path: Path) -> Header:
    """Refuse a file that is not exactly as long as its own header says.

    The words of the dictionary are stepped over, a second for two million; matrices are not read.

    Raises:
        ModelError: missing, of another format, cut off, or with bytes behind its end.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header, length = _walk(file, size)
    except EOFError as error:
        msg = f"{path}: a fastText model that was cut off: its {size} bytes are fewer than its header says. {AGAIN}"
        raise ModelError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be read ({error}). {AGAIN}"
        raise ModelError(msg) from error
    except ValueError as error:
        msg = f"{path}: not a fastText model ({error}). {AGAIN}"
        raise ModelError(msg) from error
    if length != size:
        msg = f"{path}: {size} bytes, its header says {length}: the file is damaged. {AGAIN}"
        raise ModelError(msg)
    return header


def _walk(file: BinaryIO, size: int) -> tuple[Header, int]:
    walk = _Walk(file, size)
    magic, version = walk.unpack(struct.Struct("<2i"))
    if magic != MAGIC or version not in VERSIONS:
        msg = f"it begins with {magic}, version {version}; expected {MAGIC}, {' or '.join(map(str, VERSIONS))}"
        raise ValueError(msg)
    supervised = walk.unpack(_ARGUMENTS)[_MODEL] == SUPERVISED
    entries, _, _, _, pruned = walk.unpack(_DICTIONARY)
    if entries < 0:
        raise EOFError
    labels = walk.entries(entries)
    walk.skip(8 * max(pruned, 0))
    (quantised,) = walk.unpack(struct.Struct("<?"))
    _matrix(walk, quantised=bool(quantised))
    (output_quantised,) = walk.unpack(struct.Struct("<?"))
    _matrix(walk, quantised=bool(quantised and output_quantised))
    # Names that are no UTF-8 can be shown, and match nothing that a configuration names.
    return Header(tuple(label.decode(errors="replace") for label in labels), supervised), walk.place


@dataclass(frozen=True)
class Parts:
    """What a classifier of softmax over whole words is made of.

    Attributes:
        labels: names of its k classes, in the order of `output`.
        longest: words of the longest run that is a feature.
        known: uint8, in which its words stand.
        bounds: int64[words, 2], where each begins and ends.
        vectors: float32[words + buckets, dimension].
        output: float32[k, dimension].
    """

    labels: tuple[str, ...]
    longest: int
    known: np.ndarray
    bounds: np.ndarray
    vectors: np.ndarray
    output: np.ndarray


def read(path: Path) -> Parts:
    """Read a model.

    Raises:
        ModelError: as `check`, or it is quantised, of another loss than softmax, or made of parts of words.
    """
    from tamis.kernels.fasttext_sums import entries

    header = check(path)
    with path.open("rb") as file:
        walk = _Walk(file, path.stat().st_size)
        walk.unpack(struct.Struct("<2i"))
        arguments = walk.unpack(_ARGUMENTS)
        count, words, _, _, pruned = walk.unpack(_DICTIONARY)
        start = walk.place
        walk.entries(count)
        dictionary, end = walk.place - start, walk.place
        (quantised,) = walk.unpack(struct.Struct("<?"))
        plain = (arguments[_LOSS], arguments[_MODEL], arguments[_MAXN], pruned, quantised)
        if plain != (_SOFTMAX, SUPERVISED, 0, -1, 0):
            msg = (
                f"{path}: no classifier of softmax over whole words (loss {arguments[_LOSS]}, model "
                f"{arguments[_MODEL]}, parts of words up to {arguments[_MAXN]}, quantised {quantised}). {AGAIN}"
            )
            raise ModelError(msg)
        file.seek(start)
        known = np.fromfile(file, np.uint8, dictionary)
        bounds, kinds = np.zeros((count, 2), np.int64), np.zeros(count, np.uint8)
        entries(known, count, bounds, kinds)
        file.seek(end + 1)
        vectors = _plain_matrix(walk, file)
        walk.unpack(struct.Struct("<?"))
        output = _plain_matrix(walk, file)
    # Words stand before labels, as the library sorts them.
    if words != count - len(header.labels) or kinds[:words].any() or len(output) != len(header.labels):
        msg = f"{path}: its words and labels are not those that its header names. {AGAIN}"
        raise ModelError(msg)
    return Parts(header.labels, arguments[_WORD_NGRAMS], known, bounds[:words], vectors, output)


def _plain_matrix(walk: _Walk, file: BinaryIO) -> np.ndarray:
    rows, columns = walk.unpack(_MATRIX)
    return np.fromfile(file, np.float32, rows * columns).reshape(rows, columns)
