"""The manifest: what it names must be what lies on disk."""

from __future__ import annotations

import hashlib
import importlib.metadata

import pytest
from fake_results import STAGES, finish_results, make_results

import tamis
from tamis.inventory import Group, Inventory
from tamis.report import hashes, manifest, origin
from tamis.report.layout import Results
from tamis.shards import read_json, write_json


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manifest") / "results"
    make_results(folder)
    return folder


def test_every_file_is_there_with_its_hash_its_rows_and_its_job(folder):
    outputs = read_json(folder / "manifest.json")["outputs"]
    delivered = [label for label, output in outputs.items() if output["delivered"]]
    assert delivered == ["annealing/best", "export/main", "mixtures/main", "validation"]
    assert set(outputs) - set(delivered) == {"", *STAGES}
    jobs = {entry["path"]: entry["job"] for output in outputs.values() for entry in output["files"]}
    assert jobs["mixtures/main/plan.parquet"] == "write subset=mixtures/main"
    assert jobs["minhash_dedup/dropped/part-00001.parquet"] == "minhash_dedup shard=00001"
    assert "manifest.json" not in jobs
    assert "report/index.html" not in jobs
    for output in outputs.values():
        for entry in output["files"]:
            data = (folder / entry["path"]).read_bytes()
            assert entry["sha256"] == hashlib.sha256(data).hexdigest()
            assert entry["bytes"] == len(data)
    assert outputs["mixtures/main"]["documents"] == 9
    assert {entry["path"] for entry in outputs["mixtures/main"]["files"]} == {
        "mixtures/main/documents/part-00000.parquet",
        "mixtures/main/plan.parquet",
        "mixtures/main/stats/part-00000.json",
    }


def test_hashes_are_kept_until_a_file_changes(folder, monkeypatch):
    read = []
    monkeypatch.setattr(hashes, "sha256_of", lambda path: read.append(path.name) or "0" * 64)
    path = folder / "mixtures/main/plan.parquet"
    names = {"plan": path, "table": folder / "stats.parquet"}
    try:
        hashes.entries(folder, names)
        first, read[:] = list(read), []
        path.write_bytes(path.read_bytes())
        found = hashes.entries(folder, names)
    finally:
        (folder / hashes.FILE).unlink()
    assert sorted(first) == ["plan.parquet", "stats.parquet"]
    assert read == ["plan.parquet"]
    assert found["table"]["rows"] > 0


def test_the_code_is_named_by_its_commit_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(origin, "checkout", lambda: None)
    assert origin.code() == {"version": tamis.__version__, "commit": None, "dirty": None}
    monkeypatch.setattr(origin, "checkout", lambda: tmp_path)
    assert origin.code()["commit"] is None


def test_what_ingest_recorded_of_its_inputs_is_taken_over_without_their_times(folder):
    record = {"path": "a.jsonl", "records": 3, "skipped": 1, "bytes": 9, "mtime_ns": 5, "sha256": "ab", "bad": None}
    inventory = Inventory(groups=(Group(rule="ingest_map", outputs=("ingest/read/part-00000.json",)),))
    results = Results.open(folder)
    results = Results(folder, results.layout.model_copy(update={"inventory": inventory}))
    write_json(folder / "ingest/read/part-00000.json", {"source": "web", "files": [record]})
    expected = {"source": "web", "path": "a.jsonl", "records": 3, "skipped": 1, "bytes": 9, "sha256": "ab"}
    try:
        assert manifest.inputs(results) == [expected]
    finally:
        (folder / "ingest/read/part-00000.json").unlink()


def test_versions_seeds_models_and_counts(folder):
    value = read_json(folder / "manifest.json")
    assert value["tamis"] == tamis.__version__
    assert value["distributions"]["pyarrow"] == importlib.metadata.version("pyarrow")
    assert value["seeds"] == {"mixtures.main.seed": 11}
    assert value["models"]["heuristics"]["backbone"]["name"] == "packaged MiniLM"
    assert value["models"]["heuristics"]["card"]["metrics"]["prose"]["auc"] == 0.9123
    assert [stage["stage"] for stage in value["stages"]] == list(STAGES)
    assert [stage["documents"] for stage in value["stages"]] == [76, 76, 75, 44]
    assert [stage["version"] for stage in value["stages"]] == [7, 2, 3, 1]


def test_hardware_has_no_name_of_the_machine(folder):
    import socket

    value = read_json(folder / "manifest.json")["hardware"]
    assert value.keys() == {"processor", "architecture", "system", "cores", "memory_bytes", "graphics_cards"}
    assert value["cores"] >= 1
    assert value["memory_bytes"] > 2**27
    assert socket.gethostname() not in str(value)


def test_writing_it_again_gives_the_same_bytes(folder):
    before = {name: (folder / name).read_bytes() for name in ("manifest.json", "stats.parquet", "report/index.html")}
    finish_results(folder)
    assert before == {name: (folder / name).read_bytes() for name in before}


def test_seeds_are_found_at_any_depth():
    given = {"a": [{"seed": 1}, {"x": {"shuffle_seed": 2, "seed": True, "seeds": 3}}], "seed": 0}
    assert manifest.seeds(given) == {"a[0].seed": 1, "a[1].x.shuffle_seed": 2, "seed": 0}
