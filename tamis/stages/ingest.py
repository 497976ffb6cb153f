"""Read the sources, give each document its id, and route it to its home shard.

Map jobs (one a unit of input files) read records through `tamis/readers/`, give ids and write one exchange file in
rounds (`tamis/streams.py`); then each shard sorts its keep-order keys, one streaming merge gives every document its
rank in the whole corpus, and each shard sorts its rows by id (`tamis/external_sort.py`) and writes them as documents.
Records that say exactly the same (source, url, date, text) have one id: one stays, the others are ledger rows of reason
`duplicate_record`. Records that cannot be read are listed in `skipped/` with file, position and reason; damaged files
fail the job, or are listed as a whole where their source says `on_bad_file: skip`.

Writes documents, dropped, stats, skipped (one file a unit) and read (what each file was and held). Memory: a few rounds
and one record of at most `max_document_bytes`, whatever the input, because every reader goes by decoded bytes and lists
what is larger as `too_large`; then 48 bytes a document of a shard, a few slices of the sort and the row group that is
being written. Ties: rank ends in id; of equal ids the one that names a parent stays, then
the one with the smallest metadata.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, TypeAdapter

from tamis import schemas, streams
from tamis.barrier import Files, paths
from tamis.dedup import keep_order
from tamis.errors import SourceError
from tamis.external_sort import first_of_each, sorted_slices
from tamis.ids import HALF_CHARACTERS, document_key, home_shards, is_id
from tamis.ledger import Outputs, add_copies, dropped_rows, outcome_writer
from tamis.scaling import Holds
from tamis.section import Section
from tamis.shards import TableWriter, read_json, whole_file, write_json
from tamis.urls import url_key

if TYPE_CHECKING:
    # Only map jobs read: the others start in two thirds of the time without all formats.
    from tamis.readers import Record, Source
    from tamis.readers.columns import Columns
    from tamis.readers.units import Unit

VERSION = 9
"""9: lines of web pages are held against what their page says of main content (another model, other texts); ragged
 columns of a PDF that was written row by row are read one after the other; what Bison, flex, ANTLR and Qt's compilers
 wrote is generated, and marks of generators count below the licence of a file, too; JSON Lines, CSV, text and HTML in
 bzip2, xz and LZ4 are read; what pages of reStructuredText quote in literal blocks makes no source code of them, nor
 does the code on a page of HTML unless nothing else is on it; undeclared Korean, KOI8-U, ISO-2022-JP and windows-1252
 are no longer read as damaged UTF-8; numbers of 8, 12 and 14 digits that name a day are that day, and dates after 2100
 none; bare repositories of git inside a tree of code are passed over; keys of Hive's folders are metadata of the
 documents of Parquet files; MathML without a source of its formulas becomes TeX.
8: scripts and styles that Sphinx copies beside its pages are vendored; a page whose first comment is a licence is
 none.
7: a headline or a caption that stands twice at once in a page of the web is taken once.
6: fetched PDFs have their address as URL, papers of arXiv their name whatever the address; files for
 programs (robots.txt, ads.txt) are no documents whatever they are called; `x.license` says the licence of x; rendered
 documentation in HTML counts as generated in trees of code.
5: containers of web pages are seen whatever the case of their tags.
4: source code is told by a model of its form, and by what a record says of itself.
3: extracts name their parent, and come last in the keep order.
2: what was read is recorded with size, time and hash of each file; the ledger has `kept_id`."""

ROWS = pa.schema(
    [*((name, kind) for name, kind in schemas.BASE_COLUMNS.items() if name != "rank"), ("priority", pa.int32())]
)
"""What a map job sends to the shards; priority is the source's place in the configuration."""

KEY_FIELDS = ("id", "parent", "date", "ingested_characters", "priority")

ORDER = ("id", "parent", "metadata", "kind", "priority")
"""The order of a shard's rows; rows that are equal in these are equal throughout."""

BATCH_ROWS = 4_096
BATCH_BYTES = 4_000_000
HOLDS = {"map": Holds(BATCH_BYTES, streams.ROUND_BYTES), "apply": Holds(BATCH_BYTES, streams.ROUND_BYTES)}
"""For `tamis estimate`: reading, a job holds a batch of records and those that wait for their round."""

"""Rows and bytes that are gathered as Python objects."""


MANY_FILES = 100
"""From so many on, what was read of each is written for programs alone."""


class Config(Section):
    """How sources are read and which copy is the first choice."""

    keep: tuple[keep_order.Criterion, ...] = Field(
        ("most_recent", "source_priority", "longest"),
        max_length=keep_order.CRITERIA,
        description="The keep order of the whole corpus: which of several copies survives, first criterion first, then "
        "the id. source_priority is the order of `sources`. Llama 3.1 keeps the most recent capture of a URL. "
        "Extracts, which name a parent, come after all documents that are none.",
    )
    unit_bytes: int = Field(
        64_000_000,
        ge=1,
        le=10**12,
        description="Input files of one source are read together by one job up to this many bytes on disk, where files "
        "of plain text and of trees of code count half, and large ones there that are no text hardly at all; a larger "
        "file is read by several, where it can be parted: Parquet by row groups, JSON Lines anywhere, or by frames of "
        "zstd; gzipped JSON Lines and web archives in parts of at least 134 MB, as each job goes through what lies "
        "before its part. Else it is a job of its own, and so are files of a source with `on_bad_file: skip`. Of small "
        "files a job reads at most 100,000.",
    )


def units(sources: Sequence[Source], config: Config, results: Path | None = None) -> list[Unit]:
    """The units of all sources, as `tamis.readers.units.units`."""
    from tamis.readers.units import units as cut

    return cut(sources, config.unit_bytes, results)


def parent_key(parent: str | None) -> str | None:
    """The first half of the id of an extract's parent, given its URL or its id."""
    if parent is None:
        return None
    return parent[:HALF_CHARACTERS] if is_id(parent) else document_key(url_key(parent))


def documents_of(records: Iterable[Record | Columns], source: str, priority: int) -> Iterator[pa.Table]:
    """Records of one source as rows of the exchange, some at a time.

    Args:
        records: records, or many of them in columns, in any number.
        source: name of the source.
        priority: its place in the configuration, 0 = first.

    Yields:
        Tables with the schema `ROWS`: of the columns as they come; of records of at most `BATCH_ROWS` rows, and of
        `BATCH_BYTES` of text, URLs and metadata and one record more; at least one table, if without rows.
    """
    from tamis.readers.columns import Columns
    from tamis.readers.record import columns_of

    waiting: list[Record] = []
    ready: list[pa.Table] = []
    size, some = 0, False

    def add(item: Record | Columns) -> None:
        nonlocal size
        if isinstance(item, Columns):
            ready.append(_rows(item, source, priority))
        else:
            waiting.append(item)
            size += len(item.data) + len(item.url or "") + len(item.fields or b"")

    def gathered() -> pa.Table:
        nonlocal size
        columns = columns_of(waiting)
        waiting.clear()
        size = 0
        return _rows(columns, source, priority)

    # Unlike the variable of a loop, this does not hold a record while the table that has it is on its way.
    for _ in map(add, records):
        if len(waiting) == BATCH_ROWS or size >= BATCH_BYTES:
            ready.append(gathered())
        if ready:
            some = True
            yield ready.pop()
    if waiting or not some:
        yield gathered()


def _rows(columns: Columns, source: str, priority: int) -> pa.Table:
    """Documents as a table of `ROWS`."""
    from tamis.kernels.document_ids import document_ids

    parent = columns.parent
    if parent.null_count < len(parent):
        parent = pa.array([parent_key(one) for one in parent.to_pylist()], pa.string())
    count = len(columns)
    made = {
        "id": document_ids(source, columns.url, columns.date, columns.text),
        "kind": columns.kind,
        "text": columns.text,
        "source": pa.repeat(source, count),
        "url": columns.url.cast(pa.string()),
        "date": columns.date,
        "metadata": columns.fields.cast(pa.string()),
        "parent": parent.cast(pa.string()),
        "copies": pa.repeat(pa.scalar(1, pa.int32()), count),
        "ingested_characters": pc.cast(pc.utf8_length(columns.text), pa.int64()),
        "priority": pa.repeat(pa.scalar(priority, pa.int32()), count),
    }
    return pa.table(made, ROWS)


def run_map(
    *,
    source: dict[str, Any],
    priority: int,
    fields: list[str],
    token: str,
    shards: int,
    output: Path,
    skipped: Path,
    read_counts: Path,
    files: Sequence[str] = (),
    names: str | None = None,
    part: Sequence[int] | None = None,
) -> None:
    """Read one unit of input files.

    Args:
        source: its section; without `paths` where they are the files.
        priority: the source's place in the configuration.
        fields: fields to say of in how many records they were.
        token: of the unit, for the record.
        output: exchange file by shard, in rounds, to write.
        skipped: Parquet list of records that could not be read.
        read_counts: JSON: what was read of each file.
        files: paths.
        names: or the digest of a list of many paths, which lies in the results folder (`tamis.readers.units.names_in`).
        part: which of several parts of the one file, from 0, and how many there are; None: all of it.

    Raises:
        SourceError: a file changed while it was read, or is missing, truncated or damaged.
    """
    from tamis.readers import AnySource
    from tamis.readers.observed import Reading
    from tamis.readers.record import Part
    from tamis.readers.remote.addresses import is_place
    from tamis.readers.remote.origin import let_go
    from tamis.readers.units import NAMES, names_in

    if names is not None:
        # <results>/ingest/map/part-00000.arrow
        files = names_in(output.parents[2] / NAMES, names)
    section = TypeAdapter(AnySource).validate_python({"paths": files} | source)
    output.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(skipped) as temporary:
        skips = TableWriter(temporary)
        stretch = None if part is None else Part(*part)
        reading = Reading(section, files, skips.write, output.parent, fields, stretch)
        rows = reading.tables(lambda records: documents_of(records, section.name, priority))
        streams.write_rounds(output, ROWS, rows, lambda table: home_shards(table["id"], shards), shards)
        skips.close()
    write_json(read_counts, reading.record(token), indented=len(files) < MANY_FILES)
    for name in filter(is_place, [*files, *(one.path for one in reading.governing)]):
        let_go(Path(name))


def _shard_keys(barrier: Files, shard: int, shards: int, config: Config) -> np.ndarray:
    """Keep-order keys of the documents of one shard, sorted by id: rows of equal ids are one document."""
    tables = (table for path in paths(barrier) for table in streams.read_rounds(path, shard, shards, KEY_FIELDS))
    nothing = np.empty((0, keep_order.KEY_COLUMNS), np.uint64)
    keys = np.concatenate([nothing, *(keep_order.sort_keys(table, config.keep) for table in tables)])
    # Of equal ids the one that names a parent goes first, as among the rows.
    keys = keys[np.lexsort((~keys[:, 0], keys[:, -1], keys[:, -2]))]
    return keys[first_of_each(keys[:, keep_order.ID_COLUMN :])]


def run_keys(config: Config, *, shards: int, shard: int, barrier: Files, output: Path) -> None:
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


def run_rank(*, units: int, barrier: Files, read_folder: str, output: Path) -> None:
    """Merge the keys of all shards into ranks, and see that every source gave something.

    Args:
        barrier: names the key files of all shards.
        read_folder: folder of the read counts of all units.
        output: `.npy` of ranks, shard after shard.

    Raises:
        SourceError: a source gave no document.
    """
    files: dict[str, list[dict[str, Any]]] = {}
    for unit in range(units):
        record = read_json(Path(read_folder, f"part-{unit:05d}.json"))
        files.setdefault(record["source"], []).extend(record["files"])
    for name, of_source in sorted(files.items()):
        if any(file["records"] for file in of_source):
            continue
        bad = [file["bad"] for file in of_source if file.get("bad")]
        why = f"{sum(file['skipped'] for file in of_source)} records were skipped"
        if bad:
            why = f"{len(bad)} of its {len(of_source)} files are bad, the first: {bad[0]}; {why}"
        msg = (
            f"source {name!r} gave no document ({why}, listed in {Path(read_folder).parent / 'skipped'}). Correct its "
            "paths or fields, or remove it from `sources`."
        )
        raise SourceError(msg)
    keep_order.merge_ranks(paths(barrier), output)


def run_apply(
    config: Config,
    *,
    shards: int,
    shard: int,
    barrier: Files,
    keys_barrier: Files,
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
    lengths = [keep_order.array_length(path) for path in paths(keys_barrier)]
    start = sum(lengths[:shard])
    rank = np.empty(len(keys), np.int64)
    rank[keep_order.key_order(keys)] = keep_order.load_array(ranks, start, start + lengths[shard])
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
