"""What becomes of documents in which items were found: dropped, cut, or only noted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tamis import schemas
from tamis.decontamination.index import PARTS, Benchmarks
from tamis.decontamination.matches import Match, by_row, gravest
from tamis.edits import Spans, edited
from tamis.kernels.visible_words import visible_hashes
from tamis.kernels.words import buffers

FOUND = pa.schema(
    [
        ("id", pa.string()),
        ("benchmark", pa.string()),
        ("item", pa.string()),
        ("part", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("score", pa.float64()),
        ("words", pa.int64()),
        ("characters", pa.int64()),
        ("gone_words", pa.int64()),
        ("outcome", pa.string()),
    ]
)
"""One row an item in a document: characters [start, end) of the text as the stage read it, words of the item that were
found there, characters and words that went with it (the same in all rows of a document), and its outcome: dropped, cut
or noted. Where items of several benchmarks have the same text, each has a row."""


@dataclass(frozen=True)
class Rules:
    """What is done about matches."""

    cut: bool
    """Whether spans are cut; else documents are dropped."""
    parts: tuple[int, ...]
    """The parts that count."""
    margin: int
    """Characters around a span that go with it."""
    max_cuts: int
    min_characters: int


class Outcome(NamedTuple):
    """What became of n documents."""

    after: pa.Table
    """Those that stay, with the column `contamination`."""
    dropped: list[int]
    """Rows of the others."""
    ledger: dict[str, Any]
    """Arguments of `tamis.ledger.dropped_rows` for them."""
    edits: pa.Table
    found: pa.Table
    """`FOUND` of the n documents."""


class _Cut(NamedTuple):
    start: int
    """First byte in the document."""
    end: int
    match: Match


def reason(match: Match) -> str:
    """What ledger and edits give as the reason."""
    return f"benchmark_{PARTS[match.part]}"


def _back(text: bytes, at: int, characters: int) -> int:
    """The byte some characters before a place, no further than the start, at the start of a word."""
    while at > 0 and characters > 0:
        at -= 1
        characters -= (text[at] & 0xC0) != 0x80
    # No word is torn, but one of a hundred characters (or a text without spaces) is.
    for step in range(min(at, 100) + 1):
        if at == step or text[at - step - 1] in b" \n\t\r":
            return at - step
    return at


def _forth(text: bytes, at: int, characters: int) -> int:
    """The byte some characters after a place, no further than the end, at the end of a word."""
    while at < len(text) and characters > 0:
        at += 1
        while at < len(text) and (text[at] & 0xC0) == 0x80:
            at += 1
        characters -= 1
    for step in range(min(len(text) - at, 100) + 1):
        if at + step == len(text) or text[at + step] in b" \n\t\r":
            return at + step
    return at


def _cuts(text: bytes, first: int, matches: Sequence[Match], margin: int) -> list[_Cut]:
    """What is cut out of one text: spans with their margins, joined where they touch."""
    found: list[_Cut] = []
    for match in matches:
        start, end = _back(text, match.start - first, margin), _forth(text, match.end - first, margin)
        if found and start <= found[-1].end:
            before = found.pop()
            end = max(end, before.end)
            found.append(_Cut(min(before.start, start), end, gravest([before.match, match])))
        else:
            found.append(_Cut(start, end, match))
    return found


class _Places:
    """Characters before some bytes of a text, counted in one pass however many there are."""

    def __init__(self, text: bytes, places: Iterable[int]) -> None:
        """Count before each of some places, and in all of the text."""
        self._places = np.unique([0, *places, len(text)])
        begins = (np.frombuffer(text, np.uint8) & 0xC0) != 0x80
        counts = np.add.reduceat(begins, self._places[:-1], dtype=np.int64) if text else np.empty(0, np.int64)
        self._before = np.r_[0, np.cumsum(counts)]

    def before(self, place: int) -> int:
        """Characters before one of the places."""
        return int(self._before[np.searchsorted(self._places, place)])

    def between(self, start: int, end: int) -> int:
        """Characters from one place to another."""
        return self.before(end) - self.before(start)


def taken_out(
    documents: pa.Table,
    matches: Sequence[Match],
    best: np.ndarray,
    looked_at: np.ndarray,
    benchmarks: Benchmarks,
    rules: Rules,
) -> Outcome:
    """Decide about n documents.

    Args:
        documents: as read.
        matches: in them.
        best: float32[n], the largest score of anything in each.
        looked_at: bool[n]; others have no score.
        benchmarks: what was looked for.
        rules: what is done.
    """
    offsets, data = buffers(documents["text"])
    ids = documents["id"].to_pylist()
    named: dict[int, Match] = {}
    spans: list[tuple[int, _Cut]] = []
    found: list[dict[str, Any]] = []
    taken: list[str] = []
    for row, here in by_row(matches):
        first = int(offsets[row])
        text = data[first : offsets[row + 1]].tobytes()
        counting = [match for match in here if match.part in rules.parts]
        cuts = _cuts(text, first, counting, rules.margin) if rules.cut else []
        spans_of = [(match.start - first, match.end - first) for match in here]
        places = _Places(text, [at for span in (*spans_of, *((cut.start, cut.end) for cut in cuts)) for at in span])
        outcome, gone, out_of_it = "noted", 0, b""
        if counting:
            left = places.before(len(text)) - sum(places.between(cut.start, cut.end) for cut in cuts)
            if cuts and len(cuts) <= rules.max_cuts and left >= rules.min_characters:
                outcome, gone = "cut", places.before(len(text)) - left
                out_of_it = b"\n".join(text[cut.start : cut.end] for cut in cuts)
                spans += [(row, cut) for cut in cuts]
            else:
                outcome, gone, out_of_it = "dropped", places.before(len(text)), text
                named[row] = gravest(counting)
        taken.append(out_of_it.decode("utf-8", "ignore"))
        for match, (start, end) in zip(here, spans_of, strict=True):
            acted = outcome if match.part in rules.parts else "noted"
            for item in benchmarks.owners_of(match.probe):
                benchmark, _, name = benchmarks.names[item].partition("/")
                found.append(
                    {
                        "id": ids[row],
                        "benchmark": benchmark,
                        "item": name,
                        "part": PARTS[match.part],
                        "start": places.before(start),
                        "end": places.before(end),
                        "score": match.score,
                        "words": match.words,
                        "characters": 0 if acted == "noted" else gone,
                        "gone_words": -1 if acted == "noted" else len(taken) - 1,
                        "outcome": acted,
                    }
                )
    counts = [*np.diff(visible_hashes(pa.array(taken, pa.large_string()))[0]).tolist(), 0]
    for one in found:
        one["gone_words"] = counts[one["gone_words"]]
    scored = pa.array(best, mask=~looked_at)
    documents = schemas.with_column(documents, "contamination", scored)
    out = list(named.values())
    ledger = {
        "reason": [reason(match) for match in out],
        "value": [match.score for match in out],
        "threshold": [float(benchmarks.arrays.needed[match.probe]) for match in out],
        "matched_id": [benchmarks.names[match.item] for match in out],
        "similarity": [match.score for match in out],
    }
    stays = np.ones(documents.num_rows, bool)
    stays[list(named)] = False
    after, edits = edited(
        documents,
        Spans(
            np.array([row for row, _ in spans], np.int64),
            np.array([int(offsets[row]) + cut.start for row, cut in spans], np.int64),
            np.array([int(offsets[row]) + cut.end for row, cut in spans], np.int64),
        ),
        [reason(cut.match) for _, cut in spans],
        count=np.array([cut.match.words for _, cut in spans], np.int64),
        matched_id=pa.array([benchmarks.names[cut.match.item] for _, cut in spans], pa.string()),
    )
    rows = pa.Table.from_pylist(found, FOUND)
    return Outcome(after.filter(pa.array(stays)), list(named), ledger, edits, rows)
