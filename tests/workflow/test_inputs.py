"""Input that changes is noticed by what it holds; input that is only touched reruns nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import finished
import pytest
from running import bytes_of, planned, planned_jobs, run_workflow

from tamis.shards import read_json

pytestmark = pytest.mark.workflow

OLD = 10**18
LATE = 4 * 10**18


def texts(start: str) -> list[str]:
    return [f"{start}, number {number}, which says something." for number in range(5)]


def lines(start: str, **more: object) -> bytes:
    return b"".join(json.dumps({"text": text} | more).encode() + b"\n" for text in texts(start))


def config(**more: Any) -> dict[str, Any]:
    web = {"name": "web", "format": "jsonl", "paths": ["in/*"]} | more
    return {"sources": [web], "pipeline": ["url_dedup"], "shards": 1, "ingest": {"unit_bytes": 1}}


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for name in "abc":
        # Snakemake compares what is smaller than a megabyte by content, so that a small file proves nothing.
        (tmp_path / "in" / name).write_bytes(lines(f"File {name}") + b" " * 1_100_000 + b"\n")
    return tmp_path


def documents(folder: Path) -> list[str]:
    return sorted(row["text"] for row in finished.rows(folder / "results" / "url_dedup" / "documents"))


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """What was recorded of each input file."""
    records = [read_json(path) for path in sorted((folder / "results/ingest/read").glob("*.json"))]
    return {Path(file["path"]).name: file for record in records for file in record["files"]}


def run(folder: Path, **more: Any) -> dict[str, int]:
    """Run it; rule → number of jobs."""
    return planned_jobs(run_workflow(folder, config(**more), "url_dedup"))


def test_the_content_of_a_file_decides_whatever_its_time(folder: Path) -> None:
    run(folder, date_field="when")
    path = folder / "in" / "b"
    assert documents(folder) == sorted(texts("File a") + texts("File b") + texts("File c"))
    recorded = read(folder)
    assert recorded["b"]["mtime_ns"] == path.stat().st_mtime_ns
    assert recorded["b"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {name: file["fields"] for name, file in recorded.items()} == {name: {"when": 0} for name in "abc"}
    made = bytes_of(folder / "results", "url_dedup")

    # Touched, in either direction: nothing, also later, and where the hash is no longer remembered.
    os.utime(path, ns=(LATE, LATE))
    assert run(folder, date_field="when") == {}
    assert run(folder, date_field="when") == {}
    os.utime(path, ns=(OLD, OLD))
    assert planned(folder, config(date_field="when"), "url_dedup") == {}
    (folder / "results" / ".tamis.inputs.json").unlink()
    assert run(folder, date_field="when") == {}

    # Replaced by another of the same size, and an older time than what was made of it.
    path.write_bytes(path.read_bytes().replace(b"File b", b"Fire b"))
    os.utime(path, ns=(OLD, OLD - 1))
    jobs = run(folder, date_field="when")
    assert (jobs["ingest_map"], jobs["ingest_apply"], jobs["url_dedup_apply"]) == (1, 1, 1)
    assert documents(folder) == sorted(texts("File a") + texts("Fire b") + texts("File c"))
    assert run(folder, date_field="when") == {}

    # And back again.
    path.write_bytes(path.read_bytes().replace(b"Fire b", b"File b"))
    os.utime(path, ns=(OLD, OLD - 2))
    assert run(folder, date_field="when")["ingest_map"] == 1
    assert bytes_of(folder / "results", "url_dedup") == made


def test_files_that_come_and_go_rerun_their_own_unit(folder: Path) -> None:
    run(folder)
    (folder / "in" / "aa").write_bytes(lines("File aa"))
    os.utime(folder / "in" / "aa", ns=(OLD, OLD))
    assert run(folder)["ingest_map"] == 1
    assert documents(folder) == sorted(text for name in ("a", "aa", "b", "c") for text in texts(f"File {name}"))
    (folder / "in" / "b").unlink()
    jobs = run(folder)
    assert (jobs["ingest_map"], jobs["url_dedup_apply"]) == (1, 1)
    assert documents(folder) == sorted(text for name in ("a", "aa", "c") for text in texts(f"File {name}"))
    assert run(folder) == {}
    shutil.rmtree(folder / "in")
    output = run_workflow(folder, config(), "url_dedup", fails=True)
    assert "source 'web': in/* matches no file" in output


def test_the_names_of_many_files_are_told_beside_the_command_line(folder: Path) -> None:
    place = folder / "in" / ("a folder of a long name " * 8)
    place.mkdir()
    for number in range(40):
        (place / f"{number}.jsonl").write_bytes(lines(f"File {number}"))
    more = {"paths": ["in/*/*.jsonl"]}
    many = config(**more) | {"ingest": {"unit_bytes": 10**6}}
    assert planned(folder, many, "url_dedup")["ingest_map"] == 1
    assert not (folder / "results").exists()
    assert planned_jobs(run_workflow(folder, many, "url_dedup"))["ingest_map"] == 1
    expected = sorted(text for number in range(40) for text in texts(f"File {number}"))
    assert documents(folder) == expected
    # The list is for the job alone: without it nothing runs again.
    (listed,) = (folder / "results/.tamis.names").iterdir()
    listed.unlink()
    assert planned_jobs(run_workflow(folder, many, "url_dedup")) == {}
    (place / "40.jsonl").write_bytes(lines("File 40"))
    assert planned_jobs(run_workflow(folder, many, "url_dedup"))["ingest_map"] == 1
    assert documents(folder) == sorted([*expected, *texts("File 40")])


def test_a_change_that_could_not_be_read_is_not_forgotten(folder: Path) -> None:
    run(folder)
    path = folder / "in" / "b"
    path.write_bytes(b"\x1f\x8b" + path.read_bytes())
    os.utime(path, ns=(OLD, OLD))
    for _ in range(2):
        output = run_workflow(folder, config(), "url_dedup", fails=True)
        assert "in/b: cut short or damaged" in output
        assert "on_bad_file: skip" in output
    path.write_bytes(lines("Fire b"))
    os.utime(path, ns=(OLD, OLD))
    run(folder)
    assert documents(folder) == sorted(texts("File a") + texts("Fire b") + texts("File c"))


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_is_no_file_is_refused(folder: Path, kind: str) -> None:
    path = folder / "in" / "d"
    path.symlink_to("nowhere") if kind == "link" else os.mkfifo(path)
    output = run_workflow(folder, config(), "url_dedup", "--dry-run", fails=True)
    assert "source 'web': in/d is " in output
    assert "Traceback" not in output


def test_a_source_goes_on_without_bad_files_and_nothing_of_them_is_used(folder: Path) -> None:
    whole = gzip.compress(b"".join(lines(f"Cut {number}") for number in range(20_000)))
    (folder / "in" / "cut").write_bytes(whole[:-1000])
    (folder / "in" / "page").write_bytes(b"<!DOCTYPE html>\n<html><body>Text.</body></html>\n")
    assert "With on_bad_file: skip" in run_workflow(folder, config(), "url_dedup", fails=True)
    # What was read before the run failed is not read again when bad files are to be skipped.
    already = len(list((folder / "results/ingest/read").glob("*.json")))
    (folder / "in" / "link").symlink_to("nowhere")
    os.mkfifo(folder / "in" / "pipe")
    assert run(folder, on_bad_file="skip")["ingest_map"] == 7 - already
    assert documents(folder) == sorted(texts("File a") + texts("File b") + texts("File c"))
    files = read(folder)
    bad = {"cut", "link", "page", "pipe"}
    assert {name for name, file in files.items() if file["bad"]} == bad
    assert "HTML" in files["page"]["bad"]
    skipped = finished.rows(folder / "results" / "ingest" / "skipped")
    assert {(Path(row["path"]).name, row["record"], row["reason"]) for row in skipped} == {
        (name, 0, "bad_file") for name in bad
    }
    assert planned(folder, config(on_bad_file="skip"), "url_dedup") == {}
    # Repaired, one is read, and another comes where none was.
    (folder / "in" / "cut").write_bytes(gzip.compress(lines("Whole")))
    (folder / "in" / "nowhere").write_bytes(lines("There"))
    os.utime(folder / "in" / "nowhere", ns=(OLD, OLD))
    run(folder, on_bad_file="skip")
    # `nowhere` is in the folder itself, and the link leads to it; of the two copies of a record one stays.
    assert documents(folder) == sorted(
        text for name in ("File a", "File b", "File c", "Whole", "There") for text in texts(name)
    )


def test_a_source_of_bad_files_only_fails(folder: Path) -> None:
    for name in "abc":
        (folder / "in" / name).write_bytes(b"%PDF-1.7\n" + lines(name))
    output = run_workflow(folder, config(on_bad_file="skip"), "url_dedup", fails=True)
    assert "source 'web' gave no document (3 of its 3 files are bad" in output
    assert "PDF" in output


def test_a_source_of_many_small_files_is_read(folder: Path) -> None:
    notes = folder / "notes"
    notes.mkdir()
    name = "a name that is as long as the names of notes often are, with (brackets) and a date, 2024-01-01"
    for number in range(1500):
        (notes / f"{name}, {number}.md").write_text(f"Note {number}.")
    small = config() | {"sources": [{"name": "notes", "format": "text", "paths": ["notes/**"]}], "ingest": {}}
    run_workflow(folder, small, "url_dedup")
    assert len(documents(folder)) == 1500
    assert len(read(folder)) == 1500


def test_a_list_that_the_configuration_names_counts_by_what_it_holds(folder: Path) -> None:
    path = folder / "list.txt"
    run(folder)
    ids = {row["text"][:16]: row["id"] for row in finished.rows(folder / "results" / "url_dedup" / "documents")}
    gone, also = ids["File a, number 0"], ids["File a, number 1"]
    given = config() | {"pipeline": ["remove"], "remove": {"ids": ["list.txt"]}}
    # Larger than what Snakemake compares by content.
    path.write_text(gone + "\n" * 1_100_000)
    assert planned_jobs(run_workflow(folder, given, "remove"))["remove_apply"] == 1
    os.utime(path, ns=(LATE, LATE))
    assert planned(folder, given, "remove") == {}
    path.write_text(also + "\n" * 1_100_000)
    os.utime(path, ns=(OLD, OLD))
    assert planned_jobs(run_workflow(folder, given, "remove"))["remove_apply"] == 1
    kept = {row["text"][:16] for row in finished.rows(folder / "results" / "remove" / "documents")}
    assert "File a, number 0" in kept
    assert "File a, number 1" not in kept
