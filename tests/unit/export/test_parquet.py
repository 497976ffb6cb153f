"""The Parquet export: a global shuffle, a card, and what `datasets` makes of it."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from fake_pool import export, lay_out, plan, pool, write_set

from tamis.errors import ConservationError
from tamis.export import parquet
from tamis.export.card import cell
from tamis.stages import mixtures


@pytest.fixture(name="exported")
def _exported(tmp_path: Path) -> Path:
    lay_out(tmp_path, pool(), 2)
    plan(
        tmp_path,
        "mixtures/mix",
        mixtures.Config(weights={"math": 0.5, "code": 0.5}, scarcity="repeat", epoch_cap=2),
        [],
        2,
    )
    write_set(tmp_path, "mixtures/mix", 3, 2)
    return export(tmp_path, "mixtures/mix", parquet.Config(row_group_rows=16), 3, 2)


def test_an_export_is_a_permutation_of_the_set(exported: Path) -> None:
    given = [
        row for file in range(3)
        for row in pq.read_table(exported.parents[1] / f"mixtures/mix/documents/part-0000{file}.parquet").to_pylist()
    ]  # fmt: skip
    found = [
        row for shard in range(2) for row in pq.read_table(exported / f"parquet/part-0000{shard}.parquet").to_pylist()
    ]
    key = lambda row: (row["id"], row["epoch"])  # noqa: E731
    assert sorted(found, key=key) == sorted(given, key=key)
    assert any(row["epoch"] for row in found)
    # One global order: neither by id, nor in the order of the set's files, nor one domain after the other.
    ids = [row["id"] for row in found]
    assert ids != sorted(ids)
    domains = [row["domain"] for row in found]
    changes = sum(one != other for one, other in pairwise(domains))
    assert changes > len(domains) / 4
    # Copies of one document do not follow each other, as they would if the order were that of the id's hash alone.
    assert sum(one == other for one, other in pairwise(ids)) < 5


def test_the_order_does_not_depend_on_the_number_of_output_shards(exported: Path) -> None:
    root = exported.parents[1]
    read = lambda count: [  # noqa: E731
        row
        for shard in range(count)
        for row in pq.read_table(exported / f"parquet/part-0000{shard}.parquet")["id"].to_pylist()
    ]
    two = read(2)
    export(root, "mixtures/mix", parquet.Config(), 3, 5)
    assert read(5) == two
    export(root, "mixtures/mix", parquet.Config(seed=1), 3, 5)
    assert read(5) != two


def test_datasets_loads_files_and_folder(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    rows = json.loads((exported / "export.json").read_text())["rows"]
    cache = str(tmp_path / "cache")
    files = [str(path) for path in sorted((exported / "parquet").glob("*.parquet"))]
    from_files = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=cache)
    from_folder = datasets.load_dataset(str(exported), split="train", cache_dir=cache)
    assert from_files.num_rows == from_folder.num_rows == rows
    assert from_folder["id"][:] == from_files["id"][:]
    assert from_files.column_names[:2] == ["id", "text"]
    assert {"source", "url", "domain", "tokens", "epoch"} <= set(from_files.column_names)


def test_the_list_of_files_is_true(exported: Path) -> None:
    listed = json.loads((exported / "export.json").read_text())
    for entry in listed["files"]:
        data = (exported / entry["path"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        table = pq.read_table(exported / entry["path"])
        assert (entry["rows"], entry["tokens"]) == (table.num_rows, sum(table["tokens"].to_pylist()))
    assert listed["rows"] == sum(entry["rows"] for entry in listed["files"])
    assert listed["set"] == "mixtures/mix"


def test_the_card_has_front_matter_and_the_plan(exported: Path) -> None:
    card = (exported / "README.md").read_text()
    _, front, body = card.split("---\n", 2)
    fields = yaml.safe_load(front)
    assert fields["configs"][0]["data_files"] == [{"split": "train", "path": "parquet/*.parquet"}]
    assert fields["size_categories"] == ["n<1K"]
    assert fields["language"] == ["en"]
    assert "| math | 0.5 |" in body
    assert "## Licences seen" in body
    assert "| MIT |" in body


def test_words_of_the_corpus_cannot_break_out_of_the_card(exported: Path) -> None:
    card = (exported / "README.md").read_text()
    assert "<b>" not in card
    assert r"CC-BY &lt;b&gt;\|4.0" in card
    assert cell("a\n| b | <script>\x1b[0m") == r"a \| b \| &lt;script&gt; \[0m"
    assert cell("x" * 100) == "x" * 79 + "…"


def test_an_export_that_lost_rows_is_refused(exported: Path) -> None:
    root = exported.parents[1]
    summary = root / "mixtures/mix/summary.json"
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"documents": 1}))
    (exported / "export.json").unlink()
    with pytest.raises(ConservationError, match="export of mixtures/mix"):
        export(root, "mixtures/mix", parquet.Config(), 3, 2)
    assert not (exported / "export.json").exists()


def test_odd_metadata_counts_as_no_licence() -> None:
    values = [
        '{"spdx":"MIT"}',
        "[]",
        None,
        "{}",
        '{"license":["a","b"]}',
        '{"license":""}',
        '{"licence":"X","spdx":"Y"}',
    ]
    import pyarrow as pa

    assert parquet.licences(pa.chunked_array([values])) == {"MIT": 1, "": 4, "['a', 'b']": 1, "X": 1}
