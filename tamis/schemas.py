"""The tables that cross between stages, in one place.

Every reader and writer goes through this module. Text columns are `large_string` (64-bit offsets) in
memory, so that one shard may hold more than 2 GiB of text; Parquet stores them as plain UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.errors import SchemaError

KINDS = ("prose", "code", "maths", "licence", "catalogue")
"""What a document is by form: set once at ingest, read by every `applies_to`."""

DOMAINS = ("general", "math", "code", "reasoning", "multilingual")
"""What a document is about, for mixture weights: set by the `domains` stage."""

BASE_COLUMNS: dict[str, pa.DataType] = {
    "id": pa.string(),
    "kind": pa.string(),
    "text": pa.large_string(),
    "source": pa.string(),
    "url": pa.string(),
    "date": pa.timestamp("s", tz="UTC"),
    "metadata": pa.string(),
    # Of an extract: the first half of the id of what it was taken from, which is the hash of that one's URL key.
    "parent": pa.string(),
    "copies": pa.int32(),
    # Characters of the text as ingested; with `rank`, what the keep order needs after text was cut.
    "ingested_characters": pa.int64(),
    # Position in the corpus-wide keep order, 0 = first choice. Given at ingest, never changed.
    "rank": pa.int64(),
}
"""Columns of every documents file; a null is allowed only in url, date, metadata and parent."""

NULLABLE = frozenset({"url", "date", "metadata", "parent"})

STAGE_COLUMNS: dict[str, pa.DataType] = {
    "language": pa.string(),
    "language_score": pa.float32(),
    "fasttext_quality": pa.float32(),
    "linear_quality": pa.float32(),
    "transformer_quality": pa.float32(),
    "domain": pa.string(),
    "domain_score": pa.float32(),
    "toxic_share": pa.float32(),
    "contamination": pa.float32(),
    "tokens": pa.int64(),
}
"""Columns that stages add, in the order of the pipeline; classifiers of the configuration add others (`SCORE`)."""

SCORE = pa.float32()
"""Type of the column of a classifier, which has the classifier's name; these come last, by name."""

SCORE_NAME = re.compile(r"[a-z][a-z0-9_]*")

LEDGER = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("url", pa.string()),
        ("kind", pa.string()),
        ("stage", pa.string()),
        ("reason", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("matched_id", pa.string()),
        ("similarity", pa.float64()),
        ("kept_id", pa.string()),
        ("chars", pa.int64()),
    ]
)
"""One row a dropped document: which rule, its value, the threshold, what it matched, and what stays for it."""

COPIES_IN_LEDGER = """\
`matched_id` is the document (or item of another corpus) that the rule compared the dropped one with, `similarity` how
similar the two are, and `kept_id` the document, kept by this stage, that stands for the dropped one and counts it in
`copies`. The two ids differ only where copies of copies form one group (`minhash_dedup` with `grouping: components`).
`kept_id` is null where no document of this run stands for it: the rule is not about copies, or what it matched lies in
another corpus. The similarity is the exact Jaccard similarity in `minhash_dedup`, the share of its characters that the
document would lose to the other in `paragraph_dedup`, and 1 at ingest; `url_dedup` compares no texts. In
`extracts` `matched_id` is what the dropped document was taken from, which does not count it in `copies`."""
"""The columns of the ledger that name other documents, for the reference page."""

EDITS = pa.schema(
    [
        ("id", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("replacement", pa.string()),
        ("reason", pa.string()),
        ("count", pa.int64()),
        ("matched_id", pa.string()),
    ]
)
"""One row an edit: characters [start, end) of the text as the stage read it, and what replaced them (null: a cut)."""

SKIPPED = pa.schema(
    [
        ("source", pa.string()),
        ("path", pa.string()),
        ("record", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)
"""One row a record that ingest could not read: the file, the record's position in it, and why."""


def documents_schema(columns: Sequence[str] = ()) -> pa.Schema:
    """The schema of a documents file that carries the given stage columns.

    Args:
        columns: names from `STAGE_COLUMNS` and of classifiers, which upstream stages have added, in any order.

    Raises:
        SchemaError: a name can be that of no column.
    """
    others = sorted(set(columns) - STAGE_COLUMNS.keys())
    if unknown := [name for name in others if not SCORE_NAME.fullmatch(name)]:
        msg = f"unknown stage columns {unknown}; known: {', '.join(STAGE_COLUMNS)}, and the names of classifiers"
        raise SchemaError(msg)
    added = {name: kind for name, kind in STAGE_COLUMNS.items() if name in columns} | dict.fromkeys(others, SCORE)
    return pa.schema(list((BASE_COLUMNS | added).items()))


def added_columns(names: Iterable[str]) -> list[str]:
    """Of the columns of a documents table those that stages have added."""
    return [name for name in names if name not in BASE_COLUMNS]


def conform_documents(table: pa.Table, where: str) -> pa.Table:
    """Cast and order a documents table to its contract; extra, missing or null columns are refused.

    Args:
        table: columns of `BASE_COLUMNS` and any of `STAGE_COLUMNS`.
        where: the file or step named in the error.

    Raises:
        SchemaError: a column is missing, unknown, of an incompatible type, or holds a null it must not.
    """
    names = set(table.column_names)
    missing = [name for name in BASE_COLUMNS if name not in names]
    if missing:
        msg = f"{where}: documents lack the columns {missing}; write them with tamis.schemas.documents_schema()"
        raise SchemaError(msg)
    added = sorted(names - BASE_COLUMNS.keys())
    if odd := [
        name for name in added if name not in STAGE_COLUMNS and not pa.types.is_floating(table.field(name).type)
    ]:
        msg = f"{where}: unknown columns {odd}; a column of no stage can only be the score of a classifier, a number"
        raise SchemaError(msg)
    schema = documents_schema(added)
    table = table.select(schema.names)
    try:
        table = table.cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        msg = f"{where}: documents do not have the types of tamis.schemas: {error}"
        raise SchemaError(msg) from error
    for name in BASE_COLUMNS:
        if name not in NULLABLE and table.column(name).null_count:
            msg = f"{where}: column {name!r} holds {table.column(name).null_count} nulls and must hold none"
            raise SchemaError(msg)
    return table


def empty(schema: pa.Schema) -> pa.Table:
    """A table of no rows with the given schema."""
    return schema.empty_table()


def of_kinds(rows: pa.Table, kinds: Iterable[str]) -> np.ndarray:
    """Which of n rows with a column `kind` are of the given kinds: bool[n]."""
    return pc.is_in(rows["kind"], value_set=pa.array(list(kinds), pa.string())).to_numpy()


def with_column(documents: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Add a stage column, replacing one of that name."""
    if name in documents.column_names:
        documents = documents.drop_columns([name])
    return documents.append_column(name, values.cast(STAGE_COLUMNS.get(name, SCORE)))
