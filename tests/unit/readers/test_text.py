"""Folders of text files."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pyarrow as pa
import pytest

from tamis.errors import SourceError
from tamis.readers import Record, Skip
from tamis.readers.observed import Reading, ReadRecord
from tamis.readers.text import TextSource
from tamis.stages.ingest import documents_of

PROSE = "A sentence that says something about nothing in particular, at some length, and then it ends.\n" * 5


def item(path: Path, data: bytes, **options: object) -> Record | Skip:
    path.write_bytes(data)
    (found,) = TextSource(name="s", paths=(str(path),), **options).read(path)
    return found


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "prose"),
        ("a", "prose"),
        ("a.py", "code"),
        ("a.TEX", "maths"),
        ("a.po", "catalogue"),
        ("a.md", "prose"),
    ],
)
def test_the_extension_says_the_kind_and_the_text_where_it_does_not(tmp_path: Path, name: str, kind: str) -> None:
    record = item(tmp_path / name, PROSE.encode())
    assert (record.kind, record.text) == (kind, PROSE)
    assert (record.url, record.date) == (None, None)
    assert record.metadata == {"path": (tmp_path / name).as_posix()}


def test_kinds_of_the_section_come_first(tmp_path: Path) -> None:
    assert item(tmp_path / "a.py", b"x = 1\n", kinds={"py": "prose"}).kind == "prose"
    assert item(tmp_path / "a.py", b"x = 1\n", kind="licence").kind == "licence"


def test_compressed_files_keep_their_extension(tmp_path: Path) -> None:
    record = item(tmp_path / "a.py.gz", gzip.compress(b"x = 1\n"))
    assert (record.kind, record.text) == ("code", "x = 1\n")
    with pytest.raises(SourceError):
        item(tmp_path / "b.py.gz", gzip.compress(PROSE.encode())[:-3])


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"caf\xe9", "invalid_utf8"), (b"", "empty_text"), (b"\x89PNG\0\0\0", "invalid_utf8"), (b"a\0b\0", "binary"),
     (b"x" * 101, "too_large")],
)  # fmt: skip
def test_what_is_no_text_is_skipped(tmp_path: Path, data: bytes, reason: str) -> None:
    assert item(tmp_path / "a.txt", data, max_document_bytes=100).reason == reason


ODD = {
    "plain.txt": b"A page that says nothing odd.\n",
    "mark.txt": b"\xef\xbb\xbfWith a byte order mark.\n",
    "returns.md": b"One line.\r\nAnother.\r",
    "nul.txt": b"A" * 2_000 + b"\0" + b"B",
    "binary.dat": b"ab\0" * 20,
    "blank.txt": b" \n\t\n",
    "empty.txt": b"",
    "latin.txt": "Größe".encode("latin-1"),
    "wide.txt": "说明文字。\n".encode(),
    "code.py": b"import os\n\n\ndef f(x):\n    return os.path.join(x, 'a')\n",
    "paper.tex": b"Text of a paper.\n",
    'a "name" \\ of ü.rst': b"Text.\n",
    "packed.txt.gz": gzip.compress(b"Packed text.\n"),
    "packed.txt": gzip.compress(b"Packed, and its name does not say so.\n"),
    "Makefile": b"all:\n\tcc -o a a.c\n",
    "long.txt": b"a long text " * 200,
}


@pytest.mark.parametrize("mode", ["fail", "skip"])
@pytest.mark.parametrize("options", [{}, {"kind": "prose"}, {"kinds": {"txt": "maths"}}])
@pytest.mark.parametrize("together", [3, 1_000])
def test_small_files_that_are_held_together_are_what_each_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, options: dict[str, object], together: int
) -> None:
    monkeypatch.setattr("tamis.readers.observed.TOGETHER_FILES", together)
    for name, data in ODD.items():
        (tmp_path / name).write_bytes(data)
    section = TextSource.model_validate(
        {"name": "s", "paths": [f"{tmp_path}/*"], "max_document_bytes": 2_100, "on_bad_file": mode, **options}
    )
    files = section.input_files()
    items = [item for path in files for item in section.read(path)]
    expected = [
        row
        for table in documents_of([item for item in items if isinstance(item, Record)], "s", 0)
        for row in table.to_pylist()
    ]
    lists: list[pa.Table] = []
    reading = Reading(section, [str(path) for path in files], lists.append, tmp_path)
    tables = list(reading.tables(lambda found: documents_of(found, "s", 0)))
    rows = [row for table in tables for row in table.to_pylist()]
    assert sorted(rows, key=str) == sorted(expected, key=str)
    assert len(rows) == 11
    skips = [item for item in items if isinstance(item, Skip)]
    listed = pa.concat_tables(lists).to_pylist()
    assert [(row["path"], row["reason"]) for row in listed] == [(skip.path, skip.reason) for skip in skips]
    record = ReadRecord.model_validate(reading.record("t"))
    assert [file.path for file in record.files] == [str(path) for path in files]
    for file in record.files:
        data = Path(file.path).read_bytes()
        assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert file.records + file.skipped == 1


def test_a_bad_file_among_small_ones_is_listed_or_fails(tmp_path: Path) -> None:
    for name, data in {"a.txt": b"One.", "b.txt": b"\x89PNG\r\n\x1a\n", "c.txt": b"Two."}.items():
        (tmp_path / name).write_bytes(data)
    files = sorted(map(str, tmp_path.iterdir()))
    section = TextSource(name="s", paths=("x",))
    with pytest.raises(SourceError, match=r"b\.txt: is a PNG picture"):
        list(Reading(section, files, lambda _: None, tmp_path).tables(lambda found: documents_of(found, "s", 0)))
    reading = Reading(section.model_copy(update={"on_bad_file": "skip"}), files, lambda _: None, tmp_path)
    tables = list(reading.tables(lambda found: documents_of(found, "s", 0)))
    assert sorted(text for table in tables for text in table["text"].to_pylist()) == ["One.", "Two."]
    assert [file.get("bad") is not None for file in reading.record("t")["files"]] == [False, True, False]


@pytest.mark.parametrize("mode", ["fail", "skip"])
def test_a_small_file_that_goes_before_it_is_read_fails_or_is_listed(tmp_path: Path, mode: str) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"Text of {name}.")
    section = TextSource.model_validate({"name": "s", "paths": [f"{tmp_path}/*"], "on_bad_file": mode})
    files = [str(path) for path in section.input_files()]
    (tmp_path / "b.txt").unlink()
    reading = Reading(section, files, lambda _: None, tmp_path)
    if mode == "fail":
        with pytest.raises(SourceError, match=r"b\.txt: (cannot be opened|is no longer there)"):
            list(reading.tables(lambda found: documents_of(found, "s", 0)))
        return
    tables = list(reading.tables(lambda found: documents_of(found, "s", 0)))
    assert [text for table in tables for text in table["text"].to_pylist()] == ["Text of a.txt."]
    assert "no longer there" in reading.record("t")["files"][1]["bad"]


def test_a_small_file_that_is_written_while_it_is_read_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("One.")
    read = os.read

    def written(handle: int, size: int) -> bytes:
        data = read(handle, size)
        path.write_text("Two.")
        os.utime(path, ns=(1, 1))
        return data

    monkeypatch.setattr(os, "read", written)
    section = TextSource(name="s", paths=(str(path),))
    with pytest.raises(SourceError, match="changed while it was read"):
        list(Reading(section, [str(path)], lambda _: None, tmp_path).tables(lambda found: documents_of(found, "s", 0)))
