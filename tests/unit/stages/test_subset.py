"""The documents of a set: the same bytes over shards and order, and held to the plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_pool import export, lay_out, plan, pool, received, write_set
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tamis import barrier, exchange, external_sort, shards, streams
from tamis.errors import ConservationError, ShardMismatchError, SourceError
from tamis.export import Config
from tamis.sets.configured import Layout
from tamis.sets.plan import CHOICE
from tamis.shards import read_json, write_json, write_table
from tamis.stages import annealing, mixtures, subset, validation

WEIGHTS = {"general": 0.4, "math+reasoning": 0.3, "code": 0.3}


def run_all(folder: Path, documents: pa.Table, shards: int, shuffle: int, scarcity: str) -> dict[str, bytes]:
    """Validation, an annealing set and a mixture with repeats, and the export of the mixture."""
    lay_out(folder, documents, shards, shuffle=shuffle)
    plan(folder, "validation", validation.Config(tokens=0.05), [], shards)
    plan(folder, "annealing/best", annealing.Config(tokens=0.1), ["validation"], shards)
    config = mixtures.Config(weights=WEIGHTS, tokens=30_000, scarcity=scarcity, epoch_cap=2.5)
    plan(folder, "mixtures/mix", config, ["validation", "annealing/best"], shards)
    for name in ("validation", "annealing/best", "mixtures/mix"):
        write_set(folder, name, 2, shards)
    export(folder, "mixtures/mix", Config(), 2, 2)
    return received(folder)


@contextmanager
def small(rows: int) -> Iterator[None]:
    """While it lasts, everything that is gathered is tiny."""
    with ExitStack() as stack:
        for module, name, value in (
            (shards, "BATCH_ROWS", rows),
            (subset, "BATCH_ROWS", rows),
            (streams, "ROUND_BYTES", 200 * rows),
            (external_sort, "RUN_BYTES", 500 * rows),
            (external_sort, "SLICE_BYTES", 300 * rows),
        ):
            stack.enter_context(patch.object(module, name, value))
        yield


# Not shrunk: three whole runs a try, and a smaller seed explains nothing.
@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(st.integers(0, 1000), st.sampled_from(["shrink", "repeat"]))
def test_bytes_do_not_depend_on_shards_or_order(
    tmp_path_factory: pytest.TempPathFactory, seed: int, scarcity: str
) -> None:
    documents = pool(seed)
    runs = [
        run_all(tmp_path_factory.mktemp("run"), documents, shards, shuffle, scarcity)
        for shards, shuffle in ((1, 0), (3, 1), (5, 2))
    ]
    # Three sets of plan, summary, documents and stats; what is apart; two output shards, card and list of files.
    assert len(runs[0]) == 3 * (2 + 2 * 2) + 1 + 2 + 2
    assert runs[0] == runs[1]
    assert runs[0] == runs[2]


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_bytes_do_not_depend_on_what_is_gathered_together(tmp_path: Path, rows: int) -> None:
    documents = pool(3)
    whole = run_all(tmp_path / "whole", documents, 2, 0, "repeat")
    with small(rows):
        assert run_all(tmp_path / "parts", documents, 2, 0, "repeat") == whole
    file = tmp_path / "parts/sampling/mixtures/mix/select/part-00000.arrow"
    assert len(streams.rounds(file, 0, 2)) > 3
    left = [path.name for path in (tmp_path / "parts").rglob(".*")]
    assert left == []


def test_columns_and_order_of_a_set(tmp_path: Path) -> None:
    documents = pool()
    lay_out(tmp_path, documents, 2)
    plan(tmp_path, "mixtures/mix", mixtures.Config(), [], 2)
    table = write_set(tmp_path, "mixtures/mix", 4, 2)
    assert table.schema.names == [
        "id", "kind", "text", "source", "url", "date", "metadata", "copies", "language", "transformer_quality", "domain",
        "tokens", "epoch",
    ]  # fmt: skip
    for file in range(4):
        ids = pq.read_table(tmp_path / f"mixtures/mix/documents/part-{file:05d}.parquet")["id"].to_pylist()
        assert ids == sorted(ids)
        assert len(ids) > 40
    # Row by row what the pool holds.
    assert (
        table.sort_by("id")
        .drop_columns("epoch")
        .equals(documents.select(table.schema.names[:-1]).cast(table.schema.remove(12)))
    )


def test_repeated_rows_are_numbered(tmp_path: Path) -> None:
    documents = pool().slice(0, 3)
    ids = documents["id"].to_pylist()
    choice = pa.table({"id": [ids[2], ids[0]], "epochs": [3, 1]}, CHOICE)
    rows = subset.chosen_rows(documents, choice, "mixtures/mix")
    assert rows["id"].to_pylist() == [ids[2]] * 3 + [ids[0]]
    assert rows["epoch"].to_pylist() == [0, 1, 2, 0]


def test_rows_of_batches_are_those_of_the_whole(tmp_path: Path) -> None:
    documents = pool()
    ids = documents["id"].to_pylist()
    # The last document of one batch and the first of the next are among them.
    names = [ids[20], ids[9], ids[10], ids[0], ids[-1]]
    choice = pa.table({"id": names, "epochs": [3, 1, 5, 30, 2]}, CHOICE)
    batches = [documents.slice(start, 10) for start in range(0, documents.num_rows, 10)]
    with patch.object(subset, "BATCH_ROWS", 40):
        parts = list(subset.all_chosen_rows(iter(batches), choice, "mixtures/mix"))
    whole = subset.chosen_rows(documents, choice.sort_by("id"), "mixtures/mix")
    assert pa.concat_tables(parts).equals(whole)
    assert max(part.num_rows for part in parts) == 30
    (none,) = subset.all_chosen_rows([documents.slice(0, 0)], CHOICE.empty_table(), "mixtures/mix")
    assert none.schema == whole.schema


@pytest.mark.parametrize("name", ["0" * 32, "f" * 32, "between"])
def test_a_chosen_document_that_no_batch_holds_is_noticed(tmp_path: Path, name: str) -> None:
    documents = pool()
    ids = documents["id"].to_pylist()
    name = f"{int(ids[9], 16) + 1:032x}" if name == "between" else name
    choice = pa.table({"id": [ids[3], name, ids[-1]], "epochs": [1, 1, 1]}, CHOICE)
    for size in (10, 1000):
        batches = [documents.slice(start, size) for start in range(0, documents.num_rows, size)]
        with pytest.raises(ConservationError, match="1 chosen documents are not in their shard"):
            list(subset.all_chosen_rows(batches, choice, "mixtures/mix"))


def test_a_job_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    lay_out(tmp_path, pool(), 1)
    choice, output = tmp_path / "choice.arrow", tmp_path / "out" / "rows.arrow"
    exchange.write(choice, CHOICE, [pa.table({"id": ["f" * 32], "epochs": [1]}, CHOICE)])
    given = {"name": "mixtures/mix", "shards": 1, "shard": 0, "choice": choice, "output": output}
    with pytest.raises(ConservationError), small(2):
        subset.run_select(Layout(), documents=tmp_path / "tokenizer" / "documents" / "part-00000.parquet", **given)
    with pytest.raises(SourceError, match="nowhere"):
        subset.run_select(Layout(), documents=tmp_path / "nowhere", **given)
    assert not output.parent.exists() or list(output.parent.iterdir()) == []


def test_a_choice_of_another_pool_is_refused(tmp_path: Path) -> None:
    choice = pa.table({"id": ["f" * 32], "epochs": [1]}, CHOICE)
    with pytest.raises(ConservationError, match="1 chosen documents are not in their shard"):
        subset.chosen_rows(pool(), choice, "mixtures/mix")
    lay_out(tmp_path, pool(), 2)
    plan(tmp_path, "mixtures/mix", mixtures.Config(), [], 2)
    with pytest.raises(ShardMismatchError):
        write_set(tmp_path, "mixtures/mix", 1, 3)


def test_lost_documents_are_noticed(tmp_path: Path) -> None:
    lay_out(tmp_path, pool(), 2)
    plan(tmp_path, "mixtures/mix", mixtures.Config(files=1), [], 2)
    write_set(tmp_path, "mixtures/mix", 1, 2)
    layout = Layout(files=1)
    plan_file = tmp_path / "mixtures/mix/plan.parquet"
    path = tmp_path / "mixtures/mix/documents/part-00000.parquet"
    whole = pq.read_table(path)
    write_table(path, whole.slice(1))
    with pytest.raises(ConservationError, match="mixtures/mix: the plan takes"):
        subset.run_summary(layout, name="mixtures/mix", summary=tmp_path / "s.json", plan=plan_file)
    assert not (tmp_path / "s.json").exists()


def test_a_file_is_in_the_order_of_ids_and_epochs(tmp_path: Path) -> None:
    documents = pool()
    ids = documents["id"].to_pylist()
    rows = subset.chosen_rows(documents, pa.table({"id": ids[:9], "epochs": [4] * 9}, CHOICE), "mixtures/mix")
    shuffled = rows.take(pa.array(np.random.default_rng(0).permutation(36)))
    parts = [shuffled.slice(start, 12) for start in range(0, 36, 12)]
    exchange.write(tmp_path / "in" / "part-00000.arrow", shuffled.schema, parts)
    barrier.write(tmp_path / "in" / "barrier.json", tmp_path / "in", 1, ".arrow")
    for size in (1, 5, 1000):
        with small(size):
            subset.run_write(
                Layout(files=1),
                name="mixtures/mix",
                file=0,
                barrier=tmp_path / "in" / "barrier.json",
                documents=tmp_path / "documents",
                stats=tmp_path / "stats",
            )
        assert pq.read_table(tmp_path / "documents").cast(rows.schema).equals(rows)


def test_a_document_that_comes_in_twice_is_noticed(tmp_path: Path) -> None:
    lay_out(tmp_path, pool(), 2)
    plan(tmp_path, "mixtures/mix", mixtures.Config(), [], 2)
    write_set(tmp_path, "mixtures/mix", 1, 2)
    over = tmp_path / "sampling/mixtures/mix/select/barrier.json"
    files = read_json(over)["files"]
    write_json(over, {"files": [files[0], files[0]]})
    for rows in (1, 1000):
        with small(rows), pytest.raises(ConservationError, match="came in more than once"):
            subset.run_write(
                Layout(files=1),
                name="mixtures/mix",
                file=0,
                barrier=over,
                documents=tmp_path / "new" / "d",
                stats=tmp_path / "new" / "s",
            )
    assert list((tmp_path / "new").iterdir()) == []


def test_stats_add_up(tmp_path: Path) -> None:
    documents = pool()
    lay_out(tmp_path, documents, 2)
    plan(tmp_path, "mixtures/mix", mixtures.Config(), [], 2)
    write_set(tmp_path, "mixtures/mix", 2, 2)
    parts = [json.loads((tmp_path / f"mixtures/mix/stats/part-0000{file}.json").read_text()) for file in (0, 1)]
    assert [part["set"] for part in parts] == ["mixtures/mix"] * 2
    code = [row for part in parts for row in part["counts"] if row["domain"] == "code"]
    assert {row["kind"] for row in code} == {"code"}
    mine = documents.filter(pa.compute.equal(documents["domain"], "code"))
    assert sum(row["documents"] for row in code) == mine.num_rows
    assert sum(row["tokens"] for row in code) == sum(mine["tokens"].to_pylist())
    assert sum(row["characters"] for row in code) == sum(len(text) for text in mine["text"].to_pylist())
