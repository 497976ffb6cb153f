"""Folders of text files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tamis.errors import SourceError
from tamis.readers import Record, Skip
from tamis.readers.text import TextSource

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
