"""Which documents are judged, and where the labelled rows that come of it lie.

The sample is drawn by a keyed hash of the id, an equal share of each kind as far as there are so many: the smallest of
all are among the smallest of each shard, so it does not know the shards.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import exchange
from tamis.barrier import Files
from tamis.checksums import canonical
from tamis.classifiers.judge.section import Judge
from tamis.classifiers.labels import GROUPED_BY, LABELLED, MATCHES, Labelled, carried, write_labelled
from tamis.hashing import keyed_uint64
from tamis.schemas import of_kinds

TO_JUDGE = pa.schema(
    [(name, LABELLED.field(name).type) for name in ("id", "kind", "key", "characters", *GROUPED_BY, "text")]
)
"""One row a document that may be judged; `key` orders the sample, `text` is what judge or model read of it."""

SAID = b"judge"
"""Key of the exchange file's schema metadata that holds what the card says of the judge, and the effort of this run."""


def draw(documents: Iterable[pa.Table], judge: Judge, seed: int, kinds: Sequence[str], max_characters: int) -> pa.Table:
    """One shard's part of the sample: rows of `TO_JUDGE`, of each kind those with the smallest keys.

    Args:
        documents: the shard as the stage reads it, some documents at a time.
        judge: the settings.
        seed: of the sampling of labels, the key of the hashes.
        kinds: kinds that may be labelled at all.
        max_characters: how much of each text is carried along, if the judge reads less.
    """
    most = max(max_characters, judge.max_characters)
    return merge((_candidates(table, judge, seed, kinds, most) for table in documents), judge.documents)


def _candidates(documents: pa.Table, judge: Judge, seed: int, kinds: Sequence[str], most: int) -> pa.Table:
    rows = documents.select(carried(documents)).filter(pa.array(of_kinds(documents, kinds)))
    groups = {name: rows[name] if name in rows.column_names else pa.nulls(rows.num_rows) for name in GROUPED_BY}
    table = pa.table(
        {
            "id": rows["id"],
            "kind": rows["kind"],
            "key": keyed_uint64(f"judge sample {seed}", rows["id"].to_pylist()),
            "characters": pc.cast(pc.utf8_length(rows["text"]), pa.int64()),
            **groups,
            "text": pc.utf8_slice_codeunits(rows["text"], 0, most),
        }
    ).cast(TO_JUDGE)
    # An endpoint is not paid for what holds nothing.
    read = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(table["text"], 0, judge.max_characters))
    return table.filter(pc.greater(pc.utf8_length(read), 0))


def merge(parts: Iterable[pa.Table], number: int) -> pa.Table:
    """Of each kind the rows with the smallest keys, as many as the sample may need; sorted by kind, key, id."""
    rows, waiting = TO_JUDGE.empty_table(), [TO_JUDGE.empty_table()]
    for part in parts:
        waiting.append(part)
        if sum(table.num_rows for table in waiting) > rows.num_rows:
            rows, waiting = _first(pa.concat_tables([rows, *waiting]), number), [TO_JUDGE.empty_table()]
    return _first(pa.concat_tables([rows, *waiting]), number)


def _first(rows: pa.Table, number: int, by_kind: Mapping[str, int] | None = None) -> pa.Table:
    """Of each kind the `number` rows with the smallest keys, or as many as are said for it."""
    rows = rows.sort_by([(name, "ascending") for name in ("kind", "key", "id")]).combine_chunks()
    kind = rows["kind"].to_numpy(zero_copy_only=False).astype(str)
    names, first, inverse = np.unique(kind, return_index=True, return_inverse=True)
    most = np.array([number if by_kind is None else by_kind[name] for name in names.tolist()], dtype=np.int64)
    position = np.arange(rows.num_rows) - first[inverse]
    return rows.filter(pa.array(position < most[inverse], pa.bool_()))


def spread(counts: Mapping[str, int], number: int) -> dict[str, int]:
    """How many of each kind are taken: as many of each as there are, and what one lacks of the others.

    Args:
        counts: kind → how many there are.
        number: how many are taken, if there are so many.
    """
    taken, left = {}, number
    for place, (kind, count) in enumerate(sorted(counts.items(), key=lambda item: (item[1], item[0]))):
        taken[kind] = min(count, left // (len(counts) - place))
        left -= taken[kind]
    return taken


def read_parts(barrier: Files) -> Iterator[pa.Table]:
    """The parts of all shards behind a barrier, one at a time."""
    return exchange.read_each(barrier, 0, 1)


def whole(parts: Iterable[pa.Table], number: int) -> pa.Table:
    """The sample: `number` rows, if there are so many, spread over the kinds."""
    rows = merge(parts, number)
    counts = Counter(rows["kind"].to_pylist())
    return _first(rows, number, spread(counts, number))


def write_judged(
    path: Path, stage: str, labelled: Labelled, said: Mapping[str, Any], effort: Mapping[str, Any]
) -> None:
    """Write what came of a sample as an exchange file of one batch.

    Args:
        path: the file.
        stage: name of the classifier.
        labelled: the labelled rows.
        said: what a card says of the judge.
        effort: what was asked and kept this time; only for who looks into the file.
    """
    write_labelled(path, labelled, stage, {SAID: canonical({"said": said, "effort": effort}).encode()})


def read_judged(path: Path) -> tuple[Labelled, dict[str, Any]]:
    """What was written: the labelled rows, and what a card says of the judge."""
    rows = exchange.read_batch(path, 0, 1)
    metadata = rows.schema.metadata or {}
    matches = Counter(json.loads(metadata[MATCHES]))
    return Labelled(rows.replace_schema_metadata(None), matches), json.loads(metadata[SAID])["said"]
