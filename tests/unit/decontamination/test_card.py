"""The contamination table in words."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tamis.decontamination.card import HEADS, SHORT, markdown, table
from tamis.decontamination.table import contamination

NAMES = ["a/1", "a/2", "b/1"]
ROWS = [
    ("a", "d1", "1", "pair", 300, 50, "dropped"),
    ("a", "d1", "2", "question", 300, 50, "dropped"),
    ("a", "d2", "1", "question", 40, 7, "cut"),
    ("a", "d2", "1", "passage", 40, 7, "cut"),
    ("a", "d3", "2", "answer", 0, 0, "noted"),
    ("b", "d1", "1", "question", 300, 50, "dropped"),
]
AUDIT = {
    "planted": 60,
    "rows": [
        {"disguise": "html", "form": "item", "length": "12 to 24", "benchmark": "a", "planted": 50, "found": 45},
        {"disguise": "html", "form": "item", "length": "12 to 24", "benchmark": "b", "planted": 10, "found": 10},
    ],
    "by_disguise": [
        {"disguise": "html", "form": "item", "planted": 60, "found": 55, "recall": 55 / 60, "low": 0.8, "high": 0.97}
    ],
    "by_length": [
        {
            "length": length,
            "form": "question",
            "planted": 30,
            "found": found,
            "recall": found / 30,
            "low": 0.1,
            "high": 0.9,
        }
        for length, found in (("12 to 24", 30), ("25 to 99", 30), ("5 to 11", 15), ("under 5", 0))
    ],
}


def made(audit):
    names = ("benchmark", "id", "item", "part", "characters", "gone_words", "outcome")
    found = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in ROWS])
    return contamination(NAMES, found, audit, "overlap, cut")


def test_documents_and_items_are_counted_once():
    value = made(AUDIT)
    one, two = value["benchmarks"]
    counts = ("items", "hit_items", "documents", "dropped", "cut", "characters", "words", "found")
    assert [one[name] for name in counts] == [2, 2, 2, 1, 1, 340, 57, 3]
    assert [two[name] for name in counts] == [1, 1, 1, 1, 0, 300, 50, 1]
    assert one["by_part"] == {"answer": 1, "pair": 1, "passage": 1, "question": 2}
    assert one["recall"] == 0.9
    assert one["missed_low"] <= one["missed"] <= one["missed_high"]
    assert one["missed"] == pytest.approx(3 * (5.5 / 45.5))


def test_the_card_says_it():
    text = markdown(table(made(AUDIT)))
    assert "| " + " | ".join(HEADS) + " |" in text
    assert "| a | 2 | 2 | 2 | 1 | 1 | 340 | 57 | 3 | 90.0% (" in text


def test_recall_by_length_explains_what_short_questions_take_away():
    value = table(made(AUDIT))
    assert [(row[0], row[3].split()[0]) for row in value.lengths] == [
        ("under 5", "0.0%"),
        ("5 to 11", "50.0%"),
        ("12 to 24", "100.0%"),
        ("25 to 99", "100.0%"),
    ]
    assert SHORT in markdown(value)


def test_without_an_audit_nothing_is_estimated():
    value = made({"planted": 0, "rows": [], "by_disguise": [], "by_length": []})
    assert value["benchmarks"][0]["missed"] is None
    assert "not measured | not measured" in markdown(table(value))
