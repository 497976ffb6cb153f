"""Labels for classifiers: which documents stand for which class, and the balanced sample of them.

A class is described by selectors over the documents' own columns (kind, source, language, path, date …) and by
the density of words in their text, by label files, by texts that somebody likes (a reference), or as a sample of the
pool; these mix. All conditions of one selector must hold; a document has a class when any selector of that class takes
it. A document that two classes claim teaches neither and is counted.

Sampling is by keyed hash of the id: the `cap` documents of a class and kind with the smallest hash. The smallest
of all are among the smallest of each shard, so every shard sends at most `cap` rows a class and kind, and the result
does not know the shards. What is held out is decided over all of them (`division.py`).
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import exchange
from tamis.barrier import Files
from tamis.checksums import canonical
from tamis.classifiers import label_files
from tamis.classifiers.division import divide
from tamis.classifiers.label_files import Judged, Judgements, LabelFile
from tamis.classifiers.references import Pool, Reference, Teacher
from tamis.classifiers.selectors import Measured, Selector, select
from tamis.errors import ModelError
from tamis.hashing import keyed_uint64
from tamis.schemas import KINDS, of_kinds
from tamis.section import Section, Share

log = logging.getLogger(__name__)

LABELLED = pa.schema(
    [
        ("id", pa.string()),
        ("kind", pa.string()),
        ("label", pa.string()),
        ("grade", pa.float64()),
        ("key", pa.uint64()),
        ("characters", pa.int64()),
        ("source", pa.string()),
        ("language", pa.string()),
        ("domain", pa.string()),
        ("text", pa.large_string()),
    ]
)
"""One row a labelled document; `key` orders the sample, `characters` is the length of the whole text, `grade` is from 0
(the worse of two classes) to 1, where the label is a number, and null where it is a name. `GROUPED_BY` are null where
the stage's documents have no such column, and in texts of files."""

GROUPED_BY = ("source", "language", "domain")
"""Columns of documents that are carried along so that a card can measure groups apart."""

REFERENCE_TEXTS = 4_096
"""Texts of a reference in memory beside the sample."""

COMPARED = 3_000
"""Characters of each labelled text that are carried along at least: copies are found by them."""

MATCHES = b"matches"
"""Key of the exchange file's schema metadata that holds how many documents each selector took."""


class Sampling(Section):
    """How many labelled documents are used, and how they are divided."""

    cap: int = Field(
        1500,
        ge=10,
        le=1_000_000,
        description="Labelled documents a class and kind, at most; balances the classes (DCLM took 200,000 each).",
    )
    min_labels: int = Field(
        20,
        ge=4,
        description="Labelled documents a class and kind below which a kind is not "
        "learnt, training and held-out together.",
    )
    held_out: Share = Field(
        0.2,
        description="Share of the labelled documents of each class and kind kept from training, for the card. "
        "Near-copies and captures of one page are on one side together.",
    )
    seed: int = Field(0, ge=0, description="Key of the hashes that sample and divide.")


@dataclass(frozen=True)
class Labelled:
    """Labelled documents and what became of the selectors."""

    rows: pa.Table
    matches: Counter[str]


def label_documents(
    documents: Iterable[pa.Table],
    classes: Mapping[str, Sequence[Teacher]],
    sampling: Sampling,
    kinds: Sequence[str],
    max_characters: int,
) -> Labelled:
    """Label one shard's documents and draw this shard's part of the sample.

    Args:
        documents: the shard as the stage reads it, some documents at a time.
        classes: class → selectors.
        sampling: caps and the held-out share.
        kinds: kinds that may be labelled at all.
        max_characters: how much of each text is carried along; `COMPARED` at least.

    Returns:
        Rows of `LABELLED` sorted by (label, kind, key, id), and matches by selector (`class #position`).
    """
    return merge((_label(table, classes, sampling, kinds, max_characters) for table in documents), sampling)


def _label(
    documents: pa.Table,
    classes: Mapping[str, Sequence[Teacher]],
    sampling: Sampling,
    kinds: Sequence[str],
    max_characters: int,
) -> Labelled:
    """All labelled documents among some, in the order of their classes."""
    matches: Counter[str] = Counter()
    allowed = of_kinds(documents, kinds)
    taken: dict[str, np.ndarray] = {}
    measured = Measured(documents)
    for name in sorted(classes):
        taken[name] = np.zeros(documents.num_rows, dtype=bool)
        for position, selector in enumerate(classes[name]):
            if isinstance(selector, Selector):
                selected = select(measured, selector) & allowed
                matches[f"{name} #{position + 1}"] += int(selected.sum())
                taken[name] |= selected
    # A sample of the pool is what nobody else claims: a document that is good by a selector is no error of the sample.
    rest = allowed & ~np.logical_or.reduce([*taken.values(), np.zeros(documents.num_rows, dtype=bool)])
    for name in sorted(classes):
        if any(isinstance(selector, Pool) for selector in classes[name]):
            matches[f"{name} from the pool"] += int(rest.sum())
            taken[name] |= rest
    claims = sum((rows.astype(np.int64) for rows in taken.values()), np.zeros(documents.num_rows, dtype=np.int64))
    matches["claimed by two classes"] += int((claims > 1).sum())
    parts = [LABELLED.empty_table()]
    for name, claimed in taken.items():
        rows = documents.select(carried(documents)).filter(pa.array(claimed & (claims == 1)))
        ids = rows["id"].to_pylist()
        columns = {
            **dict(zip(rows.column_names, rows.columns, strict=True)),
            "label": pa.array([name] * len(ids), pa.string()),
            "key": keyed_uint64(f"label sample {sampling.seed}", ids),
            "characters": pc.cast(pc.utf8_length(rows["text"]), pa.int64()),
            "text": pc.utf8_slice_codeunits(rows["text"], 0, max(max_characters, COMPARED)),
        }
        parts.append(as_labelled(columns))
    return Labelled(pa.concat_tables(parts), matches)


def carried(documents: pa.Table) -> list[str]:
    """The columns of documents of which a labelled row is made."""
    return ["id", "kind", "text", *(name for name in GROUPED_BY if name in documents.column_names)]


def as_labelled(columns: Mapping[str, Any]) -> pa.Table:
    """Rows of `LABELLED` from its columns; a grade and `GROUPED_BY` are null where they are not given."""
    rows = len(columns["id"])
    nulls = {name: pa.nulls(rows, LABELLED.field(name).type) for name in ("grade", *GROUPED_BY)}
    return pa.table({name: (nulls | dict(columns))[name] for name in LABELLED.names}).cast(LABELLED)


def of_judgements(found: Judgements, sampling: Sampling) -> Labelled:
    """The texts of label files or of a reference as labelled rows, capped."""
    columns = list(zip(*found.texts, strict=True)) or [()] * len(Judged._fields)
    named = dict(zip(Judged._fields, columns, strict=True))
    typed = {name: pa.array(values, LABELLED.field(name).type) for name, values in named.items()}
    typed["key"] = pa.array(keyed_uint64(f"label sample {sampling.seed}", named["id"]), pa.uint64())
    return Labelled(smallest(as_labelled(typed), sampling.cap), found.counts)


def smallest(rows: pa.Table, cap: int) -> pa.Table:
    """The `cap` rows of each class and kind with the smallest key, ties by id; sorted by class, kind, key, id."""
    rows = rows.sort_by([(name, "ascending") for name in ("label", "kind", "key", "id")]).combine_chunks()
    group = np.array(
        [f"{label}\0{kind}" for label, kind in zip(rows["label"].to_pylist(), rows["kind"].to_pylist(), strict=True)]
    )
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    position = np.arange(rows.num_rows) - first[inverse] if rows.num_rows else np.empty(0, dtype=np.int64)
    return rows.filter(pa.array(position < cap, pa.bool_()))


def merge(parts: Iterable[Labelled], sampling: Sampling) -> Labelled:
    """One sample from parts of the corpus; in memory are at most two samples and a part."""
    rows = LABELLED.empty_table()
    waiting: list[pa.Table] = []
    matches: Counter[str] = Counter()
    for part in parts:
        waiting.append(part.rows)
        matches.update(part.matches)
        # Not at every part: a large sample would be sorted again for each few thousand documents.
        if sum(table.num_rows for table in waiting) > rows.num_rows:
            rows, waiting = smallest(pa.concat_tables([rows, *waiting]), sampling.cap), []
    return Labelled(smallest(pa.concat_tables([rows, *waiting]), sampling.cap), matches)


def gather(
    parts: Iterable[Labelled],
    files: Sequence[LabelFile],
    classes: Mapping[str, Sequence[Teacher]],
    sampling: Sampling,
    max_characters: int,
) -> Labelled:
    """The labelled texts of all shards, label files and references, capped, each once, and divided.

    Args:
        parts: from each shard.
        files: label files.
        classes: class → what teaches it; here references to files.
        sampling: caps and the held-out share.
        max_characters: how much of each text from a file is kept; `COMPARED` at least.

    Returns:
        Rows of `LABELLED` with `held_out`, and matches.

    Raises:
        SourceError: a file cannot be read.
    """
    most = max(max_characters, COMPARED)
    judged = of_judgements(label_files.read(files, classes, most), sampling)
    merged = merge(chain(parts, [judged], _reference_parts(classes, sampling, most)), sampling)
    rows, left_out = divide(merged.rows, sampling.held_out, sampling.seed)
    merged.matches.update(+left_out)
    return Labelled(rows, merged.matches)


def _reference_parts(
    classes: Mapping[str, Sequence[Teacher]], sampling: Sampling, max_characters: int
) -> Iterator[Labelled]:
    """The texts of references to files, some thousands at a time."""
    for name, teachers in sorted(classes.items()):
        for teacher in teachers:
            if isinstance(teacher, Reference):
                counts: Counter[str] = Counter()
                texts = teacher.texts(name, max_characters, counts)
                while some := list(islice(texts, REFERENCE_TEXTS)):
                    yield of_judgements(Judgements(some, Counter()), sampling)
                yield Labelled(LABELLED.empty_table(), counts)


def write_labelled(path: Path, labelled: Labelled, stage: str, more: Mapping[bytes, bytes] | None = None) -> None:
    """Write one part of the labelled documents as an exchange file of one batch; `more` is further metadata."""
    schema = LABELLED.with_metadata({MATCHES: canonical(dict(labelled.matches)).encode(), **(more or {})})
    exchange.write(path, schema, [labelled.rows])
    log.info("%s: %d labelled documents, of %s", stage, labelled.rows.num_rows, dict(sorted(labelled.matches.items())))


def read_labelled(barrier: Files) -> Iterator[Labelled]:
    """The parts of all shards behind a barrier, one at a time."""
    for rows in exchange.read_each(barrier, 0, 1):
        matches = json.loads((rows.schema.metadata or {}).get(MATCHES, b"{}"))
        yield Labelled(rows.replace_schema_metadata(None), Counter(matches))


def learnable_kinds(labelled: Labelled, classes: Sequence[str], min_labels: int, stage: str) -> tuple[str, ...]:
    """Kinds with at least `min_labels` labelled documents of every class.

    Raises:
        ModelError: there is none; the message says how many documents each selector took.
    """
    counts = Counter(zip(labelled.rows["label"].to_pylist(), labelled.rows["kind"].to_pylist(), strict=True))
    kinds = tuple(kind for kind in KINDS if all(counts[name, kind] >= min_labels for name in classes))
    if not kinds:
        raise ModelError(too_few(labelled, classes, min_labels, stage))
    return kinds


def too_few(labelled: Labelled, classes: Sequence[str], min_labels: int, stage: str) -> str:
    """The message for a class with too few labels: what each class got, and from which selector."""
    counts = Counter(labelled.rows["label"].to_pylist())
    got = ", ".join(f"{name}: {counts[name]}" for name in classes)
    found = "; ".join(f"{name} took {number}" for name, number in sorted(labelled.matches.items())) or "no selector ran"
    return (
        f"{stage}: too few labelled documents to train on, {min_labels} of one kind are needed in every class "
        f"(got {got}). Documents by selector: {found}. Widen the selectors of this stage, give a label file, "
        f"lower `sampling.min_labels`, or leave {stage} out of `pipeline`."
    )
