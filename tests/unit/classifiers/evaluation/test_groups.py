"""Groups of held-out texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.classifiers.evaluation import groups
from tamis.classifiers.labels import as_labelled


def rows(number: int, **columns: list[Any]) -> pa.Table:
    given = {"id": [f"{n:032x}" for n in range(number)], "kind": ["prose"] * number, "label": ["good"] * number}
    given |= {"key": list(range(number)), "characters": [100] * number, "text": ["text"] * number}
    return as_labelled({name: pa.array(values) for name, values in (given | columns).items()})


def sizes(found: groups.Groups) -> dict[str, int]:
    return {name: int(inside.sum()) for name, inside in found.items()}


def test_all_come_first_then_each_kind() -> None:
    found = groups.by_kind(rows(5, kind=["prose", "code", "prose", "code", "code"]))
    assert list(sizes(found).items()) == [("all", 5), ("code", 3), ("prose", 2)]


def test_texts_without_a_value_are_a_group_and_one_group_is_none() -> None:
    found = groups.others(rows(4, source=["web", None, "web", None], language=["en"] * 4, characters=[7, 7, 7, 7]))
    assert {name: sizes(group) for name, group in found.items()} == {"source": {"texts of files": 2, "web": 2}}


def test_the_largest_stand_alone_and_the_rest_is_together() -> None:
    names: list[str | None] = [f"l{n:02}" for n in range(98) for _ in range(1 + n % 7)]
    found = groups.by_name(names, "not known")
    assert len(found) == groups.MOST + 1
    assert sum(inside.sum() for inside in found.values()) == len(names)
    assert sizes(found)["86 others"] == len(names) - 12 * 7
    # As many as stand alone, and one more, need no rest.
    assert len(groups.by_name([f"l{n}" for n in range(13)], "")) == 13


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=200))
def test_quarters_hold_every_length_once_and_a_quarter_each_where_lengths_differ(lengths: list[int]) -> None:
    found = groups.quarters(np.array(lengths))
    assert (np.sum(list(found.values()), axis=0) == 1).all()
    if len(set(lengths)) == len(lengths) >= 4:
        assert all(abs(inside.sum() - len(lengths) / 4) <= 1 for inside in found.values())


def test_bounds_of_lengths_are_in_their_names() -> None:
    found = groups.quarters(np.array([10, 20, 30, 4000]))
    assert list(found) == [
        "up to 10 characters", "11 to 20 characters", "21 to 30 characters", "31 to 4,000 characters",
    ]  # fmt: skip
    assert groups.quarters(np.zeros(0, dtype=np.int64)) == {}
    assert sizes(groups.quarters(np.zeros(3, dtype=np.int64))) == {"up to 0 characters": 3}


@pytest.mark.parametrize("number", [0, 1])
def test_no_texts_have_no_groups(number: int) -> None:
    assert groups.others(rows(number)) == {}
