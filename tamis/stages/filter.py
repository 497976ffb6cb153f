"""Keep the documents for which every expression is true: DuckDB's SQL over any column, score or metadata field.

What the other stages do not know can be said in a line: a licence of the source's own metadata, a score and a language
together, a bound on the length. It is what dolma's mixer does with its JSONPath and jq conditions and data-juicer with
filters on fields; what an expression may hold is in `tamis/expressions.py`, and all of it is checked when the workflow
is parsed, against the columns that the documents have at this place of the pipeline.

A document stays when every expression is true, as in a WHERE; of those that are not, the first by name is its reason in
the ledger (the order of keys is no setting: two files with the same expressions are the same configuration). That is
also so where an expression is null: a score of a kind that was not scored, a field that the metadata lacks. How many
documents each expression is false or null for, whichever comes first, is in the notes of the stats (`fails_<name>`,
`null_<name>`). Every expression is asked of every document of the kinds in `applies_to`, so none guards another.

Writes documents, dropped, stats. Memory: a batch of documents and the row group that is being written. Ties: none.
Speed: on one core a job takes 1.15 times as long as one that copies its documents with a condition on scores, 1.3 times
with three on length, metadata and scores, 1.75 times with a regular expression over the text (3.4 kB a document); that
is 10 to 15 times as fast as the heuristics.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis import schemas
from tamis.errors import SchemaError
from tamis.expressions import Conditions, UnknownColumn
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.section import AppliesTo, Section
from tamis.shards import document_batches

VERSION = 1

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Expression = Annotated[str, Field(min_length=1, max_length=10_000)]


class Config(Section):
    """Keeping the documents that expressions are true for."""

    applies_to: AppliesTo = Field(
        ("prose", "code", "maths", "licence", "catalogue"),
        description="Kinds that the expressions are asked of; all others pass through untouched.",
    )
    keep: dict[Name, Expression] = Field(
        {},
        description="Expressions by name, in DuckDB's SQL over the columns of the documents (tables.md has them) and "
        "fields of their metadata, as in `(metadata->>'licence') = 'MIT'`. A document stays when every expression is "
        "true; of those that are false or null the first by name is the reason. Write `coalesce(…, true)` where null "
        "shall keep. What reads files or settings, asks a clock or chance, or looks at other documents is refused.",
    )

    def wrong_expressions(self, columns: Collection[str], makers: Mapping[str, str]) -> Iterator[str]:
        """What is wrong with the expressions at their place in the pipeline; each line names its key.

        Args:
            columns: stage columns that the documents carry there.
            makers: other columns → what adds them.
        """
        if not self.keep:
            yield "filter.keep: names no expression; give one, or take filter out of pipeline"
            return
        for name, refused in Conditions(self.keep, schemas.documents_schema(sorted(columns))).refused.items():
            if isinstance(refused, UnknownColumn) and (maker := makers.get(refused.column)):
                yield f"filter.keep.{name}: reads {refused.column}, which no stage before filter makes ({maker})"
            else:
                yield f"filter.keep.{name}: {refused}"


def first_untrue(answers: Mapping[str, np.ndarray], rows: int) -> np.ndarray:
    """Which expression is the first that is not true, for each document.

    Args:
        answers: k names → int8[n], 1 where true.
        rows: n.

    Returns:
        int64[n], -1 where all are true.
    """
    found = np.full(rows, -1)
    for number, answer in reversed(list(enumerate(answers.values()))):
        found[answer != 1] = number
    return found


def run_apply(config: Config, *, shard: int, documents: Path, kept: Path, dropped: Path, stats: Path) -> None:
    """Ask the expressions of one shard.

    Raises:
        SchemaError: an expression reads what the documents do not have.
        SourceError: an expression has no answer for a document.
    """
    keep = dict(sorted(config.keep.items()))
    names = pa.array(list(keep), pa.string())
    notes = dict.fromkeys((f"{what}_{name}" for name in keep for what in ("fails", "null")), 0)
    conditions: Conditions | None = None
    with outcome_writer(Outputs(kept, dropped, stats), "filter", shard) as writer:
        for before in document_batches(documents):
            if conditions is None:
                conditions = Conditions(keep, before.schema)
                for name, refused in conditions.refused.items():
                    raise SchemaError(f"{documents}: filter.keep.{name}: {refused}")
            of_kind = schemas.of_kinds(before, config.applies_to)
            answers = conditions.ask(before if of_kind.all() else before.filter(pa.array(of_kind)))
            for name, answer in answers.items():
                notes[f"fails_{name}"] += int((answer == 0).sum())
                notes[f"null_{name}"] += int((answer == -1).sum())
            first = np.full(before.num_rows, -1)
            first[of_kind] = first_untrue(answers, int(of_kind.sum()))
            stays = first < 0
            gone = pa.array(~stays)
            ledger = dropped_rows("filter", before.filter(gone), names.take(pa.array(first[~stays])))
            writer.add(before, before.filter(pa.array(stays)), ledger)
        writer.notes.update(notes)
