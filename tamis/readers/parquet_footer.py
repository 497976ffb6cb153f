"""What is wrong with a footer of Parquet over which Arrow would end the process.

Arrow checks the histograms of levels in the size statistics of a column when the column's metadata is asked for, and
its codec when that is; there an exception cannot be caught (seen in pyarrow 26). So both are looked at before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

import pyarrow.parquet as pq

from tamis.readers.thrift import Compact, ThriftError

ROW_GROUPS, COLUMNS, COLUMN_METADATA, CRYPTO, CODEC, SIZE_STATISTICS, REPETITIONS, DEFINITIONS = 4, 1, 3, 8, 4, 16, 2, 3
"""Numbers of fields in `parquet.thrift`."""

CODECS = 8
"""Of compression, numbered from 0."""

END_BYTES = 8
"""Of the footer's length and the magic bytes behind it."""


def check_footer(file: IO[bytes], schema: pq.ParquetSchema) -> None:
    """Check what Arrow cannot refuse. The file's position is another afterwards.

    Args:
        file: a Parquet file.
        schema: as Arrow has read it.

    Raises:
        ThriftError: histograms have other levels than their column, a codec is none, or columns are encrypted.
        IndexError: the footer ends too early.
    """
    end = file.seek(-END_BYTES, 2)
    length = int.from_bytes(file.read(4), "little")
    file.seek(max(0, end - length))
    footer = Compact(file.read(length)).struct()
    leaves = (schema.column(number) for number in range(len(schema.names)))
    levels = [(leaf.max_repetition_level, leaf.max_definition_level) for leaf in leaves]
    for group in _structs(footer.get(ROW_GROUPS)):
        for number, column in enumerate(_structs(group.get(COLUMNS))):
            if CRYPTO in column:
                raise ThriftError(f"column {number} is encrypted")
            metadata = column.get(COLUMN_METADATA)
            if not isinstance(metadata, dict):
                continue
            codec = metadata.get(CODEC)
            if isinstance(codec, int) and not 0 <= codec < CODECS:
                raise ThriftError(f"column {number} is compressed with codec {codec}, which there is not")
            statistics = metadata.get(SIZE_STATISTICS)
            if isinstance(statistics, dict) and number < len(levels):
                for field, most in zip((REPETITIONS, DEFINITIONS), levels[number], strict=True):
                    histogram = statistics.get(field)
                    if isinstance(histogram, list) and histogram and len(histogram) != most + 1:
                        raise ThriftError(f"column {number} has {most + 1} levels and statistics of {len(histogram)}")


def _structs(value: Any) -> Sequence[dict[int, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
