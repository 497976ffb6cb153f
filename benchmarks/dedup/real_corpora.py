"""Recall and precision of minhash_dedup on real corpora, against all pairs by brute force.

The oracle makes the n-grams of every document as strings (no hashes) and multiplies the sparse matrix documents ×
n-grams by its transpose: all exact Jaccard similarities. Counted: pairs at or above the threshold of which both
documents were kept (missed), dropped documents whose named document was not kept, and dropped documents whose
similarity in the ledger is not the exact one to the document named, or is below the threshold.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import zstandard
from in_process import Outcome, documents_table, number, run
from scipy import sparse

from tamis.stages.minhash_dedup import Config
from tamis.text import words

CORPORA = {
    "licences": ("licensedb.jsonl.zst", "spdx-xml.jsonl.zst"),
    "laws (German)": ("gesetze.jsonl.zst",),
    "PEPs": ("peps.jsonl.zst",),
    "mails": ("spam-assassin.jsonl.zst",),
    "short messages": ("sms-spam.jsonl.zst", "tldr.jsonl.zst"),
    "web pages": ("../web/waddle.S.gold.jsonl.zst", "../web/wcxb.S.gold.jsonl.zst"),
}
BLOCK = 512


def texts(folder: Path, names: tuple[str, ...]) -> list[str]:
    """The texts of some files of the real corpora."""
    found = []
    for name in names:
        with (folder / name).open("rb") as file:
            stream = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file)
            found += [json.loads(line)["text"] for line in io.TextIOWrapper(stream, encoding="utf-8")]
    return found


def ngrams(text: str, n: int) -> set[str]:
    """The set of word n-grams by definition: strings; a short text is one n-gram."""
    found = words(text)
    return {" ".join(found[i : i + n]) for i in range(max(1, len(found) - n + 1))} if found else set()


class Oracle:
    """All exact similarities of a corpus."""

    def __init__(self, documents: list[str], n: int) -> None:
        """Number the n-grams and build the matrix."""
        numbers: dict[str, int] = {}
        rows = [[numbers.setdefault(gram, len(numbers)) for gram in sorted(ngrams(text, n))] for text in documents]
        self.sizes = np.array([len(row) for row in rows])
        columns = np.fromiter((gram for row in rows for gram in row), np.int64, self.sizes.sum())
        bounds = np.concatenate([[0], np.cumsum(self.sizes)])
        self.matrix = sparse.csr_matrix((np.ones(len(columns), np.int32), columns, bounds), (len(rows), len(numbers)))

    def pairs(self, threshold: float) -> Iterator[tuple[int, int]]:
        """All pairs at or above the threshold, smaller number first."""
        other = self.matrix.T.tocsc()
        for begin in range(0, len(self.sizes), BLOCK):
            shared = (self.matrix[begin : begin + BLOCK] @ other).tocoo()
            one, two = shared.row + begin, shared.col
            near = shared.data >= threshold * (self.sizes[one] + self.sizes[two] - shared.data)
            for a, b in zip(one[near].tolist(), two[near].tolist(), strict=True):
                if a < b:
                    yield a, b

    def similarity(self, one: int, other: int) -> float:
        """Exact Jaccard similarity of two documents."""
        a, b = self.matrix[one].indices, self.matrix[other].indices
        shared = len(np.intersect1d(a, b))
        return shared / (len(a) + len(b) - shared)


def judge(oracle: Oracle, outcome: Outcome, threshold: float) -> tuple[int, int, int, int]:
    """Pairs at or above the threshold, those both kept, wrong drops, and similarities that are not exact."""
    kept = {number(name) for name in outcome.kept["id"].to_pylist()}
    total = missed = 0
    for a, b in oracle.pairs(threshold):
        total += 1
        missed += a in kept and b in kept
    wrong = inexact = 0
    columns = (outcome.dropped[name].to_pylist() for name in ("id", "matched_id", "similarity"))
    for name, match, similarity in zip(*columns, strict=True):
        exact = oracle.similarity(number(name), number(match))
        wrong += exact < threshold or number(match) not in kept
        inexact += exact != similarity
    return total, missed, wrong, inexact


def audit(folder: Path, work: Path) -> tuple[list[str], list[list[str]]]:
    """The table of five corpora; a corpus whose files are not there is named as absent."""
    config = Config()
    head = ["corpus", "documents", "MB", "dropped", f"pairs ≥ {config.threshold:g}", "both kept", "share",
            "wrong drops", "similarities not exact", "pairs suppressed by K"]  # fmt: skip
    rows = []
    for corpus, names in CORPORA.items():
        if not all((folder / name).exists() for name in names):
            rows.append([corpus, "absent"] + [""] * (len(head) - 2))
            continue
        found = texts(folder, names)
        scratch = work / "recall"
        shutil.rmtree(scratch, ignore_errors=True)
        outcome = run(scratch, documents_table(found), config)
        total, missed, wrong, inexact = judge(Oracle(found, config.ngram), outcome, config.threshold)
        size = sum(len(text.encode()) for text in found) / 1e6
        rows.append(
            [corpus, f"{len(found):,}", f"{size:.1f}", f"{outcome.dropped.num_rows:,}", f"{total:,}", f"{missed:,}",
             f"{100 * missed / max(total, 1):.2f} %", str(wrong), str(inexact),
             f"{outcome.notes['suppressed_pairs']:,}"]
        )  # fmt: skip
        shutil.rmtree(scratch)
    return head, rows
