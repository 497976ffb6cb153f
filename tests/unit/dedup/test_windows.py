"""Fingerprints and places of windows, against counting them one by one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tamis.dedup.windows import PLACES, Repeats, at_most_twice, in_keep_order, repeated

PRINTS = st.lists(st.sampled_from([0, 1, 2, 7, 2**64 - 1]), max_size=12)


@given(st.lists(PRINTS, min_size=1, max_size=4))
def test_what_occurs_twice_anywhere_goes_back_to_all_that_hold_it(shards):
    told = [at_most_twice(np.array(prints, np.uint64)) for prints in shards]
    assert [own.tolist() for own in told] == [
        sorted(value for value, times in Counter(prints).items() for _ in range(min(times, 2))) for prints in shards
    ]
    total = Counter(value for prints in shards for value in prints)
    assert [sorted(set(own.tolist())) for own in repeated(told)] == [
        sorted(value for value in set(prints) if total[value] > 1) for prints in shards
    ]


@given(st.lists(st.integers(0, 4), max_size=6), st.randoms())
def test_places_come_by_rank_and_then_as_they_stand_in_the_text(sizes, dice):
    ranks = np.array(dice.sample(range(0, 1000, 10), len(sizes)), np.int64)
    rows = [(row, 3 * place, row, place, place) for row, size in enumerate(sizes) for place in range(size)]
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    places = pa.table(dict(zip(PLACES.names, map(list, columns), strict=True))).cast(PLACES)
    found = in_keep_order(places, ranks)
    assert found.schema == PLACES
    assert [tuple(row.values()) for row in found.to_pylist()] == sorted(rows, key=lambda row: (ranks[row[0]], row[1]))


def test_repeats_of_some_documents():
    numbers = np.arange(5)
    every = Repeats(np.array([0, 2, 2, 3, 5]), *[numbers] * 6, np.arange(7) % 2 == 0)
    some = every.of(slice(2, 5))
    assert some.row.tolist() == [0, 0, 1]
    assert some.position.tolist() == some.documents.tolist() == some.owner_high.tolist() == [1, 2, 3]
    assert some.owns.tolist() == [True, False, True]
    assert not len(every.of(slice(6, 6)).row)
