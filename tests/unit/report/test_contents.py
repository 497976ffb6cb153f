"""What the page shows, as it is gathered from a results folder."""

from __future__ import annotations

import pyarrow as pa
import pytest
from fake_results import make_results

from tamis.report import contents, database
from tamis.report.figures import Group
from tamis.report.layout import Results
from tamis.report.settings import Config


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contents") / "results"
    return folder, make_results(folder)


def test_largest_groups_are_counted_in_the_ledger(made):
    folder, ids = made
    results = Results.open(folder)
    with database.connect(results) as connection:
        assert contents.largest_groups(results, connection, 3) == []
        # Two for one document that stays, joined by different neighbours; two that an item of another corpus equals.
        rows = [("b", ids["near_kept"]), ("c", ids["near_kept"]), ("item", None), ("item", None), ("c", None)]
        columns = [["minhash_dedup"] * len(rows), *map(list, zip(*rows, strict=True))]
        connection.register("made", pa.table(columns, ["stage", "matched_id", "kept_id"]))
        connection.execute("CREATE OR REPLACE VIEW dropped AS SELECT * FROM made")
        found = contents.largest_groups(results, connection, 3)
    assert set(found) == {
        Group("minhash_dedup", ids["near_kept"], 2, "https://a.example.org/near?utm_source=x"),
        Group("minhash_dedup", "item", 2, None),
    }


def test_a_giant_group_raises_its_alarm_where_no_group_is_listed(made, monkeypatch):
    giant = Group("minhash_dedup", "f" * 32, 5_000, None)
    monkeypatch.setattr(contents, "largest_groups", lambda results, connection, count: [giant][:count])
    values = contents.contents(Results.open(made[0]), Config(largest_groups=0))
    assert values["groups"] == []
    assert "minhash_dedup dropped 5,000 documents as copies" in values["alarms"][-1]
