"""Matches in documents: found by the kernel, joined by item, and told whether the answer stands with the question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tamis.decontamination.index import ANSWER, EXACT, PAIR, QUESTION, WORD, Benchmarks
from tamis.kernels.contamination import Rarity, find, numbered
from tamis.kernels.folded_characters import character_table
from tamis.kernels.visible_words import names, visible_hashes
from tamis.kernels.words import buffers

BEHIND = 600
"""Bytes behind a question in which its answer is looked for: about a hundred words."""


MAY_LACK = 8
"""Of so many words of a short text one may be missing, but one of any: 5 % of fewer than 30 words are one word."""


class Match(NamedTuple):
    """An item in a document."""

    row: int
    item: int
    """The first of the items that have this text."""
    probe: int
    part: int
    """Place in `index.PARTS`."""
    start: int
    """First byte in the column's data."""
    end: int
    score: float
    words: int
    """Words of the item that were found."""


class Finder:
    """Looks through batches of documents with an index."""

    def __init__(self, benchmarks: Benchmarks, rarity: Rarity) -> None:
        """Begin with no document.

        Args:
            benchmarks: what is looked for.
            rarity: of its words in the corpus.
        """
        self.unpaid = np.zeros(1, np.int64)
        """Seeds that were not extended because a document's steps were used up."""
        self._of, self._rarity = benchmarks, rarity
        probes = len(benchmarks.parts)
        self._tried, self._diagonal = np.full(probes, -1, np.int64), np.zeros(probes, np.int64)
        self._base = 0
        # Rare words are most of the weight of a question and little of what it asks: a film's title is found in "the
        # language of … is", a definition in the question for its word. So the words of a short text are counted, too.
        scheme, sizes = benchmarks.scheme, np.diff(benchmarks.arrays.offsets)
        short = scheme.extended & (sizes < 2 * scheme.short_below)
        self._least = np.where(short, sizes - np.maximum(1, sizes // MAY_LACK), 0)
        phrase = scheme.extended & (sizes < scheme.exact_below) & (rarity.said < scheme.phrase_information)
        self._phrase = phrase & (benchmarks.parts == QUESTION)

    def find(self, texts: pa.ChunkedArray, rows: np.ndarray) -> tuple[list[Match], np.ndarray]:
        """The matches in n documents.

        Args:
            texts: n texts.
            rows: bool[n], which are looked at.

        Returns:
            Matches by row, then place; float32[n], the largest score of anything in each document.
        """
        offsets, data = buffers(texts)
        best = np.zeros(len(rows), np.float32)
        self._base, hits, scores = find(
            offsets,
            data,
            rows,
            character_table(),
            names(),
            self._of.arrays,
            self._rarity,
            self._of.scheme.extended,
            self._of.scheme.min_information,
            self._tried,
            self._diagonal,
            self._base,
            best,
            self.unpaid,
        )
        found = [
            Match(row, int(self._of.owners[self._of.owner_offsets[probe]]), probe, self._part(probe, score), *place)
            for (row, probe, first, last, words, _), score in zip(hits.tolist(), scores.tolist(), strict=True)
            for place in [(first, last, 1.0 if score >= EXACT else score, words)]
            if words >= self._least[probe]
        ]
        answered = self._answered(joined(found, self._phrase), offsets, data)
        return [match for match in answered if match.part == PAIR or not self._phrase[match.probe]], best

    def _part(self, probe: int, score: float) -> int:
        """What a match is of: a short question with its answer is a pair where all of it is there."""
        part = int(self._of.parts[probe])
        return QUESTION if part == PAIR and score < EXACT else part

    def _answered(self, found: list[Match], offsets: np.ndarray, data: np.ndarray) -> list[Match]:
        """Questions as pairs where the answer stands behind them, or a solution anywhere in the document."""
        solved = {(match.row, match.item) for match in found if match.part == ANSWER}
        questions = [match for match in found if match.part == QUESTION]
        behind = [
            data[match.end : min(match.end + BEHIND, offsets[match.row + 1])].tobytes().decode("utf-8", "ignore")
            for match in questions
        ]
        bounds, hashes = visible_hashes(pa.array(behind, pa.large_string()))
        values = numbered(hashes, self._of.arrays.words, self._of.arrays.word_slots)
        pairs = {
            (match.row, match.start, match.item)
            for match, first, last in zip(questions, bounds[:-1], bounds[1:], strict=True)
            if (match.row, match.item) in solved or self._tells(match.item, values[first:last].tobytes())
        }
        return [
            match._replace(part=PAIR)
            if match.part == QUESTION and (match.row, match.start, match.item) in pairs
            else match
            for match in found
        ]

    def _tells(self, item: int, behind: bytes) -> bool:
        """Whether words tell the answer of an item: a list of all choices does not."""
        times = max((_count(behind, answer) for answer in self._of.answers[item]), default=0)
        others = self._of.choices[item]
        return times > 1 or (times == 1 and not (others and all(_count(behind, other) for other in others)))


def _count(words: bytes, part: bytes) -> int:
    """How often a run of words stands in another."""
    count, at = 0, words.find(part) if part else -1
    while at >= 0:
        whole = at % WORD == 0
        count += whole
        at = words.find(part, at + (len(part) if whole else 1))
    return count


def joined(found: Iterable[Match], phrase: np.ndarray) -> list[Match]:
    """Matches of one part of one item that overlap as one: from the first byte to the last, with the best score.

    Args:
        found: matches.
        phrase: bool[P], probes of which every other is better: a question with its choices tells more than without.
    """
    last: dict[tuple[int, int, int], Match] = {}
    done: list[Match] = []
    for match in sorted(found, key=lambda match: (match.row, match.start, match.end)):
        key = match.row, match.item, match.part
        before = last.get(key)
        if before is not None and match.start < before.end:
            better = max(before, match, key=lambda one: (not phrase[one.probe], one.score, one.words, -one.probe))
            last[key] = better._replace(start=before.start, end=max(before.end, match.end))
            continue
        if before is not None:
            done.append(before)
        last[key] = match
    return sorted(
        [*done, *last.values()], key=lambda match: (match.row, match.start, match.end, match.part, match.item)
    )


def gravest(found: Iterable[Match]) -> Match:
    """Of matches in one document that which is named: a pair before a question, then by score, then by item."""
    return min(found, key=lambda match: (match.part, -match.score, match.item, match.start))


def by_row(found: Iterable[Match]) -> Iterator[tuple[int, list[Match]]]:
    """Matches of each document that has any."""
    rows: dict[int, list[Match]] = {}
    for match in found:
        rows.setdefault(match.row, []).append(match)
    yield from sorted(rows.items())
