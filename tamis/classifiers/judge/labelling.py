"""The labelled rows that come of a sample: every document asked once, some a second time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.classifiers.judge.answers import Meaning, meaning, summary
from tamis.classifiers.judge.asking import Question, ask_all
from tamis.classifiers.judge.section import Judge
from tamis.classifiers.labels import GROUPED_BY, LABELLED, Labelled
from tamis.hashing import keyed_uint64


@dataclass(frozen=True)
class Judged:
    """What came of a sample."""

    labelled: Labelled
    said: dict[str, Any]
    """What a card says of the judge, from `tamis.classifiers.judge.answers.summary`."""
    effort: dict[str, Any]
    """What was asked and kept this time."""


def label(judge: Judge, prompt: str, rows: pa.Table, seed: int, classes: Sequence[str]) -> Judged:
    """Ask for the label of each document of a sample.

    Args:
        judge: the settings, with the ways.
        prompt: its text.
        rows: of `tamis.classifiers.judge.sample.TO_JUDGE`.
        seed: of the sampling of labels, the key of the hashes.
        classes: names of the classes; of two the worse first.

    Raises:
        EndpointError: the endpoint cannot be used, or too many answers are malformed.
    """
    texts = pc.utf8_slice_codeunits(rows["text"], 0, judge.max_characters).to_pylist()
    ids = rows["id"].to_pylist()
    number = round(judge.agreement * len(ids))
    order = np.argsort(keyed_uint64("judge agreement", ids), kind="stable")
    again = sorted(order[: max(number, int(judge.agreement > 0 and len(ids) > 0))].tolist())
    questions = [Question(text, judge.seed) for text in texts]
    asked = ask_all(judge, prompt, [*questions, *(Question(texts[row], judge.seed + 1) for row in again)], classes)
    found = [meaning(judge.answers, answer, classes) for answer in asked.answers]
    first, second = found[: len(ids)], found[len(ids) :]
    pairs = [(first[row], each) for row, each in zip(again, second, strict=True)]
    said = summary(judge, first, pairs, asked.distinct, classes)
    return Judged(_labelled(rows, first, seed, classes), said, asked.effort)


def _labelled(rows: pa.Table, found: Sequence[Meaning], seed: int, classes: Sequence[str]) -> Labelled:
    """The rows whose answers say something, and what became of the others."""
    names = [None if each.place is None else classes[each.place] for each in found]
    table = pa.table(
        {
            "id": rows["id"],
            "kind": rows["kind"],
            "label": pa.array(names, pa.string()),
            "grade": pa.array([each.grade for each in found], pa.float64()),
            "key": keyed_uint64(f"label sample {seed}", rows["id"].to_pylist()),
            "characters": rows["characters"],
            **{name: rows[name] for name in GROUPED_BY},
            "text": rows["text"],
        }
    ).cast(LABELLED)
    counts = Counter(
        f"malformed answer of the judge ({each.problem})" if name is None else f"{name} by the judge"
        for name, each in zip(names, found, strict=True)
    )
    order = [(name, "ascending") for name in ("label", "kind", "key", "id")]
    return Labelled(table.filter(pc.is_valid(table["label"])).sort_by(order), counts)
