"""Taking spans out of a column and putting others in, against slices of strings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.kernels.spans import characters_of, replace_spans
from tamis.kernels.words import buffers

TEXT = st.text("aé語𐍈 \n", max_size=12)


@st.composite
def columns(draw):
    """A column, perhaps a slice of one, with disjoint spans of characters of each text and what to put there."""
    texts = draw(st.lists(TEXT, max_size=6))
    before = draw(st.integers(0, 2))
    column = pa.array(["skipped"] * before + texts + ["é"], pa.large_string()).slice(before, len(texts))
    edits = []
    for row, text in enumerate(texts):
        bounds = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
        edits += [(row, a, b, draw(TEXT)) for a, b in zip(bounds[::2], bounds[1::2], strict=False)]
    return texts, column, edits


def replaced(text, edits):
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text


@settings(deadline=None)
@given(columns())
def test_columns_are_those_of_plain_python(drawn):
    texts, column, edits = drawn
    offsets, data = buffers(column)
    rows = np.array([row for row, *_ in edits], np.int64)
    starts, ends = (
        np.array([offsets[edit[0]] + len(texts[edit[0]][: edit[at]].encode()) for edit in edits], np.int64)
        for at in (1, 2)
    )
    first, last = characters_of(offsets, data, rows, starts, ends)
    assert [(int(a), int(b)) for a, b in zip(first, last, strict=True)] == [edit[1:3] for edit in edits]
    cut = [replaced(text, [(a, b, "") for r, a, b, _ in edits if r == row]) for row, text in enumerate(texts)]
    assert replace_spans(offsets, data, rows, starts, ends).to_pylist() == cut
    new = [replaced(text, [edit[1:] for edit in edits if edit[0] == row]) for row, text in enumerate(texts)]
    replacements = pa.array([edit[3] for edit in edits], pa.string())
    assert replace_spans(offsets, data, rows, starts, ends, replacements).to_pylist() == new
