"""N-gram sets read again from a documents file, against those of its signatures and of plain Python."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from documents import in_batches, make_documents
from near_duplicates import ngrams, sentence

from tamis.dedup.minhash.signatures import Scheme, read_all_sets, read_sets, signatures
from tamis.errors import ShardMismatchError
from tamis.shards import write_table

SCHEME = Scheme(ngram=5, bands=2, rows=2, seed=0)


@pytest.fixture(name="made")
def _made(tmp_path):
    """A documents file, its signatures, and its texts in the order of the file."""
    # Passages of one text that overlap, of different lengths, some of them empty.
    words = sentence(1, 150)
    texts = [" ".join(words[5 * number : 5 * number + 7 * (number % 5)]) for number in range(23)]
    documents = make_documents(texts, rank=[(number * 7) % 23 for number in range(23)])
    write_table(tmp_path / "d.parquet", documents)
    with in_batches(documents):
        yield (
            tmp_path / "d.parquet",
            signatures(tmp_path / "d.parquet", tmp_path / "d.parquet", SCHEME, ("prose",)),
            texts,
        )


def test_sets_come_in_the_order_of_the_file(made):
    path, known, texts = made
    chosen = np.flatnonzero(np.arange(23) % 3 != 1)
    ranks, sizes = (known[name].to_numpy()[chosen] for name in ("rank", "size"))
    parts = list(read_sets(path, ranks, sizes, SCHEME))
    assert len(parts) > 3
    assert [part.rows.start for part in parts] == [0, *(part.rows.stop for part in parts[:-1])]
    assert parts[-1].rows.stop == len(chosen)
    found = [part.grams[a:b] for part in parts for a, b in zip(part.bounds[:-1], part.bounds[1:], strict=True)]
    assert [len(grams) for grams in found] == [len(ngrams(texts[row])) for row in chosen]
    # Equal n-grams have equal numbers: what two sets share is what their texts share.
    assert [[len(np.intersect1d(one, other)) for other in found] for one in found] == [
        [len(ngrams(texts[one]) & ngrams(texts[other])) for other in chosen] for one in chosen
    ]
    bounds, grams = read_all_sets(path, ranks, sizes, SCHEME)
    assert np.diff(bounds).tolist() == sizes.tolist()
    assert np.array_equal(grams, np.concatenate(found))


def test_no_document_asked_for(made):
    path, _, _ = made
    nothing = np.empty(0, np.int64)
    assert [len(part.grams) for part in read_sets(path, nothing, nothing, SCHEME)] == [0] * 6
    assert [values.tolist() for values in read_all_sets(path, nothing, nothing, SCHEME)] == [[0], []]


@pytest.mark.parametrize("wrong", ["size", "rank", "order"])
def test_a_file_that_changed_during_the_run_is_refused(made, wrong):
    path, known, _ = made
    ranks, sizes = known["rank"].to_numpy().copy(), known["size"].to_numpy().copy()
    if wrong == "size":
        sizes[9] += 1
    elif wrong == "rank":
        ranks[9] = 1000
    else:
        ranks, sizes = ranks[::-1], sizes[::-1]
    with pytest.raises(ShardMismatchError, match="not the one whose signature"):
        list(read_sets(path, ranks, sizes, SCHEME))


def test_documents_of_other_kinds_have_no_signature(tmp_path):
    write_table(tmp_path / "d.parquet", make_documents(["a b", "c d"], kind=["code", "prose"]))
    known = signatures(tmp_path / "d.parquet", tmp_path / "d.parquet", SCHEME, ("prose",))
    assert known["rank"].to_pylist() == [1]
    assert known.schema == SCHEME.schema()
    assert isinstance(known, pa.Table)
