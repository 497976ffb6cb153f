"""Read the sources, give each document its id, and route it to its home shard.

Map jobs (one a unit of input files) read records through `tamis/readers/`, give ids and write one exchange file;
then each shard sorts its keep-order keys, one streaming merge gives every document its rank in the whole corpus,
and each shard gathers its rows, sorted by id, as documents. Records that say exactly the same (source,
url, date, text) have one id: one stays, the others are ledger rows of reason `duplicate_record`. Records that cannot
be read are listed in `skipped/` with file, position and reason; damaged files fail the job.

Writes documents, dropped, stats, skipped (one file a unit) and read (what each file held). Memory: the text of one
unit, then of one shard. Ties: rank ends in id; of equal ids the one with the smallest metadata stays.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field, TypeAdapter

from tamis import barrier as barriers
from tamis import exchange, schemas
from tamis.dedup import keep_order
from tamis.errors import ConfigError, SourceError
from tamis.ids import home_shards
from tamis.ledger import Outputs, add_copies, dropped_rows, write_outcome
from tamis.readers import AnySource, Record, Skip, Source
from tamis.section import Section, workflow_path
from tamis.shards import read_json, write_json, write_table

log = logging.getLogger(__name__)

VERSION = 1

ROWS = pa.schema(
    [*((name, kind) for name, kind in schemas.BASE_COLUMNS.items() if name != "rank"), ("priority", pa.int32())]
)
"""What a map job sends to the shards; priority is the source's place in the configuration."""

KEY_FIELDS = ("id", "date", "ingested_characters", "priority")


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


def documents_of(records: Sequence[Record], source: str, priority: int) -> pa.Table:
    """Records of one source as rows of the exchange.

    Args:
        records: n records.
        source: name of the source.
        priority: its place in the configuration, 0 = first.

    Returns:
        n rows with the schema `ROWS`.
    """
    from tamis.ids import content_hash, document_key
    from tamis.urls import url_key

    columns: dict[str, list[Any]] = {name: [] for name in ROWS.names}
    for record in records:
        key = document_key(url_key(record.url) if record.url else record.text)
        date = None if record.date is None else record.date.strftime("%Y-%m-%dT%H:%M:%SZ")
        columns["id"].append(key + content_hash(source, record.url, date, record.text))
        columns["kind"].append(record.kind)
        columns["text"].append(record.text)
        columns["url"].append(record.url)
        columns["date"].append(record.date)
        columns["metadata"].append(
            None if record.metadata is None else json.dumps(record.metadata, ensure_ascii=False, separators=(",", ":"))
        )
        columns["ingested_characters"].append(len(record.text))
    n = len(records)
    columns |= {"source": [source] * n, "copies": [1] * n, "priority": [priority] * n}
    return pa.table({name: pa.array(columns[name], ROWS.field(name).type) for name in ROWS.names})


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
        output: exchange file, batch s for shard s.
        skipped: Parquet list of records that could not be read.
        read_counts: JSON: records and skips of each file.

    Raises:
        SourceError: a file is missing, truncated or damaged.
    """
    section = TypeAdapter(AnySource).validate_python(source)
    skips: list[dict[str, object]] = []
    counts: list[dict[str, object]] = []
    tables: list[pa.Table] = []
    for name in files:
        records: list[Record] = []
        before = len(skips)
        total = 0
        for item in section.read(Path(name)):
            if isinstance(item, Skip):
                skips.append(
                    {
                        "source": section.name,
                        "path": item.path,
                        "record": item.record,
                        "reason": item.reason,
                        "detail": item.detail,
                    }
                )
                continue
            records.append(item)
            if len(records) == 4096:
                tables.append(documents_of(records, section.name, priority))
                total += len(records)
                records = []
        tables.append(documents_of(records, section.name, priority))
        total += len(records)
        counts.append({"path": name, "records": total, "skipped": len(skips) - before})
        log.info("%s: %d records, %d skipped", name, total, len(skips) - before)
    table = pa.concat_tables([schemas.empty(ROWS), *tables]).combine_chunks()
    write_table(skipped, pa.Table.from_pylist(skips, schema=schemas.SKIPPED))
    write_json(read_counts, {"source": section.name, "files": counts})
    exchange.scatter(output, table, home_shards(table["id"], shards), shards)


def _gather(barrier: Path, shard: int, shards: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows of one shard from all units, in an order that does not depend on the units: by id, then metadata."""
    import polars as pl

    rows = exchange.read(barrier, shard, shards, columns).combine_chunks()
    names = [name for name in ("id", "metadata", "kind", "priority") if name in rows.column_names]
    order = pl.DataFrame(rows.select(names)).select(pl.arg_sort_by(names, nulls_last=True)).to_series()
    return rows.take(pa.array(order.to_numpy())).combine_chunks()


def _first_of_id(ids: pa.ChunkedArray) -> np.ndarray:
    """Whether a row is the first of its id, for rows sorted by id."""
    values = ids.to_numpy()
    return np.concatenate([[True], values[1:] != values[:-1]]) if len(values) else np.zeros(0, bool)


def _ordered_keys(rows: pa.Table, config: Config) -> tuple[pa.Table, np.ndarray]:
    unique = rows.filter(pa.array(_first_of_id(rows["id"])))
    return unique, keep_order.sort_keys(unique, config.keep)


def run_keys(config: Config, *, shards: int, shard: int, barrier: Path, output: Path) -> None:
    """Sort the keep-order keys of one shard.

    Args:
        barrier: names the exchange files of all units.
        output: `.npy` of sorted keys.
    """
    _, keys = _ordered_keys(_gather(barrier, shard, shards, KEY_FIELDS), config)
    keep_order.save_array(output, keys[keep_order.key_order(keys)])


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
    keep_order.merge_ranks(barriers.paths(barrier), output)


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
    rows = _gather(barrier, shard, shards)
    first = _first_of_id(rows["id"])
    unique, keys = _ordered_keys(rows, config)
    lengths = [len(keep_order.load_array(path)) for path in barriers.paths(keys_barrier)]
    start = sum(lengths[:shard])
    rank = np.empty(unique.num_rows, np.int64)
    rank[keep_order.key_order(keys)] = keep_order.load_array(ranks)[start : start + lengths[shard]]
    repeated = rows.filter(pa.array(~first))
    extra: dict[str, int] = {}
    for name in repeated["id"].to_pylist():
        extra[name] = extra.get(name, 0) + 1
    documents = add_copies(unique.drop_columns("priority"), extra).append_column("rank", pa.array(rank))
    ledger = dropped_rows("ingest", repeated, "duplicate_record", matched_id=repeated["id"], similarity=1.0)
    write_outcome(Outputs(kept, dropped, stats), "ingest", shard, rows, documents, ledger)
