"""Finding documents by id, held against a scan."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import SourceError
from tamis.report.lookup import fetch
from tamis.shards import write_table

IDS = st.lists(st.text("01ab", min_size=4, max_size=4), min_size=0, max_size=40)


@pytest.fixture(scope="module", name="file")
def _file(tmp_path_factory):
    return tmp_path_factory.mktemp("lookup") / "part-00000.parquet"


@settings(max_examples=60, deadline=None)
@given(names=IDS, ordered=st.booleans(), asked=st.lists(st.text("01ab", min_size=1, max_size=4), max_size=4))
def test_equals_a_scan_of_all_rows(file, names, ordered, asked):
    # Whole ids have 32 characters; shorter ones stand for prefixes.
    ids = [name * 8 for name in (sorted(names) if ordered else names)]
    asked = [*asked, *ids[:2]]
    write_table(file, pa.table({"id": pa.array(ids, pa.string()), "n": pa.array(range(len(ids)))}), row_group_rows=3)
    expected = [n for n, name in enumerate(ids) if any(name.startswith(prefix) for prefix in asked)]
    assert [row["n"] for row in fetch(file, asked)] == expected
    assert all(row.keys() == {"id"} for row in fetch(file, asked, ["missing"]))


def test_a_missing_file_has_no_rows_and_a_damaged_one_is_named(tmp_path):
    assert fetch(tmp_path / "nothing.parquet", ["ab"]) == []
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(SourceError, match=r"bad\.parquet"):
        fetch(tmp_path / "bad.parquet", ["ab"])


def test_only_matching_row_groups_are_read(tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    ids = [f"{n:032x}" for n in range(100)]
    write_table(tmp_path / "a.parquet", pa.table({"id": ids, "text": ids}), row_group_rows=10)
    groups = []
    original = pq.ParquetFile.read_row_group

    def spy(self, group, *args, **kwargs):
        groups.append(group)
        return original(self, group, *args, **kwargs)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", spy)
    assert fetch(tmp_path / "a.parquet", [ids[57]])[0]["text"] == ids[57]
    assert set(groups) == {5}
