"""Length and damage of texts, straight from their bytes: the only look at documents that have no rules of their own."""

from __future__ import annotations

import numba
import numpy as np

METRICS = ("characters", "replacement_share", "control_share")


@numba.njit(cache=True, nogil=True)
def measure_size(offsets: np.ndarray, data: np.ndarray) -> np.ndarray:
    """Characters, share of U+FFFD (bytes that some decoder gave up on), share of controls that are no white space.

    Args:
        offsets: n + 1 byte offsets of a large_string array.
        data: its bytes, uint8.

    Returns:
        float64 matrix, a row a document, a column a name of `METRICS`; the shares of an empty text are NaN.
    """
    documents = offsets.size - 1
    result = np.full((documents, 3), np.nan)
    for document in range(documents):
        characters = 0
        replacements = 0
        controls = 0
        leads = 0
        begin = offsets[document]
        stop = offsets[document + 1]
        # Without a branch, so that the compiler takes many bytes at a time: 0.3 ns a byte instead of 1.2.
        for at in range(begin, stop):
            byte = data[at]
            characters += byte & 0xC0 != 0x80
            # 9-13 and 28-31 are white space to str.isspace.
            controls += (byte < 9) | ((byte > 13) & (byte < 28)) | (byte == 0x7F)
            leads += (byte == 0xEF) | (byte == 0xC2)
        if leads:
            for at in range(begin, stop):
                byte = data[at]
                if byte == 0xEF and at + 2 < stop:
                    replacements += data[at + 1] == 0xBF and data[at + 2] == 0xBD
                elif byte == 0xC2 and at + 1 < stop:
                    # The C1 controls, but for NEL, which ends a line.
                    controls += data[at + 1] < 0xA0 and data[at + 1] != 0x85
        result[document, 0] = characters
        if characters:
            result[document, 1] = replacements / characters
            result[document, 2] = controls / characters
    return result
