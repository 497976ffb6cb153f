"""Benchmarks in the forms in which they are published."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from pydantic import ValidationError
from release_archives import write_tar

from tamis.decontamination.benchmarks import Benchmark, read_items
from tamis.errors import SourceError
from tamis.readers.fetch import DOWNLOADS
from tamis.readers.releases import requirement_lines
from tamis.stages.decontamination import Config

ROWS = [
    {"id": 3, "question": "What is seen?", "choices": ["no one", "all"], "answer": 1, "passage": "A page."},
    {"id": 5, "question": "Which way is up?", "choices": ["this", "that"], "answer": 0, "passage": None},
]
FIELDS = {"answer": "answer", "choices": "choices", "passage": "passage", "id": "id"}


def items(path, **more):
    return read_items(Benchmark(**({"name": "b", "paths": [str(path)], "fields": FIELDS} | more)))


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def jsonl(path):
    (path / "x.jsonl").write_bytes(lines(ROWS))
    return path / "x.jsonl"


def packed(path):
    (path / "x.jsonl.gz").write_bytes(gzip.compress(lines(ROWS)))
    return path / "x.jsonl.gz"


def zstd(path):
    (path / "x.jsonl.zst").write_bytes(zstandard.compress(lines(ROWS)))
    return path / "x.jsonl.zst"


def one_list(path):
    (path / "x.json").write_text(json.dumps(ROWS))
    return path / "x.json"


def parquet(path):
    pq.write_table(pa.Table.from_pylist(ROWS), path / "x.parquet")
    return path / "x.parquet"


def folder(path):
    (path / "hub" / "data").mkdir(parents=True)
    (path / "hub" / "README.md").write_text("# A data set")
    (path / "hub" / "dataset_info.json").write_text("{}")
    pq.write_table(pa.Table.from_pylist(ROWS), path / "hub" / "data" / "test-00000-of-00001.parquet")
    pq.write_table(pa.Table.from_pylist(ROWS[:1]), path / "hub" / "data" / "train-00000-of-00001.parquet")
    return path / "hub"


def arrow(path):
    (path / "saved" / "test").mkdir(parents=True)
    (path / "saved" / "test" / "state.json").write_text("{}")
    table = pa.Table.from_pylist(ROWS)
    file = path / "saved" / "test" / "data-00000-of-00001.arrow"
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return path / "saved"


@pytest.mark.parametrize("make", [jsonl, packed, zstd, one_list, parquet, folder, arrow])
def test_every_form_gives_the_same_items(tmp_path, make):
    read = items(make(tmp_path), splits=("test",))
    assert [(one.name, one.question, one.answers, one.choices, one.passage) for one in read] == [
        ("b/3", "What is seen?", ("all",), ("no one", "all"), "A page."),
        ("b/5", "Which way is up?", ("this",), ("this", "that"), ""),
    ]
    assert read[0].full == "A page.\nWhat is seen?\nno one\nall\nall"


def test_tables_of_text(tmp_path):
    with (tmp_path / "x.tsv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerows([["q", "a"], ["Which\nway?", "up"], ["And then?", ""]])
    read = items(tmp_path / "x.tsv", fields={"question": "q", "answer": "a"})
    assert [(one.name, one.question, one.answers) for one in read] == [
        ("b/0", "Which\nway?", ("up",)),
        ("b/1", "And then?", ()),
    ]


@pytest.mark.parametrize(
    ("record", "fields", "answers"),
    [
        ({"question": "q1", "answers": {"text": ["Paris", "Paris, France"]}}, {"answer": "answers.text"}, ("Paris", "Paris, France")),
        ({"question": "q1", "answers": {"text": ["Paris"]}}, {"answer": "answers"}, ("Paris",)),
        ({"question": "q1", "o": {"text": ["x", "y"], "label": ["A", "B"]}, "key": "B"}, {"answer": "key", "choices": "o.text"}, ("y",)),
        ({"question": "q1", "o": [{"t": "x"}, {"t": "y"}], "key": "(a)"}, {"answer": "key", "choices": "o.t"}, ("x",)),
        ({"question": "q1", "o": ["x", "B"], "key": "B"}, {"answer": "key", "choices": "o"}, ("B",)),
    ],
)  # fmt: skip
def test_answers_as_they_are_given(tmp_path, record, fields, answers):
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines([record]))
    assert items(path, fields=fields)[0].answers == answers


def test_only_the_records_that_are_asked_for(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines([{"question": "one", "split": "train"}, {"question": "two", "split": "test"}]))
    assert [one.question for one in items(path, fields={}, where={"split": ["test"]})] == ["two"]
    with pytest.raises(SourceError, match=r"no record with \{'split': \('dev',\)\}"):
        items(path, fields={}, where={"split": ["dev"]})


def test_paths_that_name_nothing_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "none.jsonl", tmp_path / "empty", tmp_path / "*.parquet"):
        with pytest.raises(SourceError, match="names no file of data"):
            items(path)
    path = jsonl(tmp_path)
    with pytest.raises(SourceError, match="is named twice"):
        items(path, paths=[str(path), str(tmp_path / "*.jsonl")])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.parquet", b"no table", "cannot be read as parquet"),
        ("x.json", b"{", "cannot be read as json"),
        ("x.jsonl.gz", b"plain", "its name says gzip"),
        ("x.csv", b'question,id\n"open', "after record 0|has no field"),
        ("x.txt", b"text", "no format of benchmarks"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        items(tmp_path / name, fields={"id": "id"})


@pytest.fixture(name="archive")
def _archive(tmp_path, monkeypatch):
    """A release with benchmarks, which lies where the workflow fetches it to, pinned beside another."""
    monkeypatch.chdir(tmp_path)
    Path(DOWNLOADS).mkdir()
    inside = {
        "data/x.jsonl.gz": gzip.compress(lines(ROWS)),
        "data/bad/y.jsonl": lines([ROWS[0], {"id": 8}]),
        "../../../escaped.jsonl": lines(ROWS),
        "setup.py": "raise SystemExit",
    }
    path = write_tar(Path(DOWNLOADS, "thing-1.0.sdist"), inside)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    Path("pins.txt").write_text(f"Thing==1.0 --hash=sha256:{digest}\nother==3 --hash=sha256:{'0' * 64}\n")
    return path


def released(*paths, **more):
    values = {"name": "b", "paths": paths, "requirements": "pins.txt", "project": "thing", "fields": FIELDS}
    return Benchmark(**(values | more))


def test_a_release_is_read_like_files(archive, tmp_path):
    expected = items(packed(tmp_path))
    for path in ("data/x.jsonl.gz", "data/*.gz"):
        assert read_items(released(path)) == expected
    assert not any((folder / "escaped.jsonl").exists() for folder in archive.resolve().parents)
    with pytest.raises(
        SourceError, match=r"benchmark b: downloads/thing-1.0.sdist/data/bad/y.jsonl, record 2: has no field 'question'"
    ):
        read_items(released("data/bad"))
    with pytest.raises(SourceError, match=r"downloads/thing-1.0.sdist/other.jsonl names no file of data"):
        read_items(released("other.jsonl"))


def test_a_release_is_checked_and_named_before_it_is_fetched(archive):
    config = Config(benchmarks=[released("data/x.jsonl.gz")])
    config.check_files("decontamination")
    assert config.files() == []
    assert list(requirement_lines([], config.releases())) == [archive.name]
    archive.write_bytes(archive.read_bytes() + b"\0")
    with pytest.raises(SourceError, match="expected sha256"):
        config.check_files("decontamination")
    archive.unlink()
    config.check_files("decontamination")
    with pytest.raises(SourceError, match=r"thing-1.0.sdist: cannot be read"):
        config.items()


def test_a_release_that_is_not_pinned_is_refused(archive):
    with pytest.raises(SourceError, match=r"pins.txt pins 0 releases of nothing, one is needed; it pins: other, thing"):
        released("x.jsonl", project="nothing").release()
    Path("pins.txt").write_text("".join(f"thing=={n} --hash=sha256:{'0' * 64}\n" for n in (1, 2)))
    with pytest.raises(SourceError, match="pins 2 releases of thing"):
        released("x.jsonl").release()
    with pytest.raises(ValidationError, match="requirements and project belong together"):
        released("x.jsonl", project=None)
