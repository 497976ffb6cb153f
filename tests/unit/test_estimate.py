"""What an estimate knows of the stages: what their jobs hold of a text at most, and what their models learn from."""

from __future__ import annotations

import pytest

from tamis import estimate
from tamis.classifiers import cards
from tamis.scaling import Holds, Learnt
from tamis.shards import BATCH_ROWS, ROW_GROUP_ROWS
from tamis.stages import ingest, tokenizer

ROWS = Holds(BATCH_ROWS * 10.0, ROW_GROUP_ROWS * 10.0)


@pytest.mark.parametrize(
    ("stage", "step", "holds"),
    [
        ("minhash_dedup", "map", ROWS),
        ("minhash_dedup", "verify", ROWS),
        ("privacy", "apply", ROWS),
        # A classifier under a name of its own, and a set.
        ("my_own", "score", ROWS),
        ("mixtures", "everything/select", ROWS),
        ("ingest", "map", ingest.HOLDS["map"]),
        # These hold something of every document.
        ("minhash_dedup", "resolve", None),
        ("ingest", "rank", None),
        ("report", "database", None),
    ],
)
def test_what_jobs_hold_of_documents_of_ten_characters(stage, step, holds):
    assert estimate._holds(stage, step, 10.0) == holds


def test_a_tokenizer_learns_from_its_sample_and_a_given_one_from_nothing():
    config = tokenizer.Config(sample_characters=5_000)
    assert tokenizer.learnt(config, {"sample_characters": 300}) == {"text": Learnt(300, 5_000)}
    assert tokenizer.learnt(config, {"vocabulary_size": 300, "trained": False}) == {}


def test_a_classifier_learns_from_labels_of_a_class_and_kind_held_out_ones_among_them():
    rows = [("good", "prose", False, 80), ("good", "prose", True, 20), ("bad", "prose", False, 7)]
    labels = [dict(zip(("class", "kind", "held_out", "documents"), row, strict=True)) for row in rows]
    assert cards.learnt({"labels": labels}, 1_500) == {"good prose": Learnt(100, 1_500), "bad prose": Learnt(7, 1_500)}
