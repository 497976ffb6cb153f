"""What is said of each file of an export."""

from __future__ import annotations

import pyarrow as pa

from tamis.export.files import licences


def test_odd_metadata_counts_as_no_licence() -> None:
    values = [
        '{"spdx":"MIT"}',
        "[]",
        None,
        "{}",
        '{"license":["a","b"]}',
        '{"license":""}',
        '{"licence":"X","spdx":"Y"}',
    ]
    assert licences(pa.chunked_array([values])) == {"MIT": 1, "": 4, "['a', 'b']": 1, "X": 1}
