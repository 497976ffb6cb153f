"""Scoring with a fastText classifier without the library: as it does, in a tenth of the time.

The library multiplies the mean of a text's vectors by a matrix, so what it costs grows with their size, and each text
goes through Python. `tamis.kernels.fasttext_sums` looks up what the matrix makes of each vector. Documents of 3 kB a
second and core, Parquet in, scores out: see benchmarks/results. Probabilities are those of the library within 2·10⁻⁵,
of which it adds 10⁻⁵ itself; sums are in float64 in a fixed order, so a text's bits depend on nothing but the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.classifiers import elementary, fasttext_file
from tamis.text import SINGLE_RANGES

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
SPACES = "\x00\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\u2028\u2029"
END = b"</s>"
ROWS = 1 << 15
"""Vectors that are multiplied at a time."""


@lru_cache(maxsize=1)
def characters() -> np.ndarray:
    """uint32[0x110000]: each character in lower case as Arrow has it, and whether it is a space or stands apart."""
    from tamis.kernels.fasttext_sums import APART, CLASS_SHIFT, SPACE

    code_points = np.arange(0x110000, dtype=np.uint32)
    table = code_points.copy()
    written = np.delete(code_points, slice(0xD800, 0xE000))
    lower = pc.utf8_lower(pa.scalar(written.tobytes().decode("utf-32-le"), pa.large_string())).as_py()
    table[written] = np.frombuffer(lower.encode("utf-32-le"), np.uint32)
    apart = [*PUNCTUATION, *(chr(point) for first, last in SINGLE_RANGES for point in range(first, last + 1))]
    for kind, members in ((SPACE, list(SPACES)), (APART, apart)):
        table[[ord(member) for member in members]] |= np.uint32(kind << CLASS_SHIFT)
    return table


@dataclass(frozen=True)
class Scorer:
    """A classifier as its kernel reads it.

    Attributes:
        labels: names of the k classes, as the file spells them.
        longest: words of the longest run that is a feature.
        known: uint8, the words of its dictionary one after another, with what stands between them.
        bounds: int64[words, 2], where each of them begins and ends.
        slots: a table of them.
        last: hash and number of the end of a line; -1 for none.
        numbers: float32[words + buckets, k]: what the output matrix makes of each vector.
    """

    labels: tuple[str, ...]
    longest: int
    known: np.ndarray
    bounds: np.ndarray
    slots: np.ndarray
    last: tuple[np.uint32, int]
    numbers: np.ndarray

    def probabilities(self, text: pa.Array | pa.ChunkedArray, max_characters: int) -> np.ndarray:
        """The probability of each label for each of n texts, float64, n × k.

        Args:
            text: n texts.
            max_characters: of each that are read.
        """
        from tamis.kernels.fasttext_sums import sums
        from tamis.kernels.words import buffers

        offsets, data = buffers(text)
        found = np.zeros((len(offsets) - 1, len(self.labels)))
        sums(
            offsets,
            data,
            max_characters,
            characters(),
            self.known,
            self.bounds,
            self.slots,
            self.last,
            self.longest,
            self.numbers,
            found,
        )
        if not len(found):
            return found
        power = elementary.exp(found - found.max(axis=1, keepdims=True))
        return power / power.sum(axis=1, keepdims=True)


def load(path: Path) -> Scorer:
    """Read a model file that `tamis.classifiers.fasttext.train` wrote.

    Raises:
        ModelError: missing, damaged, cut off, or none of softmax over whole words.
    """
    from tamis.kernels.fasttext_sums import numbered, word_hash

    parts = fasttext_file.read(path)
    numbers = np.empty((len(parts.vectors), len(parts.output)), np.float32)
    for first in range(0, len(numbers), ROWS):
        vectors = parts.vectors[first : first + ROWS].astype(np.float64)
        for column, row in enumerate(parts.output.astype(np.float64)):
            numbers[first : first + ROWS, column] = (vectors * row).sum(axis=1)
    slots = np.zeros(1 << max(4, (2 * len(parts.bounds)).bit_length()), np.int64)
    numbered(parts.known, parts.bounds, slots)
    end = np.frombuffer(END, np.uint8)
    own = np.flatnonzero(parts.bounds[:, 1] - parts.bounds[:, 0] == len(end))
    same = [row for row in own.tolist() if parts.known[slice(*parts.bounds[row])].tobytes() == END]
    last = (word_hash(end), same[0] if same else -1)
    return Scorer(parts.labels, parts.longest, parts.known, parts.bounds, slots, last, numbers)
