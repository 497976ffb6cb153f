"""Counts of a set: of its parts, added up, and of the whole."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
from documents import make_documents
from hypothesis import given
from hypothesis import strategies as st

from tamis.sets.counts import added_up, counted

ROWS = st.tuples(
    st.sampled_from("ab"), st.sampled_from(["prose", "code"]), st.sampled_from(["en", "de", None]), st.text()
)


def documents(rows: list[tuple[str, str, str | None, str]], languages: bool) -> pa.Table:
    source, kind, language, text = zip(*rows, strict=True) if rows else ((), (), (), ())
    more = {"language": language} if languages else {}
    return make_documents(text, source=source, kind=kind, tokens=[len(one) + 1 for one in text], **more)


@given(st.lists(ROWS, max_size=30), st.lists(st.integers(0, 30), max_size=4), st.booleans())
def test_parts_add_up_to_the_whole(
    rows: list[tuple[str, str, str | None, str]], cuts: list[int], languages: bool
) -> None:
    table = documents(rows, languages)
    bounds = [0, *sorted(cuts), 30]
    parts = [table.slice(start, stop - start) for start, stop in pairwise(bounds)]
    assert added_up(counted(part) for part in parts) == counted(table)


def test_a_group_of_two_parts_is_one_row() -> None:
    table = documents([("a", "prose", None, "four"), ("a", "prose", None, "fives")], languages=False)
    twice = pa.concat_tables([table.slice(1), table.slice(1)])
    assert added_up([counted(table.slice(0, 1)), counted(twice)]) == [
        {
            "source": "a",
            "kind": "prose",
            "outcome": "taken",
            "documents": 3,
            "distinct_documents": 2,
            "characters": 14,
            "tokens": 17,
        }
    ]
    assert added_up([]) == []


def test_counts_of_a_part_are_left_as_they_are() -> None:
    part = counted(documents([("a", "prose", "en", "x")], languages=True))
    before = [dict(row) for row in part]
    added_up([part, part])
    assert part == before
