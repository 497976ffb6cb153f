"""Read the sources, give each document its id, and route it to its home shard.

Map jobs (one a unit of input files) read records through `tamis/readers/`, give ids and write one exchange file in
rounds (`tamis/streams.py`); then each shard sorts its keep-order keys, one streaming merge gives every document its
rank in the whole corpus, and each shard sorts its rows by id (`tamis/external_sort.py`) and writes them as documents.
Records that say exactly the same (source, url, date, text) have one id: one stays, the others are ledger rows of reason
`duplicate_record`. Records that cannot be read are listed in `skipped/` with file, position and reason; damaged files
fail the job.

Writes documents, dropped, stats, skipped (one file a unit) and read (what each file held). Memory: a few rounds and
one record; then 40 bytes a document of a shard, a few slices of the sort and the row group that is being written. Ties:
rank ends in id; of equal ids the one with the smallest metadata stays.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field, TypeAdapter

from tamis import schemas, streams
from tamis.barrier import paths
from tamis.dedup import keep_order
from tamis.errors import ConfigError, SourceError
from tamis.external_sort import first_of_each, sorted_slices
from tamis.ids import home_shards
from tamis.ledger import Outputs, add_copies, dropped_rows, outcome_writer
from tamis.readers import AnySource, Record, Skip, Source
from tamis.section import Section, workflow_path
from tamis.shards import read_json, write_json, write_table

log = logging.getLogger(__name__)

VERSION = 2

ROWS = pa.schema(
    [*((name, kind) for name, kind in schemas.BASE_COLUMNS.items() if name != "rank"), ("priority", pa.int32())]
)
"""What a map job sends to the shards; priority is the source's place in the configuration."""

KEY_FIELDS = ("id", "date", "ingested_characters", "priority")

ORDER = ("id", "metadata", "kind", "priority")
"""The order of a shard's rows; rows that are equal in these are equal throughout."""

BATCH_ROWS = 4_096
BATCH_CHARACTERS = 4_000_000
"""Rows and characters that are gathered as Python objects."""


class Config(Section):
    """How sources are read and which copy is the first choice."""

    keep: tuple[keep_order.Criterion, ...] = Field(
        ("most_recent", "source_priority", "longest"),
        max_length=keep_order.CRITERIA,
        description="The keep order of the whole corpus: which of several copies survives, first criterion first, then "
        "the id. source_priority is the order of `sources`. Llama 3.1 keeps the most recent capture of a URL.",
    )
    unit_bytes: int = Field(
        64_000_000,
        ge=1,
        le=10**12,
        description="Input files of one source are read together by one job up to this many bytes on disk; a larger "
        "file is a job of its own.",
    )


@dataclass(frozen=True)
class Unit:
    """Input files of one source that one job reads."""

    source: Source
    priority: int
    files: tuple[Path, ...]

    def params(self) -> dict[str, Any]:
        """What the job depends on that reads it."""
        files = [str(path) for path in self.files]
        return {"source": self.source.model_dump(mode="json"), "priority": self.priority, "files": files}


def units(sources: Sequence[Source], config: Config) -> list[Unit]:
    """Cut the files of all sources into units of at most `unit_bytes`; files not yet fetched stand alone.

    Raises:
        SourceError: a path of a source is missing or a pattern matches nothing.
        ConfigError: the workflow cannot carry the name of a file.
    """
    found: list[Unit] = []
    for priority, source in enumerate(sources):
        group: list[Path] = []
        size = 0
        for path in source.input_files():
            try:
                workflow_path(path)
            except ValueError as error:
                raise ConfigError(f"sources[{priority}].paths ({source.name}): {error}") from error
            weight = path.stat().st_size if path.exists() else config.unit_bytes
            if group and (size + weight > config.unit_bytes or source.stands_alone):
                found.append(Unit(source, priority, tuple(group)))
                group, size = [], 0
            group.append(path)
            size += weight
        found.append(Unit(source, priority, tuple(group)))
    return found


def _row(record: Record, source: str, priority: int) -> dict[str, Any]:
    """A record as a row of `ROWS`."""
    from tamis.ids import content_hash, document_key
    from tamis.urls import url_key

    key = document_key(url_key(record.url) if record.url else record.text)
    date = None if record.date is None else record.date.strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = record.metadata
    return {
        "id": key + content_hash(source, record.url, date, record.text),
        "kind": record.kind,
        "text": record.text,
        "source": source,
        "url": record.url,
        "date": record.date,
        "metadata": None if metadata is None else json.dumps(metadata, ensure_ascii=False, separators=(",", ":")),
        "copies": 1,
        "ingested_characters": len(record.text),
        "priority": priority,
    }


def documents_of(records: Iterable[Record], source: str, priority: int) -> Iterator[pa.Table]:
    """Records of one source as rows of the exchange, some at a time.

    Args:
        records: records, in any number.
        source: name of the source.
        priority: its place in the configuration, 0 = first.

    Yields:
        Tables with the schema `ROWS`, of at most `BATCH_ROWS` rows, and of `BATCH_CHARACTERS` characters of text and
        metadata and one record more; at least one table, if without rows.
    """
    rows: list[dict[str, Any]] = []
    characters, some = 0, False

    def table() -> pa.Table:
        whole = pa.Table.from_pydict({name: [row[name] for row in rows] for name in ROWS.names}, ROWS)
        rows.clear()
        return whole

    for record in records:
        row = _row(record, source, priority)
        rows.append(row)
        characters += len(row["text"]) + len(row["metadata"] or "")
        if len(rows) == BATCH_ROWS or characters >= BATCH_CHARACTERS:
            characters, some = 0, True
            yield table()
    if rows or not some:
        yield table()


class UnitReader:
    """Reads the files of a unit, one after the other, and keeps count of what was in them."""

    def __init__(self, source: Source, files: Sequence[str]) -> None:
        """Read nothing yet.

        Args:
            source: the section of the files' source.
            files: paths.
        """
        self.counts: list[dict[str, object]] = []
        """Path, records and skips of each file that was read to its end."""
        self._source, self._files = source, files
        self._skips: list[dict[str, object]] = []
        self._skipped: list[pa.Table] = []

    def records(self) -> Iterator[Record]:
        """All records.

        Raises:
            SourceError: a file is missing, truncated or damaged.
        """
        for name in self._files:
            total = skipped = 0
            for item in self._source.read(Path(name)):
                if isinstance(item, Skip):
                    skipped += 1
                    self._skip(item)
                else:
                    total += 1
                    yield item
            self.counts.append({"path": name, "records": total, "skipped": skipped})
            log.info("%s: %d records, %d skipped", name, total, skipped)

    def skipped(self) -> pa.Table:
        """The records that could not be read, rows of `tamis.schemas.SKIPPED`."""
        self._settle()
        return pa.concat_tables(self._skipped)

    def _skip(self, item: Skip) -> None:
        self._skips.append({"source": self._source.name, **asdict(item)})
        if len(self._skips) == BATCH_ROWS:
            self._settle()

    def _settle(self) -> None:
        self._skipped.append(pa.Table.from_pylist(self._skips, schemas.SKIPPED))
        self._skips.clear()


def run_map(
    *,
    source: dict[str, Any],
    priority: int,
    files: list[str],
    shards: int,
    output: Path,
    skipped: Path,
    read_counts: Path,
) -> None:
    """Read one unit of input files.

    Args:
        output: exchange file by shard, in rounds, to write.
        skipped: Parquet list of records that could not be read.
        read_counts: JSON: records and skips of each file.

    Raises:
        SourceError: a file is missing, truncated or damaged.
    """
    section = TypeAdapter(AnySource).validate_python(source)
    unit = UnitReader(section, files)

    rows = documents_of(unit.records(), section.name, priority)
    streams.write_rounds(output, ROWS, rows, lambda table: home_shards(table["id"], shards), shards)
    write_table(skipped, unit.skipped())
    write_json(read_counts, {"source": section.name, "files": unit.counts})


def _shard_keys(barrier: Path, shard: int, shards: int, config: Config) -> np.ndarray:
    """Keep-order keys of the documents of one shard, sorted by id: equal ids have equal keys and are one document."""
    tables = (table for path in paths(barrier) for table in streams.read_rounds(path, shard, shards, KEY_FIELDS))
    nothing = np.empty((0, keep_order.KEY_COLUMNS), np.uint64)
    keys = np.concatenate([nothing, *(keep_order.sort_keys(table, config.keep) for table in tables)])
    keys = keys[np.lexsort((keys[:, -1], keys[:, -2]))]
    return keys[first_of_each(keys[:, keep_order.CRITERIA :])]


def run_keys(config: Config, *, shards: int, shard: int, barrier: Path, output: Path) -> None:
    """Sort the keep-order keys of one shard.

    Args:
        barrier: names the exchange files of all units.
        output: `.npy` of sorted keys.
    """
    keys = _shard_keys(barrier, shard, shards, config)
    keep_order.save_array(output, keys[keep_order.key_order(keys)])


def without_repeats(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The first row of each id as a document that has no rank yet, and ledger rows of the others.

    Args:
        rows: rows of `ROWS` in the order `ORDER`.
    """
    first = first_of_each(rows["id"].to_numpy())
    repeated = rows.filter(pa.array(~first))
    documents = (rows.filter(pa.array(first)) if repeated.num_rows else rows).drop_columns("priority")
    name = repeated["id"]
    ledger = dropped_rows("ingest", repeated, "duplicate_record", matched_id=name, similarity=1.0, kept_id=name)
    return add_copies(documents, Counter(repeated["id"].to_pylist())), ledger


def run_rank(*, units: int, barrier: Path, read_folder: str, output: Path) -> None:
    """Merge the keys of all shards into ranks, and see that every source gave something.

    Args:
        barrier: names the key files of all shards.
        read_folder: folder of the read counts of all units.
        output: `.npy` of ranks, shard after shard.

    Raises:
        SourceError: a source gave no document.
    """
    records: dict[str, int] = {}
    skipped: dict[str, int] = {}
    for unit in range(units):
        counts = read_json(Path(read_folder, f"part-{unit:05d}.json"))
        name = counts["source"]
        records[name] = records.get(name, 0) + sum(file["records"] for file in counts["files"])
        skipped[name] = skipped.get(name, 0) + sum(file["skipped"] for file in counts["files"])
    for name in sorted(records):
        if records[name] == 0:
            msg = (
                f"source {name!r} gave no document ({skipped[name]} records were skipped, listed in "
                f"{Path(read_folder).parent / 'skipped'}). Correct its paths or fields, or remove it from `sources`."
            )
            raise SourceError(msg)
    keep_order.merge_ranks(paths(barrier), output)


def run_apply(
    config: Config,
    *,
    shards: int,
    shard: int,
    barrier: Path,
    keys_barrier: Path,
    ranks: Path,
    kept: Path,
    dropped: Path,
    stats: Path,
) -> None:
    """Write the documents of one shard.

    Args:
        barrier: names the exchange files of all units.
        keys_barrier: names the key files of all shards; their lengths say where this shard's ranks begin.
    """
    keys = _shard_keys(barrier, shard, shards, config)
    lengths = [len(keep_order.load_array(path)) for path in paths(keys_barrier)]
    start = sum(lengths[:shard])
    rank = np.empty(len(keys), np.int64)
    rank[keep_order.key_order(keys)] = keep_order.load_array(ranks)[start : start + lengths[shard]]
    del keys

    def arriving() -> Iterator[pa.Table]:
        yield schemas.empty(ROWS)
        for path in paths(barrier):
            yield from streams.read_rounds(path, shard, shards)

    written = 0
    with (
        outcome_writer(Outputs(kept, dropped, stats), "ingest", shard) as writer,
        sorted_slices(arriving(), ORDER, kept) as slices,
    ):
        for rows in slices:
            documents, ledger = without_repeats(rows)
            numbered = rank[written : written + documents.num_rows]
            writer.add(rows, documents.append_column("rank", pa.array(numbered)), ledger)
            written += documents.num_rows
