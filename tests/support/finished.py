"""Reading a finished run for the workflow tests: tables, words, Jaccard; written without any code of tamis."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
"""An ideograph or kana, or a run of other letters and digits."""

NGRAM = 5


def table(folder: Path) -> pa.Table:
    """All Parquet files of a folder as one table."""
    paths = sorted(folder.glob("part-*.parquet"))
    assert paths, f"{folder} holds no part"
    return pa.concat_tables(pq.read_table(path) for path in paths)


def rows(folder: Path) -> list[dict[str, Any]]:
    """All Parquet files of a folder as dictionaries."""
    return table(folder).to_pylist()


def stages_with_documents(results: Path, pipeline: Iterable[str]) -> list[tuple[str, str]]:
    """(stage before, stage) along the pipeline."""
    names = ["ingest", *pipeline]
    return list(pairwise(names))


def added_characters(stage: Path) -> int:
    """Characters that a stage says it put in the place of others."""
    counts = [row for path in stage.glob("stats/*.json") for row in json.loads(path.read_text())["counts"]]
    return sum(row["characters"] for row in counts if row["outcome"] == "added")


def ngrams(text: str) -> frozenset[tuple[str, ...]]:
    """The set of word 5-grams."""
    words = WORD.findall(text.lower())
    return frozenset(tuple(words[at : at + NGRAM]) for at in range(len(words) - NGRAM + 1))


def similar_pairs(texts: dict[str, str], threshold: float) -> Iterator[tuple[str, str, float]]:
    """Every pair of texts at or above a Jaccard, found by counting all shared n-grams: no sampling, no signatures."""
    sets = {name: ngrams(text) for name, text in texts.items()}
    holders: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in sorted(sets):
        shared: defaultdict[str, int] = defaultdict(int)
        for ngram in sets[name]:
            for other in holders[ngram]:
                shared[other] += 1
            holders[ngram].append(name)
        for other, count in sorted(shared.items()):
            similarity = count / (len(sets[name]) + len(sets[other]) - count)
            if similarity >= threshold:
                yield other, name, similarity
