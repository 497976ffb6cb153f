"""How much of the pool would stay at which score: documents and characters, in all, by kind and by source.

Counted exactly over the score files of all shards, each read twice or four times, in memory that does not grow with
the corpus. A document stays at x when its score is x or more; those that have no score pass in any case and are counted
apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tamis.classifiers.markdown import escaped, percent, table
from tamis.classifiers.thresholds import order_statistics, scored_rows
from tamis.shards import whole_file, write_json

TENTHS = tuple(step / 10 for step in range(1, 10))

SHOWN = 12
"""Sources that the Markdown lists; the JSON has all."""

COLUMNS = ("kind", "source", "characters")


def retention(scores: Sequence[Path], column: str) -> dict[str, Any]:
    """What would stay at several scores.

    Args:
        scores: the score files of all shards, with kind, source, characters and a float32 column.
        column: name of that column; null = not scored.

    Returns:
        `documents` scored and `unscored`, the `lowest` and `highest` score, the scores `at` which is counted (tenths
        where all scores are in [0, 1], else the nine deciles), and `groups`: by all, kind, source, each with its
        documents and characters and how many of them stay at each.
    """
    unscored, documents, low, high = 0, 0, np.inf, -np.inf
    for rows, without in _files(scores, column):
        unscored, documents = unscored + without, documents + rows.num_rows
        if rows.num_rows:
            values = rows[column].to_numpy()
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    found: dict[str, Any] = {"score": column, "documents": documents, "unscored": unscored}
    if not documents:
        return found | {"lowest": None, "highest": None, "steps": "none", "at": [], "groups": []}
    tenths = low >= 0.0 and high <= 1.0
    at = TENTHS if tenths else _deciles(scores, column, documents)
    counts: dict[tuple[str, str], np.ndarray] = {}
    for rows, _ in _files(scores, column):
        _count(rows, column, at, counts)
    groups = [
        {
            "by": by,
            "group": name,
            "documents": int(numbers[0, 0]),
            "characters": int(numbers[1, 0]),
            "documents_at": numbers[0, 1:].tolist(),
            "characters_at": numbers[1, 1:].tolist(),
        }
        for (by, name), numbers in sorted(counts.items(), key=lambda item: _order(*item))
    ]
    steps = "tenths" if tenths else "deciles"
    return found | {"lowest": low, "highest": high, "steps": steps, "at": list(at), "groups": groups}


def _order(name: tuple[str, str], numbers: np.ndarray) -> tuple[int, int, str]:
    """All first, then kinds and sources, the largest first."""
    return ("all", "kind", "source").index(name[0]), -int(numbers[0, 0]), name[1]


def _files(scores: Sequence[Path], column: str) -> Iterator[tuple[pa.Table, int]]:
    """The scored rows of each file, and how many have no score."""
    for path in scores:
        rows, unscored = scored_rows(path, column, COLUMNS)
        yield rows, unscored


def _deciles(scores: Sequence[Path], column: str, documents: int) -> tuple[float, ...]:
    """The nine scores that cut all into tenths, equal ones once."""
    ranks = [documents * step // 10 for step in range(1, 10)]
    return tuple(sorted(set(order_statistics(scores, column, ranks))))


def _count(rows: pa.Table, column: str, at: Sequence[float], counts: dict[tuple[str, str], np.ndarray]) -> None:
    """Add the documents and characters of a file: int64[2, 1 + scores], in all and at each score or above."""
    size = len(at) + 1
    # How many of the ascending scores a document reaches.
    reached = np.searchsorted(np.array(at), rows[column].to_numpy().astype(np.float64), side="right")
    weights = np.ones(rows.num_rows, dtype=np.int64), rows["characters"].to_numpy()
    for by in ("all", "kind", "source"):
        names, group = ["all"], np.zeros(rows.num_rows, dtype=np.int64)
        if by != "all":
            encoded = rows[by].cast(pa.string()).combine_chunks().dictionary_encode()
            names, group = encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
        numbers = np.zeros((2, len(names), size), dtype=np.int64)
        for part, weight in zip(numbers, weights, strict=True):
            np.add.at(part.reshape(-1), group * size + reached, weight)
        numbers = numbers[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
        for place, name in enumerate(names):
            counts[by, name] = counts.get((by, name), 0) + numbers[:, place]


def score_text(score: float) -> str:
    """A score as a reader sees it."""
    return f"{score:.4g}"


def markdown(found: Mapping[str, Any]) -> str:
    """What would stay, for readers."""
    name = found["score"]
    lines = [f"# What would stay at which score of {name}", ""]
    if not found["documents"]:
        return "\n".join([*lines, f"No document has a score; {found['unscored']:,} pass without.", ""])
    low, high = found["lowest"], found["highest"]
    scored = f"{found['documents']:,} documents have a score, from {score_text(low)} to {score_text(high)}"
    without = f"{found['unscored']:,} have none and pass"
    lines += [f"{scored}; {without}. A document stays at x when its score is x or more.", ""]
    if low == high:
        lines += ["All scores are equal: no score tells any document from another.", ""]
    head = ["", "", "all", *(f"{score_text(at)}" for at in found["at"])]
    sources = [row for row in found["groups"] if row["by"] == "source"]
    shown = [row for row in found["groups"] if row["by"] != "source"] + sources[:SHOWN]
    for what in ("documents", "characters"):
        lines += [f"## {what.capitalize()}", ""]
        lines += table(head, [_row(row, what) for row in shown])
        lines.append("")
    if len(sources) > SHOWN:
        lines += [f"{len(sources) - SHOWN:,} more sources are in retention.json.", ""]
    return "\n".join(lines)


def _row(row: Mapping[str, Any], what: str) -> list[str]:
    whole = row[what]
    group = "" if row["by"] == "all" else escaped(row["group"])
    return [row["by"], group, f"{whole:,}", *(percent(part, whole) for part in row[f"{what}_at"])]


def write(found: Mapping[str, Any], output: Path, text: Path) -> None:
    """Write both forms."""
    with whole_file(text) as temporary:
        temporary.write_text(markdown(found), encoding="utf-8")
    write_json(output, found)
