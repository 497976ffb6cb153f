"""How much is found: items planted into copies of documents of this corpus, in disguises, and looked for.

Items come from all benchmarks equally, half of them as their question alone and half whole (passage, question, choices,
solution, answer). They stand in documents that a keyed hash of the id chooses, at the end of a line where the document
has lines. An item counts as found if a match that `acts_on` names lies where it was planted. Nothing depends on shards
or on what else is in the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tamis.classifiers.evaluation.ranking import wilson
from tamis.decontamination.benchmarks import Item
from tamis.decontamination.disguises import DISGUISES, LENGTHS
from tamis.decontamination.index import Benchmarks
from tamis.decontamination.matches import Finder
from tamis.hashing import keyed_uint64
from tamis.kernels.contamination import Rarity
from tamis.kernels.visible_words import visible_hashes

LONGEST = 50_000
"""Characters of a document that an item is planted in."""

KEY = "decontamination audit"


class Planted(NamedTuple):
    """One planted item."""

    item: int
    disguise: str
    form: str
    """`question` or `item`."""
    text: str
    """Of the item, before the disguise."""
    start: int
    """First byte in the document."""
    end: int


def smallest(batches: Iterable[pa.Table], count: int) -> pa.Table:
    """The documents with the smallest keys.

    Args:
        batches: tables with `id` and `text`, and `key` where it is known.
        count: how many.

    Returns:
        Up to `count` rows of key, id and the beginning of the text, by key, then id.
    """
    none = pa.schema([("key", pa.uint64()), ("id", pa.string()), ("text", pa.large_string())]).empty_table()
    kept = none
    for batch in batches if count else ():
        ids = batch["id"].to_pylist()
        key = batch["key"] if "key" in batch.column_names else pa.array(keyed_uint64(KEY, ids))
        bound = kept["key"][-1].as_py() if kept.num_rows == count else None
        rows = [n for n, value in enumerate(key.to_pylist()) if bound is None or value <= bound]
        rows = sorted(rows, key=lambda n: (key[n].as_py(), ids[n]))[:count]
        new = pa.table(
            {
                "key": key.take(pa.array(rows, pa.int64())),
                "id": pa.array([ids[n] for n in rows], pa.string()),
                "text": pa.array([batch["text"][n].as_py()[:LONGEST] for n in rows], pa.large_string()),
            }
        )
        kept = pa.concat_tables([kept, new]).sort_by([("key", "ascending"), ("id", "ascending")])[:count]
    return kept.combine_chunks()


def _place(text: str, random: Random) -> int:
    """Where a text is put in: after a line, or a word where there are no lines, but inside of no tag."""
    at = random.randrange(len(text) + 1)
    for mark in ("\n", " "):
        found = text.find(mark, at)
        while found >= 0 and text.rfind("<", max(0, found - 300), found) > text.rfind(">", max(0, found - 300), found):
            found = text.find(mark, found + 1)
        if 0 <= found <= at + 2000:
            return found
    return len(text)


def _draw(items: Sequence[Item], texts: Sequence[str], count: int, disguise: str) -> tuple[list[Planted], list[str]]:
    """Items in one disguise, and the documents that they stand in."""
    random = Random(f"{KEY} {disguise}")  # noqa: S311 - the same in every run
    by_benchmark: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        by_benchmark.setdefault(item.benchmark, []).append(number)
    benchmarks = list(by_benchmark.values())
    planted, documents = [], []
    for turn in range(count):
        number = random.choice(benchmarks[turn % len(benchmarks)])
        form = ("question", "item")[turn // len(benchmarks) % 2]
        text = items[number].question if form == "question" else items[number].full
        carrier = texts[turn % len(texts)]
        at = _place(carrier, random)
        written = DISGUISES[disguise](text, random, carrier[:5000].split()[:500])
        before = f"{carrier[:at]}\n\n"
        start = len(before.encode())
        planted.append(Planted(number, disguise, form, text, start, start + len(written.encode())))
        documents.append(f"{before}{written}\n\n{carrier[at:]}")
    return planted, documents


def plant(items: Sequence[Item], texts: Sequence[str], count: int) -> tuple[list[Planted], list[str]]:
    """Plant items into copies of texts.

    Args:
        items: of all benchmarks.
        texts: of documents, at least one.
        count: how many in each disguise.

    Returns:
        What was planted, and the document of each.
    """
    drawn = [_draw(items, texts, count, disguise) for disguise in DISGUISES]
    return [one for some, _ in drawn for one in some], [text for _, some in drawn for text in some]


def found_again(
    planted: Sequence[Planted], documents: Sequence[str], benchmarks: Benchmarks, rarity: Rarity, parts: Sequence[int]
) -> list[bool]:
    """Whether each planted item is found in its document.

    Args:
        planted: n items.
        documents: n documents.
        benchmarks: what is looked for.
        rarity: of its words.
        parts: the parts that count.
    """
    finder = Finder(benchmarks, rarity)
    found = [False] * len(planted)
    for first in range(0, len(documents), 500):
        texts = pa.chunked_array([pa.array(documents[first : first + 500], pa.large_string())])
        starts = np.r_[0, np.cumsum([len(text.encode()) for text in documents[first : first + 500]])]
        for match in finder.find(texts, np.ones(len(texts), bool))[0]:
            one = planted[first + match.row]
            inside = match.start - starts[match.row] < one.end and match.end - starts[match.row] > one.start
            if inside and match.part in parts and one.item in benchmarks.owners_of(match.probe):
                found[first + match.row] = True
    return found


def _length(words: int) -> str:
    return next(name for name, bound in LENGTHS if words < bound)


def audited(
    items: Sequence[Item],
    benchmarks: Benchmarks,
    rarity: Rarity,
    texts: Sequence[str],
    count: int,
    parts: Sequence[int],
) -> dict[str, Any]:
    """Plant, look, and count.

    Args:
        items: of all benchmarks, as the index has them.
        benchmarks: the index.
        rarity: of its words.
        texts: documents to plant in.
        count: items a disguise.
        parts: the parts that count.

    Returns:
        `planted`, and in `rows` for each disguise, form, length and benchmark how many were planted and found;
        `by_disguise` and `by_length` with recall and its 95 % interval.
    """
    if not count or not texts or not items:
        return {"planted": 0, "rows": [], "by_disguise": [], "by_length": []}
    planted, documents = plant(items, texts, count)
    found = found_again(planted, documents, benchmarks, rarity, parts)
    words = np.diff(visible_hashes(pa.array([one.text for one in planted], pa.large_string()))[0]).tolist()
    groups: dict[tuple[str, str, str, str], Counter[str]] = {}
    for one, has, size in zip(planted, found, words, strict=True):
        key = one.disguise, one.form, _length(size), items[one.item].benchmark
        groups.setdefault(key, Counter()).update(planted=1, found=int(has))
    names = ("disguise", "form", "length", "benchmark")
    rows = [dict(zip(names, key, strict=True)) | dict(counts) for key, counts in sorted(groups.items())]
    return {
        "planted": len(planted),
        "rows": rows,
        "by_disguise": recalls(rows, ("disguise", "form")),
        "by_length": recalls(rows, ("length", "form")),
    }


def recalls(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Recall with its 95 % interval (Wilson) by some columns of `rows`."""
    sums: dict[tuple[str, ...], Counter[str]] = {}
    for row in rows:
        key = tuple(row[name] for name in columns)
        sums.setdefault(key, Counter()).update(planted=row["planted"], found=row["found"])
    result = []
    for key, counts in sums.items():
        recall = counts["found"] / counts["planted"]
        low, high = wilson(recall, counts["planted"])
        result.append(
            dict(zip(columns, key, strict=True))
            | {"planted": counts["planted"], "found": counts["found"], "recall": recall, "low": low, "high": high}
        )
    return result
