"""A corpus that lies on a web server, as a user meets it: from a list of files to documents, and what runs again."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import finished
import pyarrow.parquet as pq
import pytest
import zstandard
from file_server import Asked, Sent, file_server, serving
from running import planned_jobs, run_workflow

from tamis import cli
from tamis.shards import read_json

pytestmark = pytest.mark.workflow


def lines(name: str) -> bytes:
    rows = [
        {"text": f"File {name}, number {number}, says this.", "url": f"https://{name}.org/{number}"}
        for number in range(30)
    ]
    return gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode(), mtime=0)


def config(output: str = "results", **more: Any) -> dict[str, Any]:
    web = {"name": "web", "format": "jsonl"} | more
    return {"sources": [web], "pipeline": ["url_dedup"], "shards": 1, "output_dir": output}


def documents(folder: Path) -> Any:
    (path,) = sorted((folder / "url_dedup" / "documents").glob("*.parquet"))
    return pq.read_table(path)


def test_a_list_of_remote_files_becomes_documents_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {f"/data/{name}.jsonl.gz": lines(name) for name in "abc"}
    files["/paths.gz"] = gzip.compress(
        b"data/a.jsonl.gz\ndata/b.jsonl.gz\ndata/gone.jsonl.gz\ndata/c.jsonl.gz\n", mtime=0
    )
    good = serving(files)

    def breaks_off(asked: Asked) -> Sent:
        sent = good(asked)
        if asked.path == "/data/b.jsonl.gz":
            sent.cut = 100
        return sent

    monkeypatch.chdir(tmp_path)
    with file_server(breaks_off) as server:
        remote: dict[str, Any] = {
            "manifests": [f"{server.url}/paths.gz"],
            "prefix": f"{server.url}/",
            "on_bad_file": "skip",
            "remote": {"retries": 0},
        }
        # What breaks off for good is a bad file, too; what is gone stays gone.
        run_workflow(tmp_path, config(**remote), "url_dedup")
        skipped = finished.rows(tmp_path / "results" / "ingest" / "skipped")
        assert sorted(Path(row["path"]).name for row in skipped) == ["b.jsonl.gz", "gone.jsonl.gz"]
        assert documents(tmp_path / "results").num_rows == 60

        server.behaviour = good
        server.asked.clear()
        assert cli.main(["refresh", "--configfile", "test.yaml"]) == 0
        assert "2  not fetched the last time" in capsys.readouterr().out
        jobs = planned_jobs(run_workflow(tmp_path, None, "url_dedup"))
        assert (jobs["fetch_unit"], jobs["ingest_map"]) == (2, 2)
        # The rest of it, not all of it.
        assert [asked.start for asked in server.asked if asked.path == "/data/b.jsonl.gz"] == [100]
        assert [asked.path for asked in server.asked].count("/data/a.jsonl.gz") == 1

        # The same rows as from the same files here.
        (tmp_path / "in").mkdir()
        for name in "abc":
            (tmp_path / "in" / f"{name}.jsonl.gz").write_bytes(files[f"/data/{name}.jsonl.gz"])
        run_workflow(tmp_path, config("local", paths=["in/*"]), "url_dedup")
        assert documents(tmp_path / "results").equals(documents(tmp_path / "local"))

    records = [read_json(path) for path in sorted((tmp_path / "results/ingest/read").glob("*.json"))]
    read = {Path(file["path"]).name: file for record in records for file in record["files"]}
    assert read["a.jsonl.gz"]["address"] == f"{server.url}/data/a.jsonl.gz"
    assert read["a.jsonl.gz"]["etag"].startswith('"')
    assert "answers 404" in read["gone.jsonl.gz"]["bad"]
    # Without the server, and without the files, it is known all the same what there is.
    for path in (tmp_path / "downloads").rglob("[ab].jsonl.gz"):
        path.unlink()
    assert planned_jobs(run_workflow(tmp_path, config(**remote), "url_dedup", "--dry-run", "--quiet=rules")) == {}


def test_a_large_remote_file_is_fetched_once_and_read_in_parts(tmp_path: Path) -> None:
    data = b"".join(gzip.decompress(lines(name)) for name in "abc")
    frames = [zstandard.ZstdCompressor().compress(data[at : at + 1_000]) for at in range(0, len(data), 1_000)]
    packed = b"".join(frames)
    with file_server(serving({"/big.jsonl.zst": packed})) as server:
        parted = config(paths=[f"{server.url}/big.jsonl.zst"], remote={"parts": 3})
        jobs = planned_jobs(run_workflow(tmp_path, parted, "url_dedup"))
        assert (jobs["fetch_unit"], jobs["ingest_map"]) == (1, 3)
        assert [asked.path for asked in server.asked].count("/big.jsonl.zst") == 1
    (tmp_path / "in").mkdir()
    (tmp_path / "in/big.jsonl.zst").write_bytes(packed)
    run_workflow(tmp_path, config("local", paths=["in/*"]), "url_dedup")
    assert documents(tmp_path / "results").num_rows == 90
    assert documents(tmp_path / "results").equals(documents(tmp_path / "local"))
    records = [read_json(path) for path in sorted((tmp_path / "results/ingest/read").glob("*.json"))]
    assert all(record["files"][0]["records"] for record in records)
    # Nothing runs again, with the file or without; what was lost of one part is read from what was fetched.
    assert planned_jobs(run_workflow(tmp_path, parted, "url_dedup", "--dry-run", "--quiet=rules")) == {}
    (tmp_path / "results/ingest/read/part-00001.json").unlink()
    jobs = planned_jobs(run_workflow(tmp_path, parted, "url_dedup"))
    assert ("fetch_unit" in jobs, jobs["ingest_map"]) == (False, 1)
