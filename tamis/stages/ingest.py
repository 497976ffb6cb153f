"""Read the sources, give each document its id, and route it to its home shard.

Map jobs (one a unit of input files) read records through `tamis/readers/`, give ids and write one exchange file in
rounds (`tamis/streams.py`); then each shard sorts its keep-order keys, one streaming merge gives every document its
rank in the whole corpus, and each shard sorts its rows by id (`tamis/external_sort.py`) and writes them as documents.
Records that say exactly the same (source, url, date, text) have one id: one stays, the others are ledger rows of reason
`duplicate_record`. Records that cannot be read are listed in `skipped/` with file, position and reason; damaged files
fail the job.

Writes documents, dropped, stats, skipped (one file a unit) and read (what each file held). Memory: a few rounds and
one record of at most `max_document_bytes`, whatever the input, because every reader goes by decoded bytes and lists
what is larger as `too_large`; then 40 bytes a document of a shard, a few slices of the sort and the row group that is
being written. Ties: rank ends in id; of equal ids the one with the smallest metadata stays.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, TypeAdapter

from tamis import schemas, streams
from tamis.barrier import paths
from tamis.dedup import keep_order
from tamis.errors import ConfigError, SourceError
from tamis.external_sort import first_of_each, sorted_slices
from tamis.ids import content_hash, document_key, home_shards
from tamis.ledger import Outputs, add_copies, dropped_rows, outcome_writer
from tamis.readers import AnySource, Record, Skip, Source
from tamis.section import Section, workflow_path
from tamis.shards import TableWriter, read_json, whole_file, write_json
from tamis.urls import url_key

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
BATCH_BYTES = 4_000_000
"""Rows and bytes that are gathered as Python objects."""


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


class _Rows:
    """Records on their way into one table of `ROWS`; what is long stays UTF-8, as Arrow's buffers hold it."""

    def __init__(self, source: str, priority: int) -> None:
        self._source, self._priority = source, priority
        self.size = 0
        """Bytes of text, URL and metadata."""
        self._ids: list[str] = []
        self._records: list[Record] = []

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: Record) -> None:
        """Take a record and give it its id."""
        date = None if record.date is None else _written_date(record.date)
        key = document_key(url_key(record.url) if record.url else record.data)
        self._ids.append(key + content_hash(self._source, record.url, date, record.data))
        self._records.append(record)
        self.size += len(record.data) + len(record.url or "") + len(record.fields or b"")

    def table(self) -> pa.Table:
        """All of them; none is left."""
        records, count = self._records, len(self._records)
        text = _strings([record.data for record in records], ROWS.field("text").type)
        columns = {
            "id": self._ids,
            "kind": [record.kind for record in records],
            "text": text,
            "source": pa.repeat(self._source, count),
            "url": [record.url for record in records],
            "date": [record.date for record in records],
            "metadata": _strings([record.fields for record in records], ROWS.field("metadata").type),
            "copies": pa.repeat(pa.scalar(1, pa.int32()), count),
            "ingested_characters": pc.cast(pc.utf8_length(text), pa.int64()),
            "priority": pa.repeat(pa.scalar(self._priority, pa.int32()), count),
        }
        self._ids, self._records, self.size = [], [], 0
        return pa.table(columns, ROWS)


def _written_date(date: datetime) -> str:
    """The form in which a date is part of an id; a year before 1000 has no zeros in front."""
    return f"{date.year}-{date.month:02}-{date.day:02}T{date.hour:02}:{date.minute:02}:{date.second:02}Z"


def _strings(values: list[bytes | None], kind: pa.DataType) -> pa.Array:
    """Strings of their UTF-8, which `make` has seen to be valid."""
    return pa.array(values, pa.large_binary()).view(pa.large_string()).cast(kind)


def documents_of(records: Iterable[Record], source: str, priority: int) -> Iterator[pa.Table]:
    """Records of one source as rows of the exchange, some at a time.

    Args:
        records: records, in any number.
        source: name of the source.
        priority: its place in the configuration, 0 = first.

    Yields:
        Tables with the schema `ROWS`, of at most `BATCH_ROWS` rows, and of `BATCH_BYTES` of text, URLs and metadata and
        one record more; at least one table, if without rows.
    """
    rows = _Rows(source, priority)
    some = False
    # Unlike the variable of a loop, this does not hold a record while the table that has it is on its way.
    for _ in map(rows.add, records):
        if len(rows) == BATCH_ROWS or rows.size >= BATCH_BYTES:
            some = True
            yield rows.table()
    if len(rows) or not some:
        yield rows.table()


class UnitReader:
    """Reads the files of a unit, one after the other, and keeps count of what was in them."""

    def __init__(self, source: Source, files: Sequence[str], skipped: Callable[[pa.Table], None]) -> None:
        """Read nothing yet.

        Args:
            source: the section of the files' source.
            files: paths.
            skipped: takes the records that could not be read, some at a time, as rows of `tamis.schemas.SKIPPED`.
        """
        self.counts: list[dict[str, object]] = []
        """Path, records and skips of each file that was read to its end."""
        self._source, self._files, self._skipped = source, files, skipped
        self._skips: list[dict[str, object]] = []

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
        self._settle()

    def _skip(self, item: Skip) -> None:
        self._skips.append({"source": self._source.name, **asdict(item)})
        if len(self._skips) == BATCH_ROWS:
            self._settle()

    def _settle(self) -> None:
        self._skipped(pa.Table.from_pylist(self._skips, schemas.SKIPPED))
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
    with whole_file(skipped) as temporary:
        skips = TableWriter(temporary)
        unit = UnitReader(section, files, skips.write)
        rows = documents_of(unit.records(), section.name, priority)
        streams.write_rounds(output, ROWS, rows, lambda table: home_shards(table["id"], shards), shards)
        skips.close()
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
    ledger = dropped_rows("ingest", repeated, "duplicate_record", matched_id=repeated["id"], similarity=1.0)
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
