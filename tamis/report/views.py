"""Which tables the results have, as queries of their Parquet files: counts, stages, sets.

Names come from the validated layout and are quoted all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from tamis import texts
from tamis.report.layout import Results
from tamis.shards import column_names, text_holder


@dataclass(frozen=True)
class View:
    """One table or view of the database.

    `files` are what its query reads; `small` says that it holds no texts and may be copied into the database.
    """

    name: str
    query: str
    comment: str
    files: tuple[Path, ...] = ()
    small: bool = False


def literal(value: str) -> str:
    """A string as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def identifier(value: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + value.replace('"', '""') + '"'


def parquet(paths: Sequence[Path], results: Path, prefix: str) -> str:
    """`read_parquet([…])` over files under the results folder, with the folder itself written as `prefix`."""
    names = []
    for path in paths:
        name = f"{prefix}/{path.relative_to(results).as_posix()}"
        # DuckDB expands every path as a pattern.
        names.append(literal("".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)))
    return f"read_parquet([{', '.join(names)}], union_by_name=true)"


LISTED = (
    ("toxicity", "retention", "Documents with entries of word lists, and beyond each bound, by language and source"),
    ("toxicity_entries", "entries", "How often each entry of the word lists was found, by language and source"),
)
"""Tables of the stage `toxicity`: view, file, what it shows."""

ORPHANS = "orphaned_cuts"
"""The view of cuts whose owner is gone."""

WATERFALL = """
WITH counted AS (
    SELECT position, stage,
           coalesce(sum(documents) FILTER (outcome = 'in'), 0)::BIGINT AS documents_read,
           coalesce(sum(documents) FILTER (outcome = 'kept'), 0)::BIGINT AS documents,
           coalesce(sum(characters) FILTER (outcome = 'kept'), 0)::BIGINT AS characters,
           coalesce(sum(documents) FILTER (outcome = 'dropped'), 0)::BIGINT AS dropped
    FROM stats GROUP BY position, stage
)
SELECT *, round(100 * documents / nullif(documents_read, 0), 2) AS kept_percent,
       round(100 * documents / nullif(first_value(documents) OVER (ORDER BY position), 0), 2) AS of_all_percent
FROM counted ORDER BY position
"""

CONSERVATION = """
SELECT position, stage,
       coalesce(sum(documents) FILTER (outcome = 'in'), 0)::BIGINT AS documents_in,
       coalesce(sum(documents) FILTER (outcome = 'kept'), 0)::BIGINT AS documents_kept,
       coalesce(sum(documents) FILTER (outcome = 'dropped'), 0)::BIGINT AS documents_dropped,
       documents_in - documents_kept - documents_dropped AS documents_lost,
       coalesce(sum(characters) FILTER (outcome = 'in'), 0)::BIGINT AS characters_in,
       coalesce(sum(characters) FILTER (outcome = 'added'), 0)::BIGINT AS characters_added,
       coalesce(sum(characters) FILTER (outcome = 'kept'), 0)::BIGINT AS characters_kept,
       coalesce(sum(characters) FILTER (outcome = 'dropped'), 0)::BIGINT AS characters_dropped,
       coalesce(sum(characters) FILTER (outcome = 'cut'), 0)::BIGINT AS characters_cut,
       characters_in + characters_added - characters_kept - characters_dropped - characters_cut AS characters_lost
FROM stats GROUP BY position, stage ORDER BY position
"""


ORPHANED_CUTS = """
WITH gone AS (SELECT id, stage, reason FROM dropped WHERE position > 0)
SELECT edits.position, edits.stage, gone.stage AS owner_dropped_by, gone.reason AS owner_reason,
       count(*) AS cuts, count(DISTINCT edits.id) AS documents, sum(edits."end" - edits.start)::BIGINT AS characters
FROM edits JOIN gone ON gone.id = edits.matched_id
WHERE edits.id NOT IN (SELECT id FROM gone)
GROUP BY ALL ORDER BY ALL
"""
"""Position 0 is ingest, whose ledger rows name the id of a document that stays."""


class _Views:
    """All tables of one results folder, with the folder itself written as `prefix` in their queries."""

    def __init__(self, results: Results, prefix: str) -> None:
        self._results, self._prefix = results, prefix

    def _select(self, columns: str, paths: Sequence[Path]) -> str:
        return " ".join(["SELECT", columns, "FROM", parquet(paths, self._results.folder, self._prefix)])

    def _whole(self, name: str, paths: Sequence[Path], comment: str, *, small: bool = False) -> Iterator[View]:
        """A view of all columns of some files, if there are any."""
        if paths:
            yield View(name, self._select("*", paths), comment, tuple(paths), small)

    def _united(self, name: str, parts: Sequence[tuple[str, Sequence[Path]]], comment: str, *, small: bool = False,
                columns: str = "") -> Iterator[View]:  # fmt: skip
        """A view of several groups of files, each with its own columns in front, if there are any.

        Args:
            name: of the view.
            parts: what to select, and the files.
            comment: what it shows.
            small: whether it may be copied.
            columns: columns that files of an earlier version may lack, which are null there.
        """
        selects = [self._select(what, paths) for what, paths in parts if paths]
        if not selects:
            return
        if columns:
            selects.append(f"SELECT {columns} WHERE false")
        files = tuple(path for _, paths in parts for path in paths)
        yield View(name, " UNION ALL BY NAME ".join(selects), comment, files, small)

    def _documents(self, stage: str) -> Iterator[View]:
        """The documents of a stage, with their texts, whichever stage's documents hold these."""
        paths = self._results.parts(stage, "documents")
        name, comment = f"documents_{stage}", f"Documents that {stage} kept"
        # All files have texts or none has, but in a run that is not finished; a look at 1,000 takes 0.1 s.
        holders = [text_holder(path) for path in paths] if paths and text_holder(paths[0]) else []
        held = [holder for holder in holders if holder and holder.is_there()]
        if not holders:
            yield from self._whole(name, paths, comment)
        elif len(held) == len(paths):
            shown = f"{comment}; joined with their texts, which documents_{held[0].stage} has"
            yield View(name, self._joined(paths, [holder.path for holder in held]), shown, tuple(paths))
        else:
            yield from self._whole(name, paths, f"{comment}; their texts are being made again")

    def _joined(self, paths: Sequence[Path], holders: Sequence[Path]) -> str:
        columns = (
            f"{'held' if column == texts.COLUMN else 'own'}.{identifier(column)}" for column in column_names(paths[0])
        )
        own, held = (parquet(files, self._results.folder, self._prefix) for files in (paths, holders))
        return " ".join(["SELECT", ", ".join(columns), "FROM", own, "AS own JOIN", held, "AS held ON held.id = own.id"])

    def counts(self) -> Iterator[View]:
        """Counts of all stages, and what was skipped."""
        for name, comment in (
            ("stats", "Counts by stage, shard, source, kind, outcome and reason"),
            ("notes", "Numbers that only one stage knows"),
        ):
            path = self._results.folder / f"{name}.parquet"
            yield from self._whole(name, [path] if path.exists() else [], comment, small=True)
        if (self._results.folder / "stats.parquet").exists():
            shown = "What each stage kept, of what it read and of everything"
            yield View("waterfall", WATERFALL, shown, small=True)
            shown = "Documents and characters in and out of each stage; lost must be 0"
            yield View("conservation", CONSERVATION, shown, small=True)
        skipped = self._results.skipped()
        yield from self._whole("skipped", skipped, "Records that ingest could not read", small=True)

    def stages(self) -> Iterator[View]:
        """Documents and scores of each stage, ledger and edits of all."""
        stages = self._results.layout.stages
        for stage in stages:
            yield from self._documents(stage)
            found = self._results.parts(stage, "scores")
            comment = f"Scores that {stage} gave to the documents it read"
            yield from self._whole(f"scores_{stage}", found, comment, small=True)
        comment = "Benchmark items found in documents: span, score and outcome (dropped, cut, noted)"
        found = self._results.parts("decontamination", "found") if "decontamination" in stages else []
        yield from self._whole("found_decontamination", found, comment, small=True)
        for name, file, comment in LISTED if "toxicity" in stages else ():
            path = self._results.folder / "toxicity" / f"{file}.parquet"
            yield from self._whole(name, [path] if path.exists() else [], comment, small=True)
        pool = self._results.parts(stages[-1], "documents")
        yield from self._whole("pool", pool, "The curated pool: documents of the last stage")
        parts = [(f"{n}::INTEGER AS position, *", self._results.parts(s, "dropped")) for n, s in enumerate(stages)]
        comment = "The ledger of all stages: which rule dropped a document, its value and threshold"
        dropped = list(self._united("dropped", parts, comment, small=True, columns="NULL::VARCHAR AS kept_id"))
        yield from dropped
        # The ledger has a stage column of its own, edits do not.
        parts = [
            (f"{n}::INTEGER AS position, {literal(s)} AS stage, *", self._results.parts(s, "edits"))
            for n, s in enumerate(stages)
        ]
        comment = "Every edit of a text: characters [start, end) as the stage read it; replacement is null for a cut"
        edited = list(self._united("edits", parts, comment, small=True, columns="NULL::VARCHAR AS replacement"))
        yield from edited
        if edited and dropped:
            shown = (
                "Cuts of documents of the last stage that name as owner of the text a document which a stage dropped: "
                "the text may be nowhere any more. Of an owner with reason extract_of_kept its parent is there"
            )
            yield View(ORPHANS, ORPHANED_CUTS, shown, small=True)

    def deliveries(self) -> Iterator[View]:
        """Documents of all sets and exports, and the plans."""
        plans = []
        for group, comment in (
            ("validation", "The validation split"),
            ("annealing", "Documents of all annealing sets"),
            ("mixtures", "Documents of all mixtures"),
            ("export", "Documents of all exports"),
        ):
            found = [delivery for delivery in self._results.deliveries() if delivery.group == group]
            parts = [
                (f"{literal(delivery.name)} AS name, *", _of_one_kind(self._results.delivered_documents(delivery)))
                for delivery in found
            ]
            yield from self._united(group, parts, comment)
            for delivery in found:
                plan = self._results.folder / group / delivery.name / "plan.parquet"
                columns = f"{literal(group)} AS set_group, {literal(delivery.name)} AS name, *"
                plans.append((columns, [plan] if plan.exists() else []))
        yield from self._united("plan", plans, "What each set was meant to hold, by domain", small=True)


def _of_one_kind(paths: Sequence[Path]) -> list[Path]:
    """Documents only: a delivery may hold other tables (indices of a trainer's format)."""
    return [path for path in paths if "id" in pq.read_schema(path).names]


def views(results: Results, prefix: str) -> list[View]:
    """Everything for which the files exist.

    Args:
        results: the results folder.
        prefix: how the queries name that folder, without a final slash.
    """
    found = _Views(results, prefix)
    return [*found.counts(), *found.stages(), *found.deliveries()]
