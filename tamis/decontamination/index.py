"""The probes of benchmark items, and the seeds by which documents find them.

Of an item these are looked for, each by itself:

* `question`  the question; where it is short, also the question with its choices, or with its answer;
* `answer`    a worked solution, or an answer of at least twice `short_below` words;
* `passage`   the text that the question is about.

Texts of the same words are one probe with several owners (the same question stands in several benchmarks). A probe of
fewer words than a seed is looked for whole, if it has at least `min_words`; one of fewer than `exact_below` words
must be found word for word. All runs of `seed` words are seeds, but those that more than `MOST` probes share, unless a
probe has no other.

One table of one row holds the index in an exchange file: a list a column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tamis import exchange
from tamis.decontamination.benchmarks import Item
from tamis.kernels.contamination import Index, bits_of, numbered, seeds_of, slots_of
from tamis.kernels.visible_words import visible_hashes

MOST = 64
"""Probes that may share a seed: "which of the following is" says nothing."""

PARTS = ("pair", "question", "answer", "passage")
"""What a match may be of, first the gravest; a question becomes a pair where its answer stands behind it."""
PAIR, QUESTION, ANSWER, PASSAGE = range(4)

SLACK, SHORT_SLACK, EXACT_SLACK = 32, 4, 2
"""Words that a match may span: beyond twice those of its probe; beyond those of a short one, for the letters of four
choices; beyond those of one that must be there word for word."""

ARRAYS = ("parts", "owner_offsets", "owners", "searchable")
WORD = 4
"""Bytes of the number of a word."""
EXACT = 0.9999
"""The score of a text that is found word for word, whatever the sums are rounded to."""


VERY_SHORT = 5
"""A question of fewer words is also looked for with its answer behind it."""


@dataclass(frozen=True)
class Scheme:
    """How probes are made and found."""

    extended: bool
    """Seeds are extended to an overlap; else a seed is a match (13-grams)."""
    seed: int
    """Words of a seed."""
    threshold: float
    exact_below: int
    """Probes of fewer words must be found word for word."""
    min_words: int
    """Probes of fewer words are not looked for."""
    min_information: float
    short_below: int = 0
    """Of probes of fewer words `short_threshold` must be found."""
    short_threshold: float = EXACT
    phrase_information: float = 0.0
    """What the words of a question of fewer than `exact_below` words say, at least, if its answer is not there."""

    @property
    def short(self) -> int:
        """Texts of fewer words are looked for with what stands beside them."""
        return max(self.exact_below, self.short_below)


Words = tuple[bytes, ...]
"""Texts as int32 numbers of words."""


@dataclass(frozen=True)
class Benchmarks:
    """The index with what names its probes."""

    scheme: Scheme
    arrays: Index
    parts: np.ndarray
    """int8[P], places in `PARTS`."""
    owner_offsets: np.ndarray
    """int64[P + 1] into `owners`."""
    owners: np.ndarray
    """int32, numbers of items; the first is the one that is named."""
    names: list[str]
    """Of items: benchmark/id."""
    searchable: np.ndarray
    """bool[items], whether any probe of an item is looked for."""
    answers: list[list[bytes]]
    """Of items, the words of each right answer."""
    choices: list[list[bytes]]
    """Of items, the words of the other choices."""

    @cached_property
    def bytes(self) -> int:
        """Memory of the arrays of the index."""
        return sum(array.nbytes for array in (*self.arrays, self.parts, self.owner_offsets, self.owners))

    def owners_of(self, probe: int) -> list[int]:
        """The items that have a probe's text."""
        return [int(item) for item in self.owners[self.owner_offsets[probe] : self.owner_offsets[probe + 1]]]


def _probe_texts(items: Sequence[Item], words: Sequence[int], scheme: Scheme) -> Iterator[tuple[int, int, str]]:
    """Item, part and text of every probe."""
    for number, (item, count) in enumerate(zip(items, words, strict=True)):
        yield number, QUESTION, item.question
        if count < scheme.short and item.choices:
            yield number, QUESTION, "\n".join([item.question, *item.choices])
        if count < VERY_SHORT and item.answers:
            yield number, PAIR, f"{item.question}\n{item.answers[0]}"
        # One of several choices may be a phrase of the law or of a textbook, and stands in other texts.
        for text in (item.solution, *(() if item.choices else item.answers)):
            if text:
                yield number, ANSWER, text
        if item.passage:
            yield number, PASSAGE, item.passage


def _rows(offsets: np.ndarray, values: np.ndarray) -> list[bytes]:
    data, bounds = values.tobytes(), (offsets * values.itemsize).tolist()
    return [data[first:last] for first, last in pairwise(bounds)]


def _postings(
    offsets: np.ndarray, words: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Key, probe and place of every seed that stays, by key, then probe, then place; and where each key begins."""
    key, probe_of, place = seeds_of(offsets, words, seed)
    order = np.argsort(key, kind="stable")
    key, probe_of, place = key[order], probe_of[order], place[order]
    sizes = np.diff(np.r_[_begins(key), len(key)])
    size = np.repeat(sizes, sizes)
    # Of a probe whose seeds are all common the rarest stays.
    rarest = np.full(len(offsets) - 1, len(key))
    np.minimum.at(rarest, probe_of, size)
    stays = (size <= MOST) | (size == rarest[probe_of])
    return key[stays], probe_of[stays], place[stays], _begins(key[stays])


def _begins(key: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)


def build(items: Sequence[Item], scheme: Scheme) -> Benchmarks:
    """Index the items of all benchmarks.

    Args:
        items: in their order, of which the first names a text that several have.
        scheme: how they are looked for.
    """
    counts = np.diff(visible_hashes(pa.array([item.question for item in items], pa.large_string()))[0]).tolist()
    made = list(_probe_texts(items, counts, scheme))
    extra = [(n, text) for n, item in enumerate(items) for text in item.answers]
    other = [(n, text) for n, item in enumerate(items) for text in item.choices]
    texts = [text for _, _, text in made] + [text for _, text in extra] + [text for _, text in other]
    offsets, hashes = visible_hashes(pa.array(texts, pa.large_string()))
    words = np.unique(hashes)
    slots = slots_of(words)
    rows = _rows(offsets, numbered(hashes, words, slots))
    least = {ANSWER: 2 * scheme.short, PASSAGE: scheme.short}
    # Part and words → the items that have it.
    known: dict[tuple[int, bytes], list[int]] = {}
    searchable = np.zeros(len(items), bool)
    for (number, part, _), row in zip(made, rows, strict=False):
        if len(row) < WORD * least.get(part, scheme.min_words):
            continue
        owners = known.setdefault((part, row), [])
        searchable[number] = True
        if number not in owners[-1:]:
            owners.append(number)
    probe_words = np.frombuffer(b"".join(row for _, row in known), np.int32)
    sizes = np.array([len(row) // WORD for _, row in known], np.int64)
    starts = np.r_[0, np.cumsum(sizes)].astype(np.int64)
    key, probe_of, place, begins = _postings(starts, probe_words, scheme.seed)
    keys = key[begins]
    answers: list[list[bytes]] = [[] for _ in items]
    choices: list[list[bytes]] = [[] for _ in items]
    for (number, _), row in zip(extra, rows[len(made) :], strict=False):
        answers[number].append(row)
    for (number, _), row in zip(other, rows[len(made) + len(extra) :], strict=True):
        if row not in answers[number]:
            choices[number].append(row)
    exact, short = sizes < scheme.exact_below, sizes < scheme.short_below
    needed = np.where(exact, EXACT, np.where(short, scheme.short_threshold, scheme.threshold))
    if not scheme.extended:
        needed = np.minimum(sizes, scheme.seed) / np.maximum(sizes, 1)
    longest = np.where(short, sizes + SHORT_SLACK, 2 * sizes + SLACK)
    arrays = Index(
        words=words,
        word_slots=slots,
        offsets=starts,
        probe_words=probe_words,
        needed=needed.astype(np.float32),
        stretch=np.where(exact, sizes + EXACT_SLACK, longest).astype(np.int32),
        keys=keys,
        key_slots=slots_of(keys),
        bits=bits_of(keys),
        starts=np.r_[begins, len(key)].astype(np.int64),
        posting_probes=probe_of,
        posting_places=place,
        lengths=np.unique(np.minimum(sizes, scheme.seed)).astype(np.int64),
    )
    return Benchmarks(
        scheme,
        arrays,
        np.array([part for part, _ in known], np.int8),
        np.r_[0, np.cumsum([len(owners) for owners in known.values()])].astype(np.int64),
        np.array([item for owners in known.values() for item in owners], np.int32),
        [item.name for item in items],
        searchable,
        answers,
        choices,
    )


def write_index(path: Path, found: Benchmarks) -> None:
    """Write an index as an exchange file of one row."""
    columns: dict[str, pa.Array] = {}
    arrays = found.arrays._asdict() | {name: getattr(found, name) for name in ARRAYS}
    for name, values in arrays.items():
        columns[name] = pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), pa.array(values))
    columns["names"] = pa.array([found.names], pa.large_list(pa.string()))
    for name in ("answers", "choices"):
        columns[name] = pa.array([getattr(found, name)], pa.large_list(pa.list_(pa.binary())))
    table = pa.table(columns)
    exchange.write(path, table.schema, [table])


def read_index(path: Path, scheme: Scheme) -> Benchmarks:
    """Read what `write_index` wrote.

    Args:
        path: the file.
        scheme: by which the index was built.
    """
    table = exchange.read_batch(path, 0, 1)

    def values(name: str) -> np.ndarray:
        array = table[name].combine_chunks().flatten()
        return array.to_numpy(zero_copy_only=False)

    given: dict[str, Any] = {name: values(name) for name in ARRAYS}
    given |= {name: table[name][0].as_py() for name in ("names", "answers", "choices")}
    return Benchmarks(scheme, Index(*(values(name) for name in Index._fields)), **given)
