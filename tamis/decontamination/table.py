"""The contamination table: what stands of each benchmark in a corpus, and what is thought to stand there unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tamis.decontamination.audit import recalls
from tamis.decontamination.estimate import missed


def contamination(names: Sequence[str], found: pa.Table, audit: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Count by benchmark.

    Args:
        names: of all items, benchmark/id.
        found: `id`, `benchmark`, `item`, `part`, `characters`, `gone_words` and `outcome` of every match.
        audit: of `tamis.decontamination.audit.audited`.
        method: how was looked, and what was done.

    Returns:
        `method`, `audit`, and in `benchmarks` for each in order: items, hit_items, documents (that hold any), of which
        dropped and cut, characters and words that went with them, by_part (items in documents by what was found),
        found (items in documents that counted), recall with its interval, missed (estimate of what else is there) with
        its interval. A document that holds items of two benchmarks counts for both.
    """
    items = Counter(name.partition("/")[0] for name in names)
    recall = {row["benchmark"]: row for row in recalls(audit["rows"], ("benchmark",))}
    rows: dict[str, list[tuple[str, str, str, int, int, str]]] = {name: [] for name in items}
    names_of = ("benchmark", "id", "item", "part", "characters", "gone_words", "outcome")
    columns = [found[name].to_pylist() for name in names_of]
    for benchmark, *row in zip(*columns, strict=True):
        rows[benchmark].append(tuple(row))
    return {
        "method": method,
        "audit": audit,
        "benchmarks": [_benchmark(name, count, rows[name], recall.get(name)) for name, count in items.items()],
    }


def _benchmark(
    name: str, items: int, rows: Sequence[tuple[str, str, str, int, int, str]], recall: Mapping[str, Any] | None
) -> dict[str, Any]:
    acted = [row for row in rows if row[5] != "noted"]
    pairs = {(document, item) for document, item, *_ in acted}
    gone = {document: (characters, words, outcome) for document, _, _, characters, words, outcome in acted}
    by_part: Counter[str] = Counter()
    for _, _, part in {(document, item, part) for document, item, part, *_ in rows}:
        by_part[part] += 1
    result: dict[str, Any] = {
        "benchmark": name,
        "items": items,
        "hit_items": len({item for _, item in pairs}),
        "documents": len(gone),
        "dropped": sum(outcome == "dropped" for _, _, outcome in gone.values()),
        "cut": sum(outcome == "cut" for _, _, outcome in gone.values()),
        "characters": sum(characters for characters, _, _ in gone.values()),
        "words": sum(words for _, words, _ in gone.values()),
        "by_part": dict(sorted(by_part.items())),
        "found": len(pairs),
    }
    if recall is None:
        return result | dict.fromkeys(("recall", "recall_low", "recall_high", "missed", "missed_low", "missed_high"))
    estimate, low, high = missed(len(pairs), recall["found"], recall["planted"])
    return result | {
        "recall": recall["recall"],
        "recall_low": recall["low"],
        "recall_high": recall["high"],
        "missed": estimate,
        "missed_low": low,
        "missed_high": high,
    }
