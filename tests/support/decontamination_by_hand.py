"""Decontamination worked out plainly: every definition of the stage in lists and dictionaries, nothing fast, no arrays.

Written from what `tamis.stages.decontamination` and its rooms say of themselves. Texts are plain: without HTML, LaTeX
or characters of several bytes, so that words are those of `tamis.text` and bytes are characters. No seed is shared by
more than 64 texts here, and no document uses up its steps.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tamis.decontamination.benchmarks import Item
from tamis.stages.decontamination import Config
from tamis.text import words

PARTS = ("pair", "question", "answer", "passage")
MISSING, FOREIGN = 4, 16
"""Words of an item that may be missing in one place, and foreign words that may stand there."""
SHIFTED = 12
"""Words by which a text may be shifted and is not laid over a document again where it was tried."""
WHITE = " \n\t\r"


class Probe(NamedTuple):
    """A text that is looked for."""

    part: str
    words: tuple[str, ...]
    owners: tuple[int, ...]


class Found(NamedTuple):
    """A text in a document, [start, end) in characters."""

    probe: int
    part: str
    start: int
    end: int
    score: float
    words: int


def words_at(text: str) -> list[tuple[str, int, int]]:
    """The words of a text with their places."""
    found, at, low = [], 0, text.lower()
    for word in words(text):
        at = low.index(word, at)
        found.append((word, at, at + len(word)))
        at += len(word)
    return found


def extended(probe: Sequence[str], document: Sequence[str], i: int, d: int, step: int) -> list[tuple[int, int]]:
    """Places (of the probe, of the document) that agree from one on in one direction.

    Where words differ it goes on at the nearest place at which two words agree again, or at the probe's last word if it
    stands no more than one word later than expected.
    """
    places = []
    while 0 <= i < len(probe) and 0 <= d < len(document):
        if probe[i] == document[d]:
            places.append((i, d))
            i, d = i + step, d + step
            continue
        gaps = ((a, b) for a in range(MISSING + 1) for b in range(FOREIGN + 1) if a + b)
        for a, b in sorted(gaps, key=lambda gap: (sum(gap), gap[0])):
            ii, dd = i + a * step, d + b * step
            if not (0 <= ii < len(probe) and 0 <= dd < len(document) and probe[ii] == document[dd]):
                continue
            if not 0 <= ii + step < len(probe):
                agrees = b <= a + 1
            else:
                agrees = 0 <= dd + step < len(document) and probe[ii + step] == document[dd + step]
            if agrees:
                i, d = ii, dd
                break
        else:
            break
    return places


@dataclass
class ByHand:
    """The stage over one corpus."""

    config: Config
    items: Sequence[Item]
    documents: Sequence[Mapping[str, Any]]
    """`id`, `kind`, `text`."""
    fewest: int = 1000
    """Of fewer passages nothing is learnt about rare words."""

    def __post_init__(self) -> None:
        """Make the probes and weigh the words."""
        self.overlap = self.config.method == "overlap"
        self.seed = self.config.seed if self.overlap else self.config.ngram
        self.probes = list(self._probes())
        passages = [
            set(found[at : at + 256])
            for document in self.documents
            if document["kind"] in self.config.applies_to
            for found in [words(document["text"])]
            for at in range(0, len(found), 256)
        ]
        self.most = max(len(passages), self.fewest) + 1
        self.holding = Counter(word for passage in passages for word in passage)

    def _probes(self) -> Iterator[Probe]:
        config, owners = self.config, {}
        short = max(config.exact_below, config.short_below)
        for number, item in enumerate(self.items):
            texts = [("question", item.question, config.min_words)]
            count = len(words(item.question))
            if count < short and item.choices:
                texts.append(("question", "\n".join([item.question, *item.choices]), config.min_words))
            if count < 5 and item.answers:
                texts.append(("pair", f"{item.question}\n{item.answers[0]}", config.min_words))
            alone = (item.solution, *(() if item.choices else item.answers))
            texts += [*(("answer", text, 2 * short) for text in alone), ("passage", item.passage, short)]
            for part, text, least in texts:
                found = tuple(words(text))
                if found and len(found) >= least:
                    known = owners.setdefault((part, found), [])
                    if number not in known:
                        known.append(number)
        yield from (Probe(part, found, tuple(known)) for (part, found), known in owners.items())

    def says(self, word: str) -> float:
        """How rare a word is."""
        return math.log(self.most / (self.holding[word] + 1))

    def weight(self, word: str) -> float:
        """What a word counts in a score."""
        return 0.25 + self.says(word) / math.log(self.most)

    def information(self, probe: Probe) -> float:
        """What the words of a text say together."""
        return sum(self.says(word) for word in set(probe.words))

    def needed(self, probe: Probe) -> float:
        """The score that a text must have."""
        size = len(probe.words)
        if not self.overlap:
            return min(size, self.seed) / size
        if size < self.config.exact_below:
            return 0.9999
        return self.config.short_threshold if size < self.config.short_below else self.config.threshold

    def enough(self, probe: Probe, score: float, agree: int, span: int) -> bool:
        """Whether a text that was found in part is there."""
        size = len(probe.words)
        if not self.overlap:
            return True
        longest = (
            size + 2
            if size < self.config.exact_below
            else size + 4
            if size < self.config.short_below
            else 2 * size + 32
        )
        least = size - max(1, size // 8) if size < 2 * self.config.short_below else 0
        return score >= self.needed(probe) and span <= longest and agree >= least

    def tries(self, probe: Probe, document: Sequence[str]) -> Iterator[tuple[int, int, float, int]]:
        """First word, last word, score and words that agree of each time that a text is laid over a document."""
        size = len(probe.words)
        length, tried, shift = min(self.seed, size), -1, 0
        for at in range(len(document) - length + 1):
            for place in range(size - length + 1):
                if tuple(document[at : at + length]) != probe.words[place : place + length]:
                    continue
                if at < tried and abs(at - place - shift) <= SHIFTED:
                    continue
                places = {(place + n, at + n) for n in range(length)}
                if self.overlap:
                    places |= set(extended(probe.words, document, place + length, at + length, 1))
                    places |= set(extended(probe.words, document, place - 1, at - 1, -1))
                    score = sum(self.weight(probe.words[i]) for i, _ in places) / sum(map(self.weight, probe.words))
                else:
                    n = length
                    while place + n < size and at + n < len(document) and probe.words[place + n] == document[at + n]:
                        places.add((place + n, at + n))
                        n += 1
                    score = len(places) / size
                first, last = min(d for _, d in places), max(d for _, d in places)
                tried, shift = last + 1, at - place
                yield first, last, score, len(places)

    def phrase(self, probe: Probe) -> bool:
        """Whether a question is so short and says so little that it counts only with its answer."""
        little = len(probe.words) < self.config.exact_below and self.information(probe) < self.config.phrase_information
        return self.overlap and probe.part == "question" and little

    def matches(self, text: str) -> tuple[list[Found], float]:
        """What stands in a text, and the largest score of anything that says enough."""
        placed = words_at(text)
        document = [word for word, _, _ in placed]
        found, best = [], 0.0
        for number, probe in enumerate(self.probes):
            for first, last, score, agree in self.tries(probe, document):
                if self.overlap and score * self.information(probe) < self.config.min_information:
                    continue
                best = max(best, score)
                if self.enough(probe, score, agree, last - first + 1):
                    part = "question" if probe.part == "pair" and score < 0.9999 else probe.part
                    found.append(Found(number, part, placed[first][1], placed[last][2], score, agree))
        return self.answered(self.joined(found), text), best

    def joined(self, found: Sequence[Found]) -> list[Found]:
        """Matches of one part of one item that overlap as one, with the best of their scores."""
        done: list[Found] = []
        for match in sorted(found, key=lambda one: (one.start, one.end)):
            key = self.probes[match.probe].owners[0], match.part
            same = [
                n
                for n, one in enumerate(done)
                if (self.probes[one.probe].owners[0], one.part) == key and match.start < one.end
            ]
            if not same:
                done.append(match)
                continue
            before = done[same[-1]]
            better = max(
                before,
                match,
                key=lambda one: (not self.phrase(self.probes[one.probe]), round(one.score, 6), one.words, -one.probe),
            )
            done[same[-1]] = better._replace(start=before.start, end=max(before.end, match.end))
        return done

    def answered(self, found: Sequence[Found], text: str) -> list[Found]:
        """Questions with their answer as pairs, and without those that are phrases."""
        solved = {self.probes[one.probe].owners[0] for one in found if one.part == "answer"}
        result = []
        for match in found:
            item = self.items[self.probes[match.probe].owners[0]]
            behind = words(text[match.end : match.end + 600])
            tells = max((times(behind, answer) for answer in item.answers), default=0)
            others = [choice for choice in item.choices if words(choice) not in [words(one) for one in item.answers]]
            listed = bool(others) and all(times(behind, other) for other in others)
            with_answer = self.probes[match.probe].owners[0] in solved or tells > 1 or (tells == 1 and not listed)
            part = "pair" if match.part == "question" and with_answer else match.part
            if part == "pair" or not self.phrase(self.probes[match.probe]):
                result.append(match._replace(part=part))
        return sorted(
            result,
            key=lambda one: (one.start, one.end, PARTS.index(one.part), self.probes[one.probe].owners[0]),
        )

    def gravest(self, found: Sequence[Found]) -> Found:
        """The match that is named."""
        return min(
            found,
            key=lambda one: (
                PARTS.index(one.part), -round(one.score, 6), self.probes[one.probe].owners[0], one.start,
            ),
        )  # fmt: skip

    def cuts(self, text: str, found: Sequence[Found]) -> list[tuple[int, int, Found]]:
        """Spans with their margins, which end between words; those that touch are one."""
        pieces: list[tuple[int, int, list[Found]]] = []
        for match in found:
            start, end = max(0, match.start - self.config.margin), min(len(text), match.end + self.config.margin)
            while start > 0 and text[start - 1] not in WHITE:
                start -= 1
            while end < len(text) and text[end] not in WHITE:
                end += 1
            if pieces and start <= pieces[-1][1]:
                first, last, named = pieces.pop()
                pieces.append((min(first, start), max(last, end), [self.gravest([*named, match])]))
            else:
                pieces.append((start, end, [match]))
        return [(start, end, named[0]) for start, end, named in pieces]

    def name(self, probe: int) -> str:
        """What ledger and edits call the item of a text."""
        return self.items[self.probes[probe].owners[0]].name

    def result(self) -> dict[str, Any]:
        """Tables by name: kept, dropped, edits and found as lists of tuples, and what is counted by benchmark."""
        kept, dropped, edits, rows = [], [], [], []
        for document in self.documents:
            name, text = document["id"], document["text"]
            if document["kind"] not in self.config.applies_to:
                kept.append((name, text, None))
                continue
            found, best = self.matches(text)
            counting = [match for match in found if match.part in self.config.acts_on]
            cuts = self.cuts(text, counting) if self.config.mode == "cut" else []
            left = len(text) - sum(end - start for start, end, _ in cuts)
            outcome, gone = "noted", ""
            if counting and cuts and len(cuts) <= self.config.max_cuts and left >= self.config.min_characters:
                outcome, gone = "cut", "\n".join(text[start:end] for start, end, _ in cuts)
                edits += [
                    (name, start, end, f"benchmark_{one.part}", one.words, self.name(one.probe))
                    for start, end, one in cuts
                ]
                for start, end, _ in reversed(cuts):
                    text = text[:start] + text[end:]
            elif counting:
                one = self.gravest(counting)
                outcome, gone = "dropped", text
                probe = self.probes[one.probe]
                dropped.append((name, f"benchmark_{one.part}", self.name(one.probe), one.score, self.needed(probe)))
            if outcome != "dropped":
                kept.append((name, text, best))
            characters = len(document["text"]) - left if outcome == "cut" else len(document["text"])
            for match in found:
                acted = outcome if match.part in self.config.acts_on else "noted"
                counted = (0, 0) if acted == "noted" else (characters, len(words(gone)))
                for owner in self.probes[match.probe].owners:
                    item = self.items[owner]
                    place = (match.start, match.end, match.score, match.words)
                    rows.append((name, item.benchmark, item.id, match.part, *place, *counted, acted))
        return {"kept": kept, "dropped": dropped, "edits": edits, "found": rows, "counted": self.counted(rows)}

    def counted(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Of each benchmark: items, hit items, documents, dropped, cut, characters, words, found."""
        result = []
        for benchmark, items in Counter(item.benchmark for item in self.items).items():
            acted = [row for row in rows if row[1] == benchmark and row[-1] != "noted"]
            gone = {row[0]: row[-3:] for row in acted}
            outcomes = Counter(outcome for *_, outcome in gone.values())
            sums = (sum(characters for characters, _, _ in gone.values()), sum(count for _, count, _ in gone.values()))
            hits, pairs = len({row[2] for row in acted}), len({(row[0], row[2]) for row in acted})
            result.append((benchmark, items, hits, len(gone), outcomes["dropped"], outcomes["cut"], *sums, pairs))
        return result


def times(behind: Sequence[str], answer: str) -> int:
    """How often the words of an answer stand in others, without overlap."""
    part, count, at = words(answer), 0, 0
    while part and at + len(part) <= len(behind):
        there = list(behind[at : at + len(part)]) == part
        count, at = count + there, at + (len(part) if there else 1)
    return count
