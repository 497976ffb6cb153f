"""Alarms, and how a share is written."""

from __future__ import annotations

import pyarrow as pa
import pytest
from fake_results import stats_row as row

from tamis.report import alarms, figures, tables
from tamis.report.settings import Config


@pytest.mark.parametrize(
    ("share", "shown"),
    [(1.0, "100.0 %"), (0.99999, "> 99.9 %"), (0.0, "0.0 %"), (0.00001, "< 0.1 %"), (0.5789, "57.9 %")],
)
def test_percent_never_rounds_to_all_or_nothing(share, shown):
    assert figures.percent(share) == shown


def test_alarms():
    stats = pa.Table.from_pylist(
        [
            row(1, "in", 100, 100), row(1, "kept", 9, 9), row(1, "dropped", 91, 91, "short"),
            row(1, "in", 100, 100, source="fine"), row(1, "kept", 10, 10, source="fine"),
            row(1, "dropped", 90, 90, "short", source="fine"),
            row(1, "in", 5, 5, source="tiny"), row(1, "dropped", 5, 5, "short", source="tiny"),
            row(2, "in", 19, 19), row(2, "kept", 18, 18),
        ],
        schema=tables.STATS,
    )  # fmt: skip
    groups = [figures.Group("minhash_dedup", "f" * 32, documents, None) for documents in (1_000, 1_001)]
    found = alarms.of_counts(stats, Config()) + alarms.of_groups(groups, Config())
    assert [alarm.split(" ")[0] for alarm in found] == ["stage1", "stage1", "stage2", "minhash_dedup"]
    assert "source a: 9 of 100" in found[0]
    # Few as they are, nothing is left of them.
    assert "tiny" in found[1]
    assert "does not account for 1 documents" in found[2]
    assert "1,001 documents" in found[3]
