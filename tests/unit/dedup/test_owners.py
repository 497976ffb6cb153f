"""Owners elected over shards, against a dictionary."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.dedup.owners import HOLDERS, elect, elect_again, final_owners, first_holders

SHARDS = 3


@st.composite
def corpora(draw):
    """For each document, by rank: its shard and the texts that it holds, as often as they stand there."""
    texts = st.lists(st.integers(0, 5), max_size=4)
    return draw(st.lists(st.tuples(st.integers(0, SHARDS - 1), texts), max_size=8))


def told(corpus):
    """`HOLDERS` of each shard."""
    tables = []
    for shard in range(SHARDS):
        here = [(rank, texts) for rank, (home, texts) in enumerate(corpus) if home == shard]
        # Rows of a shard are in another order than ranks.
        here.reverse()
        documents = pa.table(
            {
                "id": pa.array([f"{rank:016x}{rank + 100:016x}" for rank, _ in here], pa.string()),
                "rank": pa.array([rank for rank, _ in here], pa.int64()),
            }
        )
        occurrences = [(row, text) for row, (_, texts) in enumerate(here) for text in texts]
        rows = pa.table(
            {
                "row": pa.array([row for row, _ in occurrences], pa.int64()),
                "high": pa.array([text % 2 for _, text in occurrences], pa.uint64()),
                "low": pa.array([text // 2 for _, text in occurrences], pa.uint64()),
            }
        )
        tables.append(first_holders(documents, rows))
    return tables


def owners_of(table):
    """Text → (rank, halves of the id, documents)."""
    assert table.schema == HOLDERS
    return {2 * low + high: (rank, one, other, count) for high, low, rank, one, other, count in zip(
        *(table[name].to_pylist() for name in HOLDERS.names), strict=True)}  # fmt: skip


@settings(deadline=None)
@given(corpora(), st.sets(st.integers(0, 7)))
def test_the_first_in_keep_order_that_stays_owns(corpus, dropped):
    holders = defaultdict(list)
    for rank, (_, texts) in enumerate(corpus):
        for text in set(texts):
            holders[text].append(rank)
    tables = told(corpus)
    first = elect(tables)
    # Of each text every holder but the first of each shard stands in line.
    line = [
        (text % 2, text // 2, rank, rank, rank + 100, 0) for text, ranks in sorted(holders.items()) for rank in ranks
    ]
    columns = list(zip(*line, strict=True)) if line else [()] * 6
    waiting = pa.table([pa.array(list(column), field.type) for column, field in zip(columns, HOLDERS, strict=True)],
                       schema=HOLDERS)  # fmt: skip
    changes = elect_again(tables, waiting, np.array(sorted(dropped), np.int64))
    for shard in range(SHARDS):
        shared = {
            text: ranks
            for text, ranks in holders.items()
            if len(ranks) > 1 and any(corpus[rank][0] == shard for rank in ranks)
        }
        expected = {text: (ranks[0], ranks[0], ranks[0] + 100, len(ranks)) for text, ranks in shared.items()}
        assert owners_of(first[shard]) == expected
        for text, ranks in shared.items():
            heir = next((rank for rank in ranks if rank not in dropped), None)
            if ranks[0] in dropped and heir is not None:
                expected[text] = (heir, heir, heir + 100, len(ranks))
        assert owners_of(final_owners(first[shard], changes[shard])) == expected
