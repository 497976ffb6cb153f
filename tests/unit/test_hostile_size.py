"""One document of 100 MB beside ordinary ones goes through every step of de-duplication, with the right outcome."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import stage_jobs
from documents import batched, make_documents
from stage_jobs import number

from tamis.stages import line_pruning, minhash_dedup, paragraph_dedup

pytestmark = pytest.mark.slow

BANNER = "All the pages of this site may be copied by anyone who says where they come from."
SHARED = (
    "This paragraph stands in the long document and in a short one, word for word, and it has some twenty words in all."
)
LONG = 100_000_000


def sentence(index: int, words: int = 14) -> str:
    return " ".join(f"w{index}x{word}" for word in range(words)) + "."


@pytest.fixture(scope="module", name="documents")
def _documents() -> pa.Table:
    """Number 0 is long: paragraphs of random words, with the banner, the shared paragraph and one of its own twice."""
    random = np.random.default_rng(0)
    count = LONG // 900
    vocabulary = [f"word{index}" for index in range(100_000)]
    lines = random.integers(0, len(vocabulary), (count, 100))
    paragraphs = [" ".join([vocabulary[word] for word in line]) for line in lines.tolist()]
    text = "\n\n".join([*paragraphs, BANNER, SHARED, paragraphs[7]])
    assert 90_000_000 < len(text) < 110_000_000
    short = [f"{sentence(index)}\n{sentence(index + 1000)}\n{BANNER}" for index in range(1, 10)]
    texts = [text, *short]
    texts[2] += f"\n\n{SHARED}"
    texts[4] = f"{texts[3]} tail"
    # The short copy of the address of the long document stands first in keep order.
    urls = [f"http://example.org/{index}" for index in range(10)]
    urls[5] = "https://example.org/0"
    names = [f"{0 if index in (0, 5) else index:016x}{index:016x}" for index in range(10)]
    return make_documents(texts, id=names, url=urls, rank=[5, 1, 2, 3, 4, 0, 6, 7, 8, 9])


def by_number(table: pa.Table) -> dict[int, dict]:
    return {number(row["id"]): row for row in table.to_pylist()}


def test_url_dedup(documents: pa.Table, tmp_path: Path) -> None:
    kept, dropped, *_ = batched(stage_jobs.url_dedup)(tmp_path, documents)
    assert list(by_number(dropped)) == [0]
    assert by_number(dropped)[0]["matched_id"] == by_number(kept)[5]["id"]
    assert kept.num_rows == 9


def test_paragraph_dedup(documents: pa.Table, tmp_path: Path) -> None:
    config = paragraph_dedup.Config(unit="paragraph", min_documents=1)
    kept, dropped, edits, _ = batched(stage_jobs.paragraph_dedup)(tmp_path, documents, config, 2, 2)
    before, after = by_number(documents), by_number(kept)
    text = before[0]["text"]
    # Its own paragraph stands once, and the shared one in document 2, which comes first.
    own = text[text.index(SHARED) + len(SHARED) + 2 :]
    assert after[0]["text"] == text[: text.index(SHARED) - 2]
    assert own in after[0]["text"]
    cuts = [(row["start"], row["end"]) for row in edits.to_pylist() if number(row["id"]) == 0]
    assert [end - start for start, end in cuts] == [len(SHARED) + 2, len(own) + 2]
    assert after[2]["text"].endswith(SHARED)
    assert 0 not in by_number(dropped)


def test_minhash_dedup(documents: pa.Table, tmp_path: Path) -> None:
    outcome = batched(stage_jobs.minhash_dedup)(tmp_path, documents, minhash_dedup.Config(), shards=2, partitions=2)
    assert outcome.matches().keys() == {4}
    assert outcome.matches()[4][:2] == ("near_duplicate", 3)
    assert 0 in outcome.kept_numbers()


def test_line_pruning(documents: pa.Table, tmp_path: Path) -> None:
    kept, dropped, edits, _ = batched(stage_jobs.line_pruning)(
        tmp_path, documents, line_pruning.Config(min_characters=0), 2, 2
    )
    before, after = by_number(documents), by_number(kept)
    assert dropped.num_rows == 0
    assert {number(row["id"]) for row in edits.to_pylist()} == set(range(10))
    assert after[0]["text"] == before[0]["text"].replace(f"{BANNER}\n\n", "")
    assert not [name for name, row in after.items() if BANNER in row["text"]]
