"""The test corpus is what it says it is."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import finished
import pyarrow.parquet as pq
import pytest
import zstandard
from running import DATA, DOCUMENTS


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    for name in ("one", "two"):
        command = [sys.executable, str(DATA / "make_corpus.py"), str(folder / name), "--documents", str(DOCUMENTS)]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def test_it_is_the_same_every_time(made):
    one, two = (
        {path.relative_to(made / name): path.read_bytes() for path in (made / name).rglob("*") if path.is_file()}
        for name in ("one", "two")
    )
    assert one == two


def test_near_copies_have_the_jaccard_that_is_written_down(made):
    corpus = made / "one"
    lines = b"".join(zstandard.decompress(path.read_bytes()) for path in sorted(corpus.glob("web/*"))).splitlines()
    lines += gzip.decompress((corpus / "archive.jsonl.gz").read_bytes()).splitlines()
    texts = {}
    for line in lines:
        try:
            row = json.loads(line)
            texts[row["url"]] = row["text"]
        except (ValueError, KeyError, TypeError):
            continue
    cases = json.loads((corpus / "truth.json").read_text())["near_copies"]
    for case in cases:
        one, two = finished.ngrams(texts[case["older"]]), finished.ngrams(texts[case["newer"]])
        assert case["jaccard"] == len(one & two) / len(one | two)
        assert abs(case["jaccard"] - case["target"]) < 0.002
    exact = [case["jaccard"] for case in cases if case["target"] == 0.7]
    assert exact == [0.7] * len(exact)


def test_documents_that_are_no_copies_are_far_apart(made):
    """Else a wrong drop would not be seen."""
    truth = json.loads((made / "one" / "truth.json").read_text())
    papers = pq.read_table(made / "one" / "papers.parquet").to_pylist()
    texts = {row["address"]: row["body"] for row in papers if truth["documents"][row["address"]]["kind"] == "prose"}
    assert len(texts) > 10
    assert list(finished.similar_pairs(texts, 0.3)) == []
