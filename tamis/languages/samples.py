"""The words of a text from which its language is told."""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa


def sample_words(text: pa.Array, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """The words from which the language is told.

    Args:
        text: n texts.
        limit: most characters a sample.

    Returns:
        int64[n + 1] offsets and uint8 bytes of the samples: composed (NFC), and in small letters where a text has
        capitals only.
    """
    from tamis.kernels.language_walk import lower_shouting, samples
    from tamis.kernels.words import buffers

    bounds, data, wide = samples(*buffers(text), limit)
    lower_shouting(bounds, data, wide)
    # Only what is beyond ASCII can be decomposed or have other capitals.
    replaced: dict[int, bytes] = {}
    for row in np.flatnonzero(wide).tolist():
        raw = data[bounds[row] : bounds[row + 1]].tobytes()
        sample = raw.decode()
        plain = unicodedata.normalize("NFC", sample.lower() if sample.isupper() else sample).encode()
        if plain != raw:
            replaced[row] = plain
    if not replaced:
        return bounds, data
    parts = [replaced.get(row, data[bounds[row] : bounds[row + 1]].tobytes()) for row in range(len(text))]
    return np.cumsum([0, *map(len, parts)]), np.frombuffer(b"".join(parts), np.uint8)
