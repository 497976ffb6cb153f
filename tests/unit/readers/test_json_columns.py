"""Numbers in columns against numbers one by one."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from tamis.readers.json_columns import decimals
from tamis.readers.values import json_text

ROUND = st.integers(-(10**17), 10**17).map(float) | st.decimals(-(10**11), 10**11, places=4).map(float)


@given(st.lists(st.none() | st.floats() | ROUND))
@example([1e-4, 9.999e-5, 1e10, 9_999_999_999.9, -0.0, 0.0, 5.0, 1e16, float("nan"), float("-inf"), None])
def test_numbers_are_written_as_json_has_them(numbers: list[float | None]) -> None:
    written = decimals(pa.array(numbers, pa.float64())).to_pylist()
    assert written == [None if one is None else json_text(one) for one in numbers]
