"""Lines and paragraphs as plain Python finds and cuts them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_text import plain_units, without

from tamis.kernels.lines import cut_spans, find_units, unit_characters
from tamis.kernels.spans import characters_of, replace_spans
from tamis.kernels.words import buffers

PIECES = st.sampled_from(
    [
        "a",
        "é",
        "語",
        "𐍈",
        " ",
        "\u00a0",
        "\u3000",
        "\u2028",
        "\x85",
        "\x1c",
        "\0",
        "\n",
        "\n",
        "\r\n",
        "\r",
        "-",
        "\u200b",
    ]
)
TEXTS = st.lists(st.lists(PIECES, max_size=25).map("".join), max_size=4)


def found_units(texts, by_line):
    array = pa.array(texts, pa.large_string())
    offsets, data = buffers(array)
    units = find_units(offsets, data, np.ones(len(texts), dtype=np.bool_), by_line=by_line)
    rows = np.repeat(np.arange(len(texts)), np.diff(units.offsets))
    first, last = characters_of(offsets, data, rows, units.starts, units.ends)
    assert np.array_equal(unit_characters(data, units.starts, units.ends), last - first)
    return [
        [(int(first[u]), int(last[u]), int(units.breaks[u])) for u in range(units.offsets[r], units.offsets[r + 1])]
        for r in range(len(texts))
    ]


def cut_out(texts, chosen, *, by_line=False):
    """Cut the units of the given numbers (over all texts): the new texts, and the cut spans of each text."""
    array = pa.array(texts, pa.large_string())
    offsets, data = buffers(array)
    units = find_units(offsets, data, np.ones(len(texts), dtype=np.bool_), by_line=by_line)
    cut = np.isin(np.arange(len(units.starts)), list(chosen))
    starts, ends = cut_spans(*units, cut)
    rows = np.repeat(np.arange(len(texts)), np.diff(units.offsets))[cut]
    first, last = characters_of(offsets, data, rows, starts, ends)
    spans = [
        [(int(a), int(b)) for a, b, r in zip(first, last, rows, strict=True) if r == row] for row in range(len(texts))
    ]
    return replace_spans(offsets, data, rows, starts, ends).to_pylist(), spans


@settings(deadline=None)
@given(TEXTS, st.booleans())
def test_units_are_those_of_plain_python(texts, by_line):
    assert found_units(texts, by_line) == [plain_units(text, by_line) for text in texts]


@settings(deadline=None)
@given(TEXTS, st.booleans(), st.data())
def test_cutting_leaves_exactly_the_other_units_in_order(texts, by_line, data):
    units = [[text[start:end] for start, end, _ in plain_units(text, by_line)] for text in texts]
    total = sum(map(len, units))
    chosen = data.draw(st.sets(st.integers(0, max(total - 1, 0)), max_size=total))
    new, spans = cut_out(texts, chosen, by_line=by_line)
    assert new == [without(text, cuts) for text, cuts in zip(texts, spans, strict=True)]
    number = 0
    for text, own in zip(new, units, strict=True):
        stay = [unit for i, unit in enumerate(own, number) if i not in chosen]
        number += len(own)
        # Nothing is glued together: the units of the new text are the units that stayed.
        assert [text[start:end] for start, end, _ in plain_units(text, by_line)] == stay


@pytest.mark.parametrize(
    ("text", "chosen", "by_line", "expected"),
    [
        ("A\n\nB\n\nC\n", {1}, False, "A\n\nC\n"),
        ("A\n\nB\n", {1}, False, "A\n"),
        ("A\n\nB", {1}, False, "A"),
        ("\n\nA\n\nB\n", {0}, False, "\n\nB\n"),
        ("A\r\n\r\nB\r\n\r\n", {1}, False, "A\r\n\r\n"),
        ("A\nB\n\nC", {1}, True, "A\n\nC"),
        ("A\n\nB\nC", {1}, True, "A\n\nC"),
        ("語\n\n𐍈 é\n\n語", {0, 2}, False, "𐍈 é"),
        ("A\rB\rC", {0}, True, "B\rC"),
        ("A\n\nB", {0, 1}, False, ""),
        ("", set(), False, ""),
        (" \n\t\n", set(), False, " \n\t\n"),
    ],
)
def test_cutting_by_hand(text, chosen, by_line, expected):
    assert cut_out([text], chosen, by_line=by_line)[0] == [expected]


def test_unwanted_rows_have_no_units():
    offsets, data = buffers(pa.array(["a\n\nb", "c", "d"], pa.large_string()))
    units = find_units(offsets, data, np.array([False, True, False]), by_line=False)
    assert units.offsets.tolist() == [0, 0, 1, 1]


def test_a_slice_of_a_column_is_read_where_it_lies():
    array = pa.array(["skipped", "A\n\né\n\nB", "C"], pa.large_string()).slice(1)
    offsets, data = buffers(array)
    units = find_units(offsets, data, np.array([True, True]), by_line=False)
    starts, ends = cut_spans(*units, np.array([False, True, False, False]))
    assert replace_spans(offsets, data, np.array([0]), starts, ends).to_pylist() == ["A\n\nB", "C"]
