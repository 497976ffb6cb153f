"""Labels for classifiers: which documents stand for which class, and the balanced sample of them.

A class is described by selectors over the documents' own columns (kind, source, language, path, date …) and by
the density of words in their text, or by label files. All conditions of one selector must hold; a document has a
class when any selector of that class takes it. A document that two classes claim teaches neither and is counted.

Sampling is by keyed hash of the id: the `cap` documents of a class and kind with the smallest hash. The smallest
of all are among the smallest of each shard, so every shard sends at most `cap` rows a class and kind, and the result
does not know the shards. Held-out is by another keyed hash, of the URL half of the id, so that the captures of one
page are never on both sides.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, Field

from tamis import exchange
from tamis.classifiers.selectors import Measured, Selector, select
from tamis.errors import ConfigError, ModelError, SourceError
from tamis.hashing import keyed_uint64
from tamis.schemas import KINDS, of_kinds
from tamis.section import Kind, Section, Share, canonical, workflow_path

log = logging.getLogger(__name__)

LABELLED = pa.schema(
    [
        ("id", pa.string()),
        ("kind", pa.string()),
        ("label", pa.string()),
        ("held_out", pa.bool_()),
        ("key", pa.uint64()),
        ("characters", pa.int64()),
        ("text", pa.large_string()),
    ]
)
"""One row a labelled document; `key` orders the sample, `characters` is the length of the whole text."""

MATCHES = b"matches"
"""Key of the exchange file's schema metadata that holds how many documents each selector took."""


class LabelFile(Section):
    """A JSONL file of labelled texts, for instance human or model judgements."""

    path: Annotated[Path, AfterValidator(workflow_path)] = Field(description="JSONL file, one object a line.")
    text: str = Field("text", description="Field that holds the text.")
    label: str = Field("label", description="Field that holds the label.")
    classes: dict[str, str] = Field(
        {},
        description="Label in the file → class; labels that are not listed are left "
        "out. Empty: the file uses the class names themselves.",
    )
    kind: Kind = Field("prose", description="Kind that the texts count as.")


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
    held_out: Share = Field(0.2, description="Share of the labelled documents kept from training, for the card.")
    seed: int = Field(0, ge=0, description="Key of the hashes that sample and divide.")


@dataclass(frozen=True)
class Labelled:
    """Labelled documents and what became of the selectors."""

    rows: pa.Table
    matches: Counter[str]


def label_documents(
    documents: Iterable[pa.Table],
    classes: Mapping[str, Sequence[Selector]],
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
        max_characters: how much of each text is carried along.

    Returns:
        Rows of `LABELLED` sorted by (label, kind, key, id), and matches by selector (`class #position`).
    """
    return merge((_label(table, classes, sampling, kinds, max_characters) for table in documents), sampling)


def _label(
    documents: pa.Table,
    classes: Mapping[str, Sequence[Selector]],
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
            selected = select(measured, selector) & allowed
            matches[f"{name} #{position + 1}"] += int(selected.sum())
            taken[name] |= selected
    claims = sum((rows.astype(np.int64) for rows in taken.values()), np.zeros(documents.num_rows, dtype=np.int64))
    matches["claimed by two classes"] += int((claims > 1).sum())
    parts = [LABELLED.empty_table()]
    for name, claimed in taken.items():
        rows = documents.select(["id", "kind", "text"]).filter(pa.array(claimed & (claims == 1)))
        ids = rows["id"].to_pylist()
        parts.append(
            pa.table(
                {
                    "id": rows["id"],
                    "kind": rows["kind"],
                    "label": pa.array([name] * len(ids), pa.string()),
                    "held_out": _held_out(ids, sampling),
                    "key": keyed_uint64(f"label sample {sampling.seed}", ids),
                    "characters": pc.cast(pc.utf8_length(rows["text"]), pa.int64()),
                    "text": pc.utf8_slice_codeunits(rows["text"], 0, max_characters),
                }
            ).cast(LABELLED)
        )
    return Labelled(pa.concat_tables(parts), matches)


def _held_out(ids: Sequence[str], sampling: Sampling) -> pa.Array:
    key = keyed_uint64(f"held out {sampling.seed}", [value[:16] for value in ids])
    return pa.array(key.astype(np.float64) < sampling.held_out * 2.0**64)


def read_files(files: Sequence[LabelFile], classes: Iterable[str], sampling: Sampling, max_characters: int) -> Labelled:
    """Read label files into rows of `LABELLED`; the id of a text is the hash of its characters.

    Raises:
        SourceError: a file or line cannot be read.
        ConfigError: a label stands for no known class.
    """
    known = frozenset(classes)
    matches: Counter[str] = Counter()
    rows: dict[str, tuple[str, str, str, int, str]] = {}
    for entry in files:
        try:
            lines = entry.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            msg = f"label file {entry.path}: cannot be read as UTF-8 ({error}); correct `path` in the configuration"
            raise SourceError(msg) from error
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
                text, given = value[entry.text], str(value[entry.label])
            except (ValueError, KeyError, TypeError) as error:
                msg = (
                    f"label file {entry.path}, line {number}: expected a JSON object with the fields "
                    f"{entry.text!r} and {entry.label!r} ({error!r})"
                )
                raise SourceError(msg) from error
            name = entry.classes.get(given) if entry.classes else given
            if name is None:
                continue
            if name not in known or not isinstance(text, str):
                msg = (
                    f"label file {entry.path}, line {number}: label {given!r} stands for {name!r}, the classes are "
                    f"{sorted(known)}; say under `classes` what it means"
                )
                raise ConfigError(msg)
            identity = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
            rows[identity] = (identity, entry.kind, name, len(text), text[:max_characters])
            matches[f"{name} from {entry.path.name}"] += 1
    ids = sorted(rows)
    columns = list(zip(*(rows[value] for value in ids), strict=True)) or [(), (), (), (), ()]
    table = pa.table(
        {
            "id": pa.array(columns[0], pa.string()),
            "kind": pa.array(columns[1], pa.string()),
            "label": pa.array(columns[2], pa.string()),
            "held_out": _held_out(ids, sampling),
            "key": keyed_uint64(f"label sample {sampling.seed}", ids),
            "characters": pa.array(columns[3], pa.int64()),
            "text": pa.array(columns[4], pa.large_string()),
        }
    ).cast(LABELLED)
    return Labelled(smallest(table, sampling.cap), matches)


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


def write_labelled(path: Path, labelled: Labelled, stage: str) -> None:
    """Write one shard's part of the sample as an exchange file of one batch."""
    schema = LABELLED.with_metadata({MATCHES: canonical(dict(labelled.matches)).encode()})
    exchange.write(path, schema, [labelled.rows])
    log.info("%s: %d labelled documents, of %s", stage, labelled.rows.num_rows, dict(sorted(labelled.matches.items())))


def read_labelled(barrier: Path) -> Iterator[Labelled]:
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
