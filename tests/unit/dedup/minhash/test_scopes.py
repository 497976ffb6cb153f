"""Near-duplicates inside one scope: each is what it would be alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from documents import batched
from near_duplicates import (
    corpus,
    jaccard,
    leave_scope_out_of_bands,
    ngrams,
    sentence,
    spread,
    with_changes,
)
from stage_jobs import minhash_dedup

from tamis.stages.minhash_dedup import Config

run = batched(minhash_dedup)


SCOPED = [
    ("source", {"source": ["a", "b"]}),
    ("kind", {"kind": ["licence", "prose"]}),
    ("metadata.snapshot", {"metadata": ['{"snapshot": "2024-10"}', '{"snapshot": "2024-18", "x": 1}']}),
    ("metadata.snapshot", {"metadata": ['{"snapshot": 1}', None]}),
]


@pytest.mark.parametrize(("within", "values"), SCOPED)
def test_documents_are_compared_inside_one_scope_only(tmp_path: Path, make_documents, within: str, values) -> None:
    base = sentence(1, 60)
    three = [" ".join(base), " ".join(with_changes(base, 1, 2)), " ".join(base).upper()]
    near = jaccard(ngrams(three[0]), ngrams(three[1]))
    columns = {name: [pair[0], pair[1]] * 3 for name, pair in values.items()}
    # Two scopes, each with a text, a near-copy and an equal one.
    documents = make_documents([text for text in three for _ in range(2)], id=spread(6), **columns)
    outcome = run(tmp_path, documents, Config(within=within), shards=3, partitions=2)
    assert outcome.matches() == {
        2: ("near_duplicate", 0, near),
        3: ("near_duplicate", 1, near),
        4: ("exact_ngram_set", 0, 1.0),
        5: ("exact_ngram_set", 1, 1.0),
    }
    assert run(tmp_path / "all", documents, shards=2).kept_numbers() == [0]


@pytest.mark.parametrize("grouping", ["greedy", "components"])
def test_a_scope_gives_what_each_part_alone_gives(tmp_path: Path, make_documents, grouping: str) -> None:
    texts = corpus(12)
    sources = ["ab"[value] for value in np.random.default_rng(5).integers(0, 2, len(texts))]
    documents = make_documents(texts, id=spread(len(texts)), source=sources)
    config = Config(grouping=grouping)
    both = run(tmp_path / "both", documents, Config(grouping=grouping, within="source"), shards=2, partitions=3)
    alone = {}
    for name in "ab":
        part = documents.filter(pa.compute.equal(documents["source"], name))
        alone |= run(tmp_path / name, part, config).matches()
    assert both.matches() == alone


def test_candidates_of_another_scope_fail_verification(tmp_path: Path, make_documents, monkeypatch) -> None:
    leave_scope_out_of_bands(monkeypatch)
    base = sentence(1, 60)
    texts = [" ".join(base), " ".join(with_changes(base, 1, 2))]
    outcome = run(tmp_path, make_documents(texts, source=["a", "b"]), Config(within="source"))
    assert outcome.notes["candidate_pairs"] == 1
    assert outcome.kept_numbers() == [0, 1]
