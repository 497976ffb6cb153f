"""Figures that are made from the notes of a stage."""

from __future__ import annotations

import pytest

from tamis.report import terminal
from tamis.report.measures import Measure, measures


def audit(pairs: float, missed: float) -> dict[str, float]:
    return {"audit_pairs": pairs, "audit_missed": missed, "audit_documents": 300.0, "suppressed_pairs": 12_345.0}


@pytest.mark.parametrize(
    ("pairs", "missed", "recall"),
    [(200, 1, "99.5 %"), (8, 8, "0.0 %"), (9, 0, "100.0 %"), (100_000, 1, "> 99.9 %"), (0, 0, "–")],
)
def test_recall_is_said_in_per_cent_and_suppressed_pairs_apart(pairs, missed, recall):
    found = measures({"ingest": {"pages": 3.0}, "minhash_dedup": audit(pairs, missed)})
    assert [(measure.name, measure.value) for measure in found] == [
        ("recall, measured", recall),
        ("pairs not compared", "12,345"),
    ]
    assert found[0].detail.startswith(f"{missed:,} of {pairs:,} pairs")
    assert "300 documents" in found[0].detail


def test_a_run_without_an_audit_claims_no_recall():
    assert [measure.name for measure in measures({"minhash_dedup": {"suppressed_pairs": 0.0}})] == [
        "pairs not compared"
    ]
    assert measures({"minhash_dedup": {"groups": 4.0}}) == []


def test_crossing_is_per_gigabyte_of_text():
    (found,) = measures({"line_pruning": {"crossing_bytes": 3e6, "text_bytes": 12e6, "lines": 5.0}})
    assert found == Measure("line_pruning", "crossing", "250 MB per GB", found.detail)
    assert "3.0 MB" in found.detail
    assert "12.0 MB" in found.detail
    assert measures({"line_pruning": {"crossing_bytes": 1e3, "text_bytes": 0.0}}) == []


def test_lines_fit_a_terminal():
    found = [Measure("stage", "\x1b[2Jname", "1", "word " * 60)]
    lines = terminal.measured(found).splitlines()
    assert lines[0] == r"stage: \x1b[2Jname 1"
    assert all(len(line) <= terminal.WIDTH for line in lines)


def test_what_goes_with_private_texts_is_said():
    (found,) = measures({"privacy": {"values_in_url": 0.0, "values_in_metadata": 1_234.0}})
    assert (found.stage, found.name, found.value) == ("privacy", "documents whose metadata is private", "1,234")
