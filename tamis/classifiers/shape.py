"""Cheap features of a text beside its embedding: length, words, punctuation, lines.

An encoder reads the start of a text for its meaning; it is not told how long the text is, or that every line of it is
three words. On labelled sets these fifteen numbers alone rank as well as the frozen encoder, and both together better
than either (benchmarks/classifiers). They are of the first characters of a text, and of its whole length.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.classifiers import elementary

READ = 3_000
"""Characters that are looked at: as many as every labelled text carries along."""

FEATURES = (
    "log of the length in characters",
    "log of the words read",
    "digits a character",
    "capitals a character",
    "punctuation a character",
    "characters a word",
    "different words a word",
    "function words a word",
    "short words a word",
    "log of the characters a line",
    "exclamation marks a hundred characters",
    "question marks a hundred characters",
    "addresses a word",
    "lines that end as a sentence does",
    "characters beyond ASCII",
)

FUNCTION_WORDS = (
    "the", "be", "to", "of", "and", "that", "have", "with", "a", "in", "is", "it", "for", "on", "as", "are", "was",
    "at", "by", "this", "from", "or", "an", "not", "which",
)  # fmt: skip
"""The most frequent words of English that carry no subject; texts in other languages have hardly any, evenly."""


@lru_cache(maxsize=1)
def _functions() -> np.ndarray:
    from tamis.kernels.text_shape import word_hash

    return np.array([word_hash(word) for word in FUNCTION_WORDS], np.uint64)


def shapes(text: pa.Array | pa.ChunkedArray, characters: np.ndarray | None = None) -> np.ndarray:
    """The features of n texts.

    Args:
        text: n texts, at least `READ` characters of each that has so many.
        characters: their whole lengths where `text` holds only their starts.

    Returns:
        float32, n × `FEATURES`, the same on every processor.
    """
    from tamis.kernels.text_shape import COUNTS, counts
    from tamis.kernels.words import buffers

    lengths = pc.utf8_length(text).to_numpy(zero_copy_only=False) if characters is None else characters
    found = counts(*buffers(pc.utf8_slice_codeunits(text, 0, READ)), _functions()).astype(np.float64)
    of = {name: found[:, column] for column, name in enumerate(COUNTS)}
    read, words, lines = (np.maximum(of[name], 1.0) for name in ("characters", "words", "lines"))
    columns = (
        elementary.log(1.0 + lengths.astype(np.float64)),
        elementary.log(1.0 + of["words"]),
        of["digits"] / read,
        of["capitals"] / read,
        of["marks"] / read,
        of["word_characters"] / words,
        of["different_words"] / words,
        of["function_words"] / words,
        of["short_words"] / words,
        elementary.log(1.0 + read / lines),
        100.0 * of["exclamations"] / read,
        100.0 * of["questions"] / read,
        of["addresses"] / words,
        of["ended_lines"] / lines,
        of["beyond_ascii"] / read,
    )
    return np.stack(columns, axis=1).astype(np.float32)
