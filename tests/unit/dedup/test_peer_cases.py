"""The kinds of cases that datatrove, dolma, data-prep-kit, NeMo Curator, data-juicer and text-dedup test with.

`tests/support/peer_cases.py` has the cases; here are those that need more than a table of texts.
"""

from __future__ import annotations

from importlib import import_module

import peer_cases
import pytest
import stage_jobs
from documents import batched, make_documents
from near_duplicates import jaccard, ngrams, spread
from peer_cases import Case, words

from tamis.ids import document_key
from tamis.urls import url_key


def outcome_of(case: Case, folder, shards: int):
    n = len(case.texts)
    ids = spread(n, 1)
    addresses = case.columns.get("url")
    if addresses:
        # Captures of one page meet in a shard, because their ids begin alike.
        halves = [document_key(url_key(url)) if url else name[:16] for url, name in zip(addresses, ids, strict=True)]
        ids = [f"{half}{number:016x}" for number, half in enumerate(halves)]
    documents = make_documents(case.texts, id=ids, **case.columns)
    config = import_module(f"tamis.stages.{case.stage}").Config(**case.settings)
    outcome = batched(getattr(stage_jobs, case.stage))(folder, documents, config, shards, 2)
    return documents, outcome


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("case", peer_cases.ALL, ids=str)
def test_what_is_left(case: Case, tmp_path, shards):
    documents, outcome = outcome_of(case, tmp_path, shards)
    found = dict.fromkeys(range(len(case.texts)))
    found |= {
        stage_jobs.number(name): text
        for name, text in zip(outcome.kept["id"].to_pylist(), outcome.kept["text"].to_pylist(), strict=True)
    }
    assert list(found.values()) == list(case.left)
    # Whatever goes says why, and names a document that is there or none.
    assert sorted(map(stage_jobs.number, outcome.dropped["id"].to_pylist())) == [
        number for number, text in enumerate(case.left) if text is None
    ]
    assert None not in outcome.dropped["reason"].to_pylist()
    assert set(outcome.dropped["matched_id"].to_pylist()) - {None} <= set(documents["id"].to_pylist())


def test_no_case_stands_twice():
    names = [case.what for case in peer_cases.ALL]
    assert len(set(names)) == len(names) > 60


@pytest.mark.parametrize("shared", range(5, 100, 5))
def test_the_similarity_in_the_ledger_is_the_true_one(tmp_path, shared):
    """datatrove compares estimates with the truth at twenty levels; here every figure is exact."""
    texts = [words(0, 104), f"{words(0, shared + 4)} {words(500, 600 - shared)}"]
    true = jaccard(*map(ngrams, texts))
    case = Case("", "minhash_dedup", {"threshold": 0.02, "bands": 1024, "rows": 1}, texts, texts)
    _, outcome = outcome_of(case, tmp_path, 2)
    assert true == shared / (200 - shared)
    assert outcome.matches() == {1: ("near_duplicate", 0, true)}


def test_nothing_goes_by_a_false_positive(tmp_path):
    """dolma's Bloom filter drops new paragraphs at its rate; of 20,000 that differ in a word none goes here."""
    count = 20_000
    pages = ["\n\n".join(f"{words(0, 20)} own{number}x{place}" for place in range(20)) for number in range(count // 20)]
    peers = {"unit": "paragraph", "min_documents": 1}
    case = Case("", "paragraph_dedup", peers, pages, pages)
    _, outcome = outcome_of(case, tmp_path, 2)
    assert outcome.kept["text"].to_pylist() == [
        pages[stage_jobs.number(name)] for name in outcome.kept["id"].to_pylist()
    ]
    assert outcome.notes["paragraphs"] == count
    assert outcome.edits.num_rows == outcome.dropped.num_rows == 0
    # And a second time everything does: none is forgotten.
    twice = [*pages[:50], *pages[:50]]
    again = Case("", "paragraph_dedup", peers | {"near_copy_share": None, "min_characters": 0}, twice, [])
    _, outcome = outcome_of(again, tmp_path / "again", 2)
    assert (outcome.kept.num_rows, outcome.edits.num_rows) == (50, 1_000)


def test_copies_are_counted_at_the_document_that_stays(tmp_path):
    """Curator and data-prep-kit report the size of each cluster; here the document that stays carries it."""
    case = Case("", "minhash_dedup", {}, [words(0, 60)] * 4 + [words(100, 160)], [], {"copies": [1, 2, 1, 5, 1]})
    _, outcome = outcome_of(case, tmp_path, 3)
    assert outcome.kept.sort_by("rank")["copies"].to_pylist() == [9, 1]
    assert outcome.notes["largest_group"] == 4
