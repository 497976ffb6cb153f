"""What became of one document: the answer to `tamis why`.

A document is named by its id, by the beginning of its id, or by its URL. The first half of an id is the hash of the
URL key, so every capture of a page is found from the address alone, in one shard.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tamis.dedup import earlier
from tamis.errors import SourceError
from tamis.ids import HALF_CHARACTERS, ID_CHARACTERS, document_key, is_id
from tamis.report import takedowns
from tamis.report.blotted import blotted_rows
from tamis.report.layout import Delivery, Results
from tamis.report.lookup import fetch
from tamis.report.samples import Edit, EditSize, Piece, around_edits, blotted_edits
from tamis.schemas import added_columns
from tamis.shards import part_name
from tamis.urls import url_key

SHORTEST_PREFIX = 6
MOST_STORIES = 20
MOST_SCORES = 12
CONTEXT = 60
EDIT_CHARACTERS = 400


BESIDE = ("id", "characters")
"""Columns of a score file that are no scores."""


@dataclass(frozen=True)
class Change:
    """Edits that one stage made in a document for one reason, in their surroundings."""

    reason: str
    size: EditSize
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Event:
    """What one stage did with a document.

    Where it was dropped, `ledger` is its row, `matched` the document that the rule compared it with, `matched_stage`
    the last stage that has that one's text, and `instead` the document kept in its place where that is another one;
    `taken_down` is the earlier run that held what it matched and has removed it.
    """

    stage: str
    kept: bool
    ledger: dict[str, Any] | None
    matched: dict[str, Any] | None
    matched_stage: str
    instead: dict[str, Any] | None
    changes: tuple[Change, ...]
    taken_down: takedowns.Takedown | None = None


@dataclass
class Story:
    """One document from ingest to its end."""

    id: str
    document: dict[str, Any]
    repeated: int = 0
    copies: int = 1
    events: list[Event] = field(default_factory=list)
    columns: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    deliveries: list[tuple[Delivery, int]] = field(default_factory=list)
    unfinished: bool = False
    delivers: bool = True


@dataclass(frozen=True)
class Found:
    """What a question found: ids, and records that could not be read at all."""

    ids: tuple[str, ...]
    skipped: tuple[dict[str, Any], ...]


def resolve(results: Results, question: str) -> Found:
    """Find the documents that a question names.

    Args:
        results: the results folder.
        question: an id, at least the first six characters of one, or a URL; of files of text the path, or
            its end; or a path in the list of skipped records.

    Raises:
        SourceError: nothing has that id or address; the message lists addresses that contain it.
    """
    name = question.strip()
    first = results.layout.stages[0]
    if not results.parts(first, "documents"):
        msg = (
            f"{results.folder / first / 'documents'}: not there yet, so no document can be found. Finish the run first."
        )
        raise SourceError(msg)
    ids: set[str] = set()
    if re.fullmatch(rf"[0-9a-fA-F]{{{SHORTEST_PREFIX},{ID_CHARACTERS}}}", name):
        ids = _beginning_with(results, name.lower())
    if not ids and name:
        ids = _beginning_with(results, document_key(url_key(name))) or _of_file(results, name)
    skipped = tuple(_skipped(results, name)) if name else ()
    if not ids and not skipped:
        raise SourceError(_not_found(results, name))
    return Found(tuple(sorted(ids)), skipped)


def _beginning_with(results: Results, prefix: str) -> set[str]:
    """Ids at ingest, kept or dropped there, that begin with a prefix; a first half names the one shard to look in."""
    first = results.layout.stages[0]
    folder = results.folder / first
    names = [f"{part_name(shard)}.parquet" for shard in range(results.layout.shards)]
    if len(prefix) >= HALF_CHARACTERS:
        names = [results.part(first, "documents", prefix).name]
    return {
        row["id"]
        for what in ("documents", "dropped")
        for name in names
        for row in fetch(folder / what / name, [prefix], ["id"])
    }


def _of_file(results: Results, name: str) -> set[str]:
    """Ids of documents without a URL that were read from a file of that path, or of one that ends with it."""
    import duckdb

    paths = [_pattern(path.as_posix()) for path in results.parts(results.layout.stages[0], "documents")]
    rows = duckdb.execute(
        "SELECT id FROM (SELECT id, metadata->>'path' AS path FROM read_parquet(?) WHERE url IS NULL "
        "AND metadata IS NOT NULL) WHERE path = ? OR ends_with(path, '/' || ?)",
        [paths, name, name],
    ).fetchall()
    return {row[0] for row in rows}


def address(document: Mapping[str, Any]) -> str | None:
    """The URL of a document, or the path of the file of text that it was; None where there is neither."""
    if document.get("url"):
        return str(document["url"])
    metadata = json.loads(document["metadata"]) if document.get("metadata") else None
    path = metadata.get("path") if isinstance(metadata, dict) else None
    return path if isinstance(path, str) else None


def _skipped(results: Results, name: str) -> list[dict[str, Any]]:
    import duckdb

    found: list[dict[str, Any]] = []
    for path in results.skipped():
        rows = duckdb.execute(
            "SELECT source, path, record, reason, detail FROM read_parquet(?) "
            # Of a record of a web archive the URL stands at the end.
            "WHERE path = ? OR ends_with(path, '/' || ?) OR (contains(?, '://') AND ends_with(detail, ' ' || ?)) "
            "ORDER BY path, record LIMIT ?",
            [_pattern(path.as_posix()), name, name, name, name, MOST_STORIES],
        ).fetchall()
        found += [dict(zip(("source", "path", "record", "reason", "detail"), row, strict=True)) for row in rows]
    return found[:MOST_STORIES]


def _pattern(path: str) -> str:
    """A path as a pattern of DuckDB that matches nothing else."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _not_found(results: Results, name: str) -> str:
    import duckdb

    paths = [_pattern(path.as_posix()) for path in results.parts(results.layout.stages[0], "documents")]
    near = (
        duckdb.execute(
            "SELECT DISTINCT url FROM read_parquet(?) WHERE contains(lower(url), lower(?)) "
            "ORDER BY length(url), url LIMIT 5",
            [paths, name],
        ).fetchall()
        if name
        else []
    )
    msg = (
        f"no document has the id or URL {name!r} in {results.folder}. Give a whole URL, the path of a file of text, "
        f"a whole id ({ID_CHARACTERS} hexadecimal characters), or at least its first {SHORTEST_PREFIX} characters."
    )
    if near:
        msg += "\nAddresses that contain it:\n" + "\n".join(f"  {row[0]}" for row in near)
    return msg


def tell(results: Results, document_id: str) -> Story:
    """Follow one document through all stages.

    Args:
        results: the results folder.
        document_id: a whole id that ingest gave.
    """
    first = results.layout.stages[0]
    rows = blotted_rows(results, first, fetch(results.part(first, "documents", document_id), [document_id]))
    story = Story(document_id, rows[0] if rows else {}, delivers=bool(results.deliveries()))
    current = story.document
    for stage in results.layout.stages:
        ledger = fetch(results.part(stage, "dropped", document_id), [document_id])
        rows = blotted_rows(results, stage, fetch(results.part(stage, "documents", document_id), [document_id]))
        if not ledger and not rows:
            story.unfinished = True
            break
        if not story.document and ledger:
            story.document = ledger[0]
        if rows and ledger:
            # Ingest lists records that say exactly the same under one id: one stays, the others are ledger rows.
            story.repeated += len(ledger)
        scores = fetch(results.part(stage, "scores", document_id), [document_id])
        for row in scores:
            # All that a stage measured fills a screen; it is told where that stage dropped the document.
            if ledger or len(row) <= MOST_SCORES:
                story.scores |= {name: value for name, value in row.items() if name not in (*BESIDE, *current)}
        story.events.append(_event(results, stage, document_id, current, rows, ledger))
        if not rows:
            break
        current = rows[0]
        story.copies = current["copies"]
    story.columns = {name: current[name] for name in added_columns(current) if current[name] is not None}
    story.columns |= {name: value for name, value in story.scores.items() if value is not None}
    if story.events and story.events[-1].kept and not story.unfinished:
        story.deliveries = _deliveries(results, story)
    return story


def _event(
    results: Results,
    stage: str,
    document_id: str,
    before: dict[str, Any],
    rows: list[dict[str, Any]],
    ledger: list[dict[str, Any]],
) -> Event:
    edits: dict[str, list[Edit]] = defaultdict(list)
    for row in fetch(results.part(stage, "edits", document_id), [document_id]):
        # Files of an earlier version have no replacements.
        edits[row["reason"]].append(Edit(row["start"], row["end"], row.get("replacement")))
    changes = tuple(
        Change(
            reason,
            EditSize.of(made),
            around_edits(
                before.get("text") or "",
                blotted_edits(results, stage, sorted(made, key=lambda edit: edit[:2])),
                CONTEXT,
                EDIT_CHARACTERS,
            ),
        )
        for reason, made in sorted(edits.items())
    )
    entry = None if rows else ledger[0]
    matched = instead = None
    where = ""
    if entry and entry["matched_id"] and is_id(entry["matched_id"]) and entry["matched_id"] != document_id:
        for where in (stage, results.before(stage)):
            matched = _document(results, where, entry["matched_id"])
            if matched:
                break
    # Files of an earlier version have no such column.
    if entry and (kept := entry.get("kept_id")) and kept not in (document_id, entry["matched_id"]):
        instead = _document(results, stage, kept)
    held = entry and entry["reason"] == earlier.REASON and entry["matched_id"]
    gone = takedowns.taken_down(results, stage, held) if held else None
    return Event(stage, bool(rows), entry, matched, where, instead, changes, gone)


def _document(results: Results, stage: str, document_id: str) -> dict[str, Any] | None:
    """A document as a stage left it, if it kept it."""
    found = blotted_rows(results, stage, fetch(results.part(stage, "documents", document_id), [document_id]))
    return found[0] if found else None


def _deliveries(results: Results, story: Story) -> list[tuple[Delivery, int]]:
    """Where a document of the pool ended, and how many times it stands there."""
    found = []
    for delivery in results.deliveries():
        copies = 0
        for path in results.delivered_documents(delivery):
            rows = fetch(path, [story.id], ["tokens"])
            copies += len(rows)
            if rows and rows[0].get("tokens") is not None:
                story.columns["tokens"] = rows[0]["tokens"]
        if copies:
            found.append((delivery, copies))
    return found
