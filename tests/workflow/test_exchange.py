"""`keep_exchange: false`: exchange files go when their stage is whole; bytes and reruns are those of a run that keeps them."""

from __future__ import annotations

import json

import pytest
from running import bytes_of, changed, planned, run_workflow

from tamis.barrier import FEW

pytestmark = pytest.mark.workflow

STAGES = ("ingest", "minhash_dedup", "line_pruning")
EXCHANGE = {".arrow", ".npy"}


@pytest.fixture(scope="module", name="runs")
def _runs(make_folder, small):
    """A run that keeps and one that does not, with barriers, after a change of a threshold; and what that reruns."""
    folder = make_folder("exchange")
    asked = small | {
        "shards": 2,
        "partitions": FEW + 1,
        "pipeline": ["minhash_dedup", "line_pruning"],
        "output_dir": "spent",
        "keep_exchange": False,
    }
    run_workflow(folder, asked, cores=4)
    assert planned(folder, asked) == {}
    assert not left(folder / "spent")
    before = changed(asked, minhash_dedup__threshold=0.8)
    jobs = planned(folder, before)
    run_workflow(folder, before, cores=4)
    kept = before | {"output_dir": "kept", "keep_exchange": True}
    run_workflow(folder, kept, cores=4)
    return folder, before, kept, jobs


def left(results):
    """Exchange files and barriers in a results folder."""
    found = (path for stage in STAGES for path in (results / stage).rglob("*"))
    return sorted(str(path) for path in found if path.suffix in EXCHANGE or path.name == "barrier.json")


def test_both_give_the_same_bytes_and_only_one_keeps_the_files(runs):
    folder, *_ = runs
    names = [f"{stage}/{kind}" for stage in STAGES for kind in ("documents", "dropped", "stats")]
    assert bytes_of(folder / "kept", *names) == bytes_of(folder / "spent", *names)
    assert left(folder / "kept")
    assert not left(folder / "spent")
    record = json.loads((folder / "spent" / "minhash_dedup" / "spent.json").read_text())["exchange"]
    assert record["pairs"]["files"] == FEW + 1
    for name, files in record.items():
        path = folder / "kept" / "minhash_dedup" / name
        parts = list(path.glob("part-*")) if path.is_dir() else [path]
        assert files == {"files": len(parts), "bytes": sum(part.stat().st_size for part in parts)}, name


def test_a_threshold_reruns_its_stage_from_the_start_and_what_follows(runs):
    _, asked, _, jobs = runs
    assert jobs["minhash_dedup_map"] == jobs["minhash_dedup_apply"] == asked["shards"]
    assert jobs["spent"] == 2
    assert not [name for name in jobs if name.startswith("ingest")]


def test_where_they_stay_a_threshold_finds_and_counts_nothing_again(runs):
    folder, _, kept, _ = runs
    jobs = planned(folder, changed(kept, minhash_dedup__threshold=0.9))
    assert not {"minhash_dedup_map", "minhash_dedup_pairs", "minhash_dedup_sets"} & jobs.keys()
    assert jobs["minhash_dedup_verify"] == jobs["minhash_dedup_apply"] == kept["shards"]
    jobs = planned(folder, changed(kept, line_pruning__min_documents=20))
    assert "line_pruning_map" not in jobs
    assert jobs["line_pruning_reduce"] == kept["partitions"]
    jobs = planned(folder, changed(kept, line_pruning__coverage=0.95))
    assert {name for name in jobs if not name.startswith("report")} == {"line_pruning_apply"}


def test_nothing_is_done_again_and_a_change_of_mind_costs_no_data(runs):
    folder, spent, kept, _ = runs
    assert planned(folder, spent) == planned(folder, spent, "minhash_dedup") == planned(folder, kept) == {}
    for asked in (spent | {"keep_exchange": True}, kept | {"keep_exchange": False}):
        jobs = planned(folder, asked)
        assert {name for name in jobs if not name.startswith("report")} <= {"spent", "sweep"}, jobs


def test_a_lost_file_is_made_again_with_what_it_needs(runs):
    folder, spent, _, _ = runs
    whole = bytes_of(folder / "spent", "line_pruning")
    (folder / "spent" / "line_pruning" / "documents" / "part-00001.parquet").unlink()
    jobs = planned(folder, spent)
    assert not [name for name in jobs if name.startswith(("ingest", "minhash"))]
    run_workflow(folder, spent)
    assert bytes_of(folder / "spent", "line_pruning") == whole
    assert not left(folder / "spent")
