"""What the pool of a finished run still repeats, by brute force: no signatures, no hashes of tamis.

    PYTHONPATH=. python benchmarks/dedup/pool.py results

Every document of the pool is compared with every other on the text that reached the first stage that cuts, as sets of
word 5-grams, by one product of sparse matrices. Printed are the pairs at or above the threshold (code and maths of
which the operators differ apart, as `minhash_dedup` has them), extracts beside what they were taken from, documents
that lost text, cuts whose owner is gone, and by how much the documents of each training set overlap the validation
split on 13-grams. The exit code is 1 if anything is there that the defaults promise away. Of words it takes the
definition of tamis (`tamis.text`), which has tests of its own. 30 million characters take about a minute and 3 GB.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse

from tamis.text import words

CUT = {"paragraph_dedup", "line_pruning", "substring_dedup"}
OPERATORS = re.compile(
    r"[0-9+\-*/%=<>!&|^~¬±×÷\u2044\u207a-\u207c\u208a-\u208c\u2190-\u22ff\u27c0-\u27ef\u2900-\u2aff]"
)
NGRAM, LONG_NGRAM, OVERLAP, SHORT = 5, 13, 0.5, 500
"""As the defaults of `minhash_dedup` and `validation` have them."""


def table(folder: Path, columns: Sequence[str]) -> pa.Table:
    """Some columns of all Parquet files of a folder."""
    return pa.concat_tables(pq.read_table(path, columns=list(columns)) for path in sorted(folder.glob("*.parquet")))


class Grams:
    """Sets of word n-grams: a number a different n-gram of numbers of words, by random odd factors modulo 2^64."""

    def __init__(self) -> None:
        """With no words yet."""
        self._words: dict[str, int] = {}
        self._factors = np.random.default_rng(0).integers(1, 2**63, 64, dtype=np.uint64) * np.uint64(2) + np.uint64(1)

    def of(self, text: str, n: int) -> np.ndarray:
        """The n-grams of a text, of a shorter one all its words: uint64, sorted, each once."""
        known = self._words
        numbers = np.array([known.setdefault(word, len(known) + 1) for word in words(text)], dtype=np.uint64)
        if not len(numbers):
            return numbers
        mixed = numbers * self._factors[63]
        mixed ^= mixed >> np.uint64(29)
        n = min(n, len(numbers))
        return np.unique(np.lib.stride_tricks.sliding_window_view(mixed, n) @ self._factors[:n])


def similar(sets: Sequence[np.ndarray], threshold: float) -> Iterator[tuple[int, int, float]]:
    """Every pair of sets at or above a Jaccard similarity, as two numbers and the similarity."""
    sizes = np.array([len(one) for one in sets])
    _, column = np.unique(np.concatenate(sets), return_inverse=True)
    row = np.repeat(np.arange(len(sets)), sizes)
    shared = np.bincount(column)[column] > 1
    holds = scipy.sparse.csr_matrix((np.ones(shared.sum(), np.int32), (row[shared], column[shared])))
    common = scipy.sparse.triu(holds @ holds.T, k=1).tocoo()
    jaccard = common.data / (sizes[common.row] + sizes[common.col] - common.data)
    for pair in np.flatnonzero(jaccard >= threshold):
        yield int(common.row[pair]), int(common.col[pair]), float(jaccard[pair])


def pairs(results: Path, stages: Sequence[str], pool: pa.Table, threshold: float) -> tuple[int, int]:
    """How many pairs of the pool are similar, and how many others are told apart by their operators."""
    first = next((at for at, stage in enumerate(stages) if stage in CUT), len(stages) - 1)
    before = table(results / stages[first - 1] / "documents", ["id", "text"])
    texts = dict(zip(before["id"].to_pylist(), before["text"].to_pylist(), strict=True))
    ids, kinds = pool["id"].to_pylist(), pool["kind"].to_pylist()
    grams = Grams()
    similar_pairs = told_apart = 0
    for one, other, jaccard in similar([grams.of(texts[name], NGRAM) for name in ids], threshold):
        both = texts[ids[one]], texts[ids[other]]
        code = {kinds[one], kinds[other]} <= {"code", "maths"} and min(map(len, both)) < SHORT
        apart = code and OPERATORS.findall(both[0]) != OPERATORS.findall(both[1])
        told_apart += apart
        similar_pairs += not apart
        print(f"  {jaccard:.3f} {'told apart' if apart else 'SIMILAR'}: {ids[one]} {ids[other]}")
    return similar_pairs, told_apart


def beside_parents(pool: pa.Table) -> int:
    """Extracts whose parent is in the pool, too."""
    there = {name[:16] for name, parent in zip(*(pool[key].to_pylist() for key in ("id", "parent")), strict=True)}
    return sum(parent in there for parent in pool["parent"].to_pylist() if parent)


def cuts(results: Path, stages: Sequence[str], pool: pa.Table) -> dict[str, int]:
    """What the documents of the pool lost."""
    there = set(pool["id"].to_pylist())
    found = {"documents": 0, "cuts": 0, "characters": 0, "cuts whose owner is gone": 0}
    documents = set()
    for stage in (stage for stage in stages if stage in CUT):
        for row in table(results / stage / "edits", ["id", "start", "end", "matched_id"]).to_pylist():
            if row["id"] in there:
                documents.add(row["id"])
                found["cuts"] += 1
                found["characters"] += row["end"] - row["start"]
                found["cuts whose owner is gone"] += row["matched_id"] is not None and row["matched_id"] not in there
    return found | {"documents": len(documents)}


def overlaps(results: Path, sets: Sequence[str]) -> tuple[int, int, float]:
    """Validation documents, how many of them overlap one of the sets, and the largest overlap.

    Two documents overlap by the share of the 13-grams of the smaller one that both have.
    """
    grams = Grams()
    held = [
        grams.of(text, LONG_NGRAM) for text in table(results / "validation/documents", ["text"])["text"].to_pylist()
    ]
    trained = {}
    for name in sets:
        documents = table(results / name / "documents", ["id", "text"])
        trained |= dict(zip(documents["id"].to_pylist(), documents["text"].to_pylist(), strict=True))
    every = np.unique(np.concatenate([np.zeros(0, np.uint64), *held]))
    largest, spread = np.zeros(len(held)), [np.zeros(0, np.uint64)]
    for text in trained.values():
        whole = grams.of(text, LONG_NGRAM)
        mine = whole[np.isin(whole, every)]
        spread.append(mine)
        for at, one in enumerate(held if len(mine) else ()):
            shared = np.isin(mine, one).sum() / max(1, min(len(one), len(whole)))
            largest[at] = max(largest[at], shared)
    anywhere = np.unique(np.concatenate(spread))
    together = [np.isin(one, anywhere).mean() if len(one) else 0.0 for one in held]
    return len(held), int(((largest >= OVERLAP) | (np.array(together) >= OVERLAP)).sum()), float(largest.max(initial=0))


def main() -> int:
    """Print the figures; 1 if one of them is not what the defaults promise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--threshold", type=float, default=0.7)
    given = parser.parse_args()
    layout = json.loads((given.results / "layout.json").read_bytes())
    stages = [stage for stage in layout["stages"] if stage != "tokenizer"]
    pool = table(given.results / stages[-1] / "documents", ["id", "kind", "parent", "text"])
    characters = sum(map(len, pool["text"].to_pylist()))
    print(f"pool: {pool.num_rows:,} documents, {characters:,} characters")
    similar_pairs, told_apart = pairs(given.results, stages, pool, given.threshold)
    print(
        f"pairs at or above {given.threshold:g} on the text before any cut: {similar_pairs}; told apart: {told_apart}"
    )
    extracts = beside_parents(pool)
    print(f"extracts beside what they were taken from: {extracts}")
    print(
        "cut from documents of the pool:",
        ", ".join(f"{count:,} {of}" for of, count in cuts(given.results, stages, pool).items()),
    )
    overlapping = 0
    if layout["validation"]:
        sets = [f"{kind}/{name}" for kind in ("mixtures", "annealing") for name in layout[kind]]
        held, overlapping, largest = overlaps(given.results, sets)
        print(
            f"validation: {held} documents, {overlapping} overlap training sets by half; largest overlap {largest:.3f}"
        )
    return int(bool(similar_pairs or extracts or overlapping))


if __name__ == "__main__":
    raise SystemExit(main())
