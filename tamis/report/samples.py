"""Documents and edits chosen for reading: which ones, and the passages shown.

The choice is by keyed hash of the id, so it is the same in every run, for any number of shards, and says nothing about
position in a file; per stage and reason the smallest hashes win. Memory: the ids and reasons of one shard; texts are
looked up only for what was chosen (`lookup.py`).
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tamis.edits import read_edits
from tamis.hashing import keyed_uint64
from tamis.ids import is_id
from tamis.report.blotted import blotted, blotted_rows
from tamis.report.layout import Results
from tamis.report.lookup import fetch
from tamis.shards import read_table

SHOWN_COLUMNS = ("url", "source", "kind", "text", "copies", "language", "domain")


@dataclass(frozen=True)
class Piece:
    """A stretch of text and what it is.

    `same`, `only` (not in the other text), `cut`, `new` (put in the place of what was cut), or `gap` (left out here).
    """

    text: str
    mark: str = "same"


@dataclass(frozen=True)
class Document:
    """A document as shown: where it comes from and the beginning of its text."""

    id: str
    url: str | None
    source: str
    kind: str
    characters: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Dropped:
    """A dropped document, its ledger row, and the document it matched where there is one (kept or dropped itself)."""

    document: Document
    reason: str
    value: float | None
    threshold: float | None
    similarity: float | None
    matched_id: str | None
    kept_id: str | None
    matched: Document | None


@dataclass(frozen=True)
class Edited:
    """A document whose text a stage edited, with the edits in their surroundings."""

    document: Document
    reason: str
    size: EditSize


class Edit(NamedTuple):
    """Characters [start, end) of a text, and what replaced them (None: nothing)."""

    start: int
    end: int
    replacement: str | None = None


@dataclass(frozen=True)
class EditSize:
    """How many edits, and how many characters they cut and put in."""

    edits: int
    cut: int
    added: int

    @classmethod
    def of(cls, edits: Sequence[Edit]) -> EditSize:
        """The sums over some edits."""
        cut = sum(edit.end - edit.start for edit in edits)
        return cls(len(edits), cut, sum(len(edit.replacement or "") for edit in edits))

    def __str__(self) -> str:
        """`2 cuts, 31 characters`, or `2 edits, 31 characters cut, 14 put in`."""
        plural = "s"[: self.edits != 1]
        if not self.added:
            return f"{self.edits:,} cut{plural}, {self.cut:,} characters"
        return f"{self.edits:,} edit{plural}, {self.cut:,} characters cut, {self.added:,} put in"


@dataclass
class StageSamples:
    """What is shown of one stage."""

    stage: str
    kept: list[Document] = field(default_factory=list)
    dropped: dict[str, list[Dropped]] = field(default_factory=dict)
    edited: dict[str, list[Edited]] = field(default_factory=dict)


@dataclass(frozen=True)
class Sizes:
    """How much is shown: documents a stage, a reason and a kind; characters of each; characters around an edit."""

    kept: int
    dropped: int
    edited: int
    characters: int
    context: int
    seed: int


def smallest(parts: Iterable[tuple[Sequence[str], pa.Table]], count: int, key: str) -> dict[str, list[dict[str, Any]]]:
    """The `count` rows of each group whose ids have the smallest keyed hashes.

    Args:
        parts: for each shard the group of each of n rows, and the rows, with a column `id`.
        count: rows a group.
        key: what the hash is keyed by.

    Returns:
        Group → rows, smallest hash first; groups by name. The split into parts does not matter.
    """
    best: dict[str, list[tuple[int, str, dict[str, Any]]]] = defaultdict(list)
    for groups, table in parts:
        hashes = keyed_uint64(key, table["id"].to_pylist())
        chosen: dict[str, list[int]] = defaultdict(list)
        for index in np.argsort(hashes, kind="stable").tolist():
            if len(chosen[groups[index]]) < count:
                chosen[groups[index]].append(index)
        for group, indices in chosen.items():
            rows = table.take(pa.array(indices, pa.int64())).to_pylist()
            entries = [(int(hashes[index]), row["id"], row) for index, row in zip(indices, rows, strict=True)]
            # An id may stand in a ledger twice; the row itself is never compared.
            best[group] = sorted(best[group] + entries, key=lambda entry: entry[:2])[:count]
    return {group: [entry[2] for entry in best[group]] for group in sorted(best) if best[group]}


class Reader:
    """Texts of chosen documents, looked up once a shard and stage."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.found: dict[tuple[str, str], dict[str, Any]] = {}

    def load(self, stage: str, ids: Iterable[str]) -> None:
        """Read the rows of documents as a stage wrote them; ids that it did not write are remembered as absent.

        So are those whose texts are gone, in a run that is not finished.
        """
        by_file: dict[Path, list[str]] = defaultdict(list)
        for document_id in sorted(set(ids)):
            if (stage, document_id) not in self.found and is_id(document_id):
                by_file[self.results.part(stage, "documents", document_id)].append(document_id)
        for path, wanted in sorted(by_file.items()):
            for row in blotted_rows(self.results, stage, fetch(path, wanted, SHOWN_COLUMNS)):
                if row["text"] is not None:
                    self.found[stage, row["id"]] = row

    def get(self, stage: str, document_id: str) -> dict[str, Any] | None:
        """A row that was loaded, or None where the stage has no such document."""
        return self.found.get((stage, document_id))


def excerpt(text: str, characters: int) -> tuple[Piece, ...]:
    """The beginning of a text and, where more follows, how much is left out."""
    if len(text) <= characters:
        return (Piece(text),)
    return (Piece(text[:characters]), Piece(f"{len(text) - characters:,} more characters", "gap"))


def compare(text: str, other: str, characters: int) -> tuple[Piece, ...]:
    """The beginning of a text with the words marked that the other does not have at that place."""
    # Twice as much is compared as is shown: words put in front must not make everything after them look new.
    words, others = _words(text[: 2 * characters]), _words(other[: 2 * characters])
    pieces: list[Piece] = []
    room = characters
    # A copy that was wrapped or capitalised anew has the same words.
    bare, bare_others = ([word.strip().casefold() for word in found] for found in (words, others))
    for tag, start, end, _, _ in difflib.SequenceMatcher(None, bare, bare_others, autojunk=False).get_opcodes():
        if passage := "".join(words[start:end])[:room]:
            pieces.append(Piece(passage, "same" if tag == "equal" else "only"))
            room -= len(passage)
    if len(text) > characters:
        pieces.append(Piece(f"{len(text) - characters:,} more characters", "gap"))
    return tuple(pieces)


def _words(text: str) -> list[str]:
    """Words with the white space after them, so that joining them gives the text back."""
    words: list[str] = []
    start = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or (text[index - 1].isspace() and not text[index].isspace()):
            words.append(text[start:index])
            start = index
    return words


def around_edits(text: str, edits: Sequence[Edit], context: int, characters: int) -> tuple[Piece, ...]:
    """The edits of a text in their surroundings.

    Args:
        text: as the stage read it.
        edits: rising, not overlapping.
        context: characters shown before and after each edit.
        characters: most characters shown of one edit, and of all together before the rest is only counted.
    """
    pieces: list[Piece] = []
    position = 0
    shown = 0
    for number, (start, end, replacement) in enumerate(edits):
        if shown >= characters:
            pieces.append(Piece(f"{len(edits) - number} more edits", "gap"))
            return tuple(pieces)
        before = max(position, start - context)
        if before > position:
            pieces.append(Piece(f"{before - position:,} characters", "gap"))
        if before < start:
            pieces.append(Piece(text[before:start]))
        for passage, mark, verb in ((text[start:end], "cut", "cut"), (replacement or "", "new", "put in")):
            if passage:
                pieces.append(Piece(passage[:characters], mark))
            if len(passage) > characters:
                pieces.append(Piece(f"{len(passage) - characters:,} more characters {verb}", "gap"))
            shown += min(len(passage), characters)
        following = edits[number + 1].start if number + 1 < len(edits) else len(text)
        position = min(end + context, following)
        if end < position:
            pieces.append(Piece(text[end:position]))
    if position < len(text):
        pieces.append(Piece(f"{len(text) - position:,} characters", "gap"))
    return tuple(pieces)


def _shown(row: dict[str, Any], pieces: tuple[Piece, ...]) -> Document:
    return Document(
        id=row["id"], url=row["url"], source=row["source"], kind=row["kind"], characters=len(row["text"]), pieces=pieces
    )


def _missing(ledger: dict[str, Any]) -> Document:
    return Document(
        id=ledger["id"],
        url=ledger["url"],
        source=ledger["source"],
        kind=ledger["kind"],
        characters=ledger["chars"],
        pieces=(Piece("the text is not kept at this stage", "gap"),),
    )


def kept_by(
    results: Results, reader: Reader, stage: str, column: str | None, sizes: Sizes
) -> dict[str, list[Document]]:
    """Kept documents of a stage, `sizes.kept` for each value of a column (for all together when it is None)."""

    def parts() -> Iterable[tuple[list[str], pa.Table]]:
        for path in results.parts(stage, "documents"):
            table = read_table(path, ["id"] if column is None else ["id", column])
            yield [""] * table.num_rows if column is None else table[column].to_pylist(), table

    chosen = smallest(parts(), sizes.kept, f"report kept {stage} {sizes.seed}")
    reader.load(stage, [row["id"] for rows in chosen.values() for row in rows])
    return {
        group: [
            _shown(row, excerpt(row["text"], sizes.characters))
            for choice in rows
            if (row := reader.get(stage, choice["id"]))
        ]
        for group, rows in chosen.items()
    }


def dropped_by(results: Results, reader: Reader, stage: str, sizes: Sizes) -> dict[str, list[Dropped]]:
    """Dropped documents of a stage, `sizes.dropped` for each reason, with what they matched."""

    def parts() -> Iterable[tuple[list[str], pa.Table]]:
        for path in results.parts(stage, "dropped"):
            table = read_table(path)
            yield table["reason"].to_pylist(), table

    chosen = smallest(parts(), sizes.dropped, f"report dropped {stage} {sizes.seed}")
    before = results.before(stage)
    reader.load(before, [row["id"] for rows in chosen.values() for row in rows])
    matched = [row["matched_id"] for rows in chosen.values() for row in rows if row["matched_id"]]
    reader.load(stage, matched)
    reader.load(before, matched)
    return {reason: [_dropped(reader, stage, before, row, sizes) for row in rows] for reason, rows in chosen.items()}


def _dropped(reader: Reader, stage: str, before: str, ledger: dict[str, Any], sizes: Sizes) -> Dropped:
    row = reader.get(before, ledger["id"])
    other = None
    if ledger["matched_id"]:
        other = reader.get(stage, ledger["matched_id"]) or reader.get(before, ledger["matched_id"])
    matched = None
    if row is None:
        document = _missing(ledger)
    elif other is None or row["id"] == other["id"]:
        document = _shown(row, excerpt(row["text"], sizes.characters))
    else:
        document = _shown(row, compare(row["text"], other["text"], sizes.characters))
        matched = _shown(other, compare(other["text"], row["text"], sizes.characters))
    return Dropped(
        document,
        ledger["reason"],
        ledger["value"],
        ledger["threshold"],
        ledger["similarity"],
        ledger["matched_id"],
        ledger.get("kept_id"),
        matched,
    )


def edited_by(results: Results, reader: Reader, stage: str, sizes: Sizes) -> dict[str, list[Edited]]:
    """Documents that a stage edited, `sizes.edited` for each reason; all edits of that reason are shown in place."""
    import polars as pl

    def parts() -> Iterable[tuple[list[str], pa.Table]]:
        for path in results.parts(stage, "edits"):
            rows = pl.DataFrame(read_edits(path)).sort("start", "end")
            edit = pl.struct(Edit._fields).alias("edits")
            by_document = rows.group_by("id", "reason", maintain_order=True).agg(edit).sort("id", "reason")
            yield by_document["reason"].to_list(), by_document.to_arrow()

    chosen = smallest(parts(), sizes.edited, f"report edited {stage} {sizes.seed}")
    before = results.before(stage)
    reader.load(before, [row["id"] for rows in chosen.values() for row in rows])
    return {
        reason: [
            _edited(row, reason, blotted_edits(results, stage, [Edit(**edit) for edit in choice["edits"]]), sizes)
            for choice in rows
            if (row := reader.get(before, choice["id"]))
        ]
        for reason, rows in chosen.items()
    }


def blotted_edits(results: Results, stage: str, edits: Sequence[Edit]) -> list[Edit]:
    """Edits of a stage with what is private blotted out of what they put in, for that is read too."""
    texts = blotted(results, stage, [edit.replacement or "" for edit in edits])
    return [
        edit if edit.replacement is None else edit._replace(replacement=text)
        for edit, text in zip(edits, texts, strict=True)
    ]


def _edited(row: dict[str, Any], reason: str, made: list[Edit], sizes: Sizes) -> Edited:
    shown = _shown(row, around_edits(row["text"], made, sizes.context, sizes.characters))
    return Edited(shown, reason, EditSize.of(made))


def of_stage(results: Results, stage: str, sizes: Sizes) -> StageSamples:
    """Everything shown of one stage."""
    reader = Reader(results)
    return StageSamples(
        stage,
        kept_by(results, reader, stage, None, sizes).get("", []),
        dropped_by(results, reader, stage, sizes),
        edited_by(results, reader, stage, sizes),
    )
