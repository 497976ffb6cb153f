"""What was read is written down; files that change are noticed, and nothing of a bad one is used."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from tamis.errors import SourceError
from tamis.readers import AnySource, Record, Source, observed
from tamis.readers.columns import Columns
from tamis.readers.jsonl import JsonlSource
from tamis.readers.observed import Reading
from tamis.readers.parquet import ParquetSource
from tamis.readers.record import Skip
from tamis.readers.text import TextSource
from tamis.readers.units import units


def lines(*texts: object, **more: object) -> bytes:
    return b"".join(json.dumps({"text": text} | more).encode() + b"\n" for text in texts)


def texts_of(item: Record | Columns) -> list[str]:
    return item.text.to_pylist() if isinstance(item, Columns) else [item.text]


def tables(records: Iterator[Record | Columns]) -> Iterator[pa.Table]:
    """Two records a table, at least one table."""
    texts = [text for item in records for text in texts_of(item)]
    for start in range(0, max(1, len(texts)), 2):
        yield pa.table({"text": pa.array(texts[start : start + 2], pa.string())})


def texts(reading: Reading) -> list[str]:
    return [text for table in reading.tables(tables) for text in table["text"].to_pylist()]


def source(**more: object) -> JsonlSource:
    return JsonlSource.model_validate({"name": "web", "paths": ["x"]} | more)


class Listing(Reading):
    """A reading that keeps its skips."""

    lists: list[pa.Table]

    def skipped(self) -> pa.Table:
        """All of them."""
        return pa.concat_tables(self.lists)


def reading(section: Source, *files: Path, fields: tuple[str, ...] = ()) -> Listing:
    lists: list[pa.Table] = []
    made = Listing(section, [str(path) for path in files], lists.append, files[0].parent, fields)
    made.lists = lists
    return made


def test_size_time_and_hash_of_what_was_read_are_recorded(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_bytes(lines("One.", None, "Two."))
    second.write_bytes(b"")
    os.utime(first, ns=(0, 1_234_567_890_123_456_789))
    unit = reading(source(), first, second)
    assert texts(unit) == ["One.", "Two."]
    record = unit.record("t")
    assert (record["source"], record["token"], record["on_bad_file"]) == ("web", "t", "fail")
    assert record["files"][0] == {
        "path": str(first),
        "records": 2,
        "skipped": 1,
        "bytes": first.stat().st_size,
        "mtime_ns": 1_234_567_890_123_456_789,
        "sha256": hashlib.sha256(first.read_bytes()).hexdigest(),
        "fields": {},
        "passed": {},
        "bad": None,
        "address": None,
        "etag": None,
        "last_modified": None,
    }
    assert (record["files"][1]["records"], record["files"][1]["bytes"]) == (0, 0)
    assert unit.skipped()["reason"].to_pylist() == ["null_text"]


def write(path: Path) -> None:
    with path.open("ab") as file:
        file.write(lines("Late."))


def same_size(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"One", b"Six"))


def older(path: Path) -> None:
    same_size(path)
    os.utime(path, ns=(0, 0))


def replaced(path: Path) -> None:
    state = path.stat()
    other = path.with_suffix(".other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(path)


def cut(path: Path) -> None:
    os.truncate(path, 1)


@pytest.mark.parametrize("mode", ["fail", "skip"])
@pytest.mark.parametrize("change", [write, same_size, older, replaced, Path.unlink, cut])
def test_a_file_that_changes_while_it_is_read_fails(tmp_path: Path, mode: str, change: Callable[[Path], None]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines("One.", "Two."))
    os.utime(path, ns=(0, 5))

    def converted(records: Iterator[Record | Columns]) -> Iterator[pa.Table]:
        for record in records:
            change(path)
            yield pa.table({"text": texts_of(record)})
            break
        yield from tables(records)

    def at_least_one(records: Iterator[Record | Columns]) -> Iterator[pa.Table]:
        found = list(converted(records))
        yield from found or tables(iter(()))

    unit = reading(source(on_bad_file=mode), path)
    with pytest.raises(SourceError, match=r"a\.jsonl: (changed|taken away) while it was read.*Run again"):
        list(unit.tables(at_least_one))
    assert unit.files == []


def test_a_file_that_is_written_while_it_is_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(lines(*"abcdefgh"))[:-8])

    def hashed(file: Path) -> str:
        digest = sha256_of(file)
        write(file)
        return digest

    sha256_of = observed.sha256_of
    monkeypatch.setattr(observed, "sha256_of", hashed)
    with pytest.raises(SourceError, match="changed while it was read"):
        texts(reading(source(on_bad_file="skip"), path))


def bad_files(folder: Path) -> list[Path]:
    whole = gzip.compress(lines(*(f"Number {number}." for number in range(20_000))))
    (folder / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    (folder / "page.jsonl").write_bytes(b"<html><body>Text.</body></html>")
    (folder / "link.jsonl").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.jsonl")
    return [folder / name for name in ("cut.jsonl.gz", "gone.jsonl", "link.jsonl", "page.jsonl", "pipe.jsonl")]


def test_nothing_of_a_bad_file_is_used_and_it_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed, "WAITING_BYTES", 1_000)
    monkeypatch.setattr(observed, "SKIPS", 3)
    good = tmp_path / "a.jsonl"
    good.write_bytes(lines(*"abcde", None))
    other = tmp_path / "z.jsonl"
    other.write_bytes(lines(*[None] * 7))
    bad = bad_files(tmp_path)
    unit = reading(source(on_bad_file="skip"), good, *bad, other)
    assert texts(unit) == list("abcde")
    files = {file.path: file for file in unit.files}
    assert list(files) == [str(path) for path in (good, *bad, other)]
    assert {name for name, file in files.items() if file.bad} == {str(path) for path in bad}
    assert all((files[str(path)].records, files[str(path)].skipped) == (0, 1) for path in bad)
    listed = unit.skipped().to_pylist()
    assert [(row["path"], row["record"]) for row in listed if row["reason"] == "bad_file"] == [
        (str(path), 0) for path in bad
    ]
    assert sum(row["reason"] == "null_text" for row in listed) == 8
    assert "cut short" in listed[1]["detail"]
    assert "gone.jsonl" in listed[2]["detail"]
    assert "HTML" in listed[4]["detail"]
    # What has a hash is known again; of the others whatever comes in their place is another.
    hashed = {name for name, file in files.items() if file.sha256}
    assert hashed == {str(path) for path in (good, bad[0], bad[3], other)}
    assert [files[str(path)].mtime_ns for path in (bad[1], bad[2], bad[4])] == [-1] * 3
    # Nothing that waited is left behind.
    assert {path.name for path in tmp_path.iterdir()} == {
        path.name for path in (good, other, *bad) if path.name != "gone.jsonl"
    }


def test_by_default_a_bad_file_fails_and_the_other_way_is_named(tmp_path: Path) -> None:
    for path in bad_files(tmp_path):
        with pytest.raises(SourceError, match=rf"{path.name}.*on_bad_file: skip"):
            texts(reading(source(), path))


def test_a_file_that_cannot_be_opened_is_bad_until_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines("One."))

    def refused(file: Path) -> str:
        # Root may read every file.
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(observed, "sha256_of", refused)
    monkeypatch.setattr(os, "access", lambda *_: False)
    unit = reading(source(on_bad_file="skip"), path)
    assert texts(unit) == []
    (file,) = unit.files
    assert "Permission denied" in (file.bad or "")
    assert (file.bytes, file.mtime_ns, file.sha256) == (0, -1, None)


def test_fields_are_counted_that_the_configuration_names(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines("a", "b", when=None) + lines("c", when="2024", url="u") + b"no json\n[1]\n" + lines(None))
    section = source(date_field="when", url_field="address", kind_field=None, text_field="text")
    assert section.named_fields() == ("address", "text", "when")
    unit = reading(section, path, fields=section.named_fields())
    assert len(texts(unit)) == 3
    assert unit.files[0].fields == {"address": 0, "text": 3, "when": 1}
    # Defaults that are absent are fine.
    assert source().named_fields() == ()


def test_columns_are_counted_that_the_configuration_names(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = {"body": ["a", "b", "c"] * 400, "when": pa.array([None, None, "2024"] * 400), "at": pa.nulls(1200)}
    pq.write_table(pa.table(table), path)
    section = ParquetSource(name="s", paths=("x",), text_column="body", date_column="when", url_column="at")
    unit = reading(section, path, fields=section.named_fields())
    assert len(texts(unit)) == 1200
    assert unit.files[0].fields == {"at": 0, "body": 1200, "when": 400}


def test_formats_without_fields_count_none(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("Text.")
    section = TextSource(name="s", paths=("x",))
    unit = reading(section, path, fields=section.named_fields())
    assert texts(unit) == ["Text."]
    assert "fields" not in unit.record("t")["files"][0]


class TakesItsTime(JsonlSource):
    """Gives three records and a skip before it finds its file damaged."""

    def read_together(self, path: Path, counts: object) -> Iterator[Record | Skip]:
        del counts
        for number in range(3):
            yield Record(b"Number.", "prose", None, None, None, str(path), number)
        yield Skip(str(path), 4, "null_text", "")
        msg = f"{path}: damaged"
        raise SourceError(msg)


def test_records_and_skips_before_the_damage_count_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed, "SKIPS", 1)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"")
    unit = reading(TakesItsTime(name="web", paths=("x",), on_bad_file="skip"), path)
    assert texts(unit) == []
    assert unit.skipped()["reason"].to_pylist() == ["bad_file"]
    assert (unit.files[0].records, unit.files[0].skipped, unit.files[0].bad) == (0, 1, f"{path}: damaged")


@pytest.mark.parametrize(
    ("kind", "name"),
    [("jsonl", "a.jsonl"), ("parquet", "a.parquet"), ("warc", "a.warc.gz"), ("html", "a.html"), ("csv", "a.csv"),
     ("pdf", "a.pdf"), ("latex", "a.tar.gz"), ("latex", "paper/a.tex"), ("code", "a.zip"), ("code", "tree/a.py")],
)  # fmt: skip
def test_a_file_that_goes_between_planning_and_reading_is_named_or_listed(tmp_path: Path, kind: str, name: str) -> None:
    gone, other = tmp_path / name, tmp_path / name.replace("a.", "b.")
    gone.parent.mkdir(exist_ok=True)
    gone.write_bytes(b"\\documentclass{article} and some words")
    other.write_bytes(gone.read_bytes())
    tree = "/" in name
    section = TypeAdapter(AnySource).validate_python(
        {"name": "s", "format": kind, "paths": [str(gone.parent)] if tree else [str(gone), str(other)]}
    )
    (unit,) = units([section], 10**6, None)[:1]
    gone.unlink()
    # As its job has it, which is told what there was.
    at_work = TypeAdapter(AnySource).validate_python({"paths": unit.names} | unit.params()["source"])
    with pytest.raises(SourceError, match="is no longer there; check the paths of source 's'"):
        texts(reading(at_work, gone))
    skipping = at_work.model_copy(update={"on_bad_file": "skip"})
    found = reading(skipping, gone)
    assert texts(found) == []
    assert [row["reason"] for row in found.skipped().to_pylist()] == ["bad_file"]
