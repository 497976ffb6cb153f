"""What is wrong with a footer of Parquet over which Arrow would end the process.

Arrow checks the histograms of levels in the size statistics of a column when the column's metadata is asked for, and
there an exception cannot be caught (seen in pyarrow 26). So they are held against the schema here, before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

from tamis.readers.thrift import Compact, ThriftError

SCHEMA, ROW_GROUPS, COLUMNS, COLUMN_METADATA, CRYPTO, SIZE_STATISTICS = 2, 4, 1, 3, 8, 16
REPETITION_TYPE, CHILDREN = 3, 5
REPETITIONS, DEFINITIONS = 2, 3
"""Numbers of fields in `parquet.thrift`."""

OPTIONAL, REPEATED = 1, 2

END_BYTES = 8
"""Of the footer's length and the magic bytes behind it."""


def check_footer(file: IO[bytes]) -> None:
    """Check what Arrow cannot refuse. The file's position is another afterwards.

    Args:
        file: a file whose footer Arrow has read.

    Raises:
        ThriftError: histograms have other levels than their column, or columns are encrypted.
        IndexError: the footer ends too early.
    """
    end = file.seek(-END_BYTES, 2)
    length = int.from_bytes(file.read(4), "little")
    file.seek(max(0, end - length))
    footer = Compact(file.read(length)).struct()
    levels = _levels(_structs(footer.get(SCHEMA)))
    for group in _structs(footer.get(ROW_GROUPS)):
        for number, column in enumerate(_structs(group.get(COLUMNS))):
            if CRYPTO in column:
                raise ThriftError(f"column {number} is encrypted")
            metadata = column.get(COLUMN_METADATA)
            statistics = metadata.get(SIZE_STATISTICS) if isinstance(metadata, dict) else None
            if isinstance(statistics, dict) and number < len(levels):
                for field, most in zip((REPETITIONS, DEFINITIONS), levels[number], strict=True):
                    histogram = statistics.get(field)
                    if isinstance(histogram, list) and histogram and len(histogram) != most + 1:
                        raise ThriftError(f"column {number} has {most + 1} levels and statistics of {len(histogram)}")


def _structs(value: Any) -> Sequence[dict[int, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _levels(schema: Sequence[dict[int, Any]]) -> list[tuple[int, int]]:
    """Most repetitions and definitions of each leaf, from the elements of a schema in depth-first order."""
    found: list[tuple[int, int]] = []
    # Of each element above: how many children are still to come, and its levels.
    above: list[list[int]] = []
    for place, element in enumerate(schema):
        repetition = 0 if place == 0 else element.get(REPETITION_TYPE)
        repeats, defines = above[-1][1:] if above else (0, 0)
        repeats += repetition == REPEATED
        defines += repetition in (OPTIONAL, REPEATED)
        if above:
            above[-1][0] -= 1
        children = element.get(CHILDREN)
        if isinstance(children, int) and children > 0:
            above.append([children, repeats, defines])
        elif place:
            found.append((repeats, defines))
        while above and not above[-1][0]:
            above.pop()
    return found
