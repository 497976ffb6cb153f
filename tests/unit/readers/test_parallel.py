"""Parallel corpora: both sides of each pair, however OPUS packs them, and never one without the other."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest
import zstandard
from pydantic import ValidationError

from tamis.errors import SourceError
from tamis.readers import Record, Skip
from tamis.readers.parallel import ParallelSource, languages_named

EN = b"One.\n\n  Three. \r\nFour\nFive\xff\nSix\n"
DE = "Eins.\nZwei.\nDrei.\nVier\nFünf\nSechs\n".encode()
PAIRS = [
    ("c.de-en:1", "de", 1, "Eins."), ("c.de-en:1", "en", 2, "One."), (2, "empty_side"), ("c.de-en:3", "de", 1, "Drei."),
    ("c.de-en:3", "en", 2, "Three."), ("c.de-en:4", "de", 1, "Vier"), ("c.de-en:4", "en", 2, "Four"), (5, "invalid_utf8"),
    ("c.de-en:6", "de", 1, "Sechs"), ("c.de-en:6", "en", 2, "Six"),
]  # fmt: skip


def read(folder: Path, paths: str = "*", **more: object) -> list[Record | Skip]:
    source = ParallelSource.model_validate({"name": "p", "paths": [str(folder / paths)], **more})
    items: list[Record | Skip] = []
    for file in source.input_files():
        unread = source.unread(str(file))
        items += source.read(file) if unread is None else [unread]
    return items


def told(items: list[Record | Skip]) -> list[tuple[object, ...]]:
    return [
        (item.record, item.reason)
        if isinstance(item, Skip)
        else (item.metadata["pair"], item.metadata["language"], item.metadata["side"], item.text)
        for item in items
    ]


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_both_sides_of_each_pair(tmp_path: Path) -> None:
    rows = b"".join(
        de + b"\t" + en.strip(b"\r") + b"\n" for de, en in zip(DE.split(b"\n")[:6], EN.split(b"\n")[:6], strict=True)
    )
    layouts: list[dict[str, bytes]] = [
        {"c.de-en.de": DE, "c.de-en.en": EN},
        {"c.de-en.de.gz": gzip.compress(DE), "c.de-en.en.zst": zstandard.compress(EN)},
        {"c.de-en.tsv": rows},
        {"c.de-en.txt.gz": gzip.compress(rows)},
        {"de-en.txt.zip": zipped({"c.de-en.de": DE, "c.de-en.en": EN, "c.de-en.ids": b"x\n", "README": b"."})},
    ]
    for number, files in enumerate(layouts):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        assert told(read(folder)) == PAIRS, files
    (tmp_path / "0" / "c.de-en.ids").write_bytes(b"x\n")
    (tmp_path / "0" / "c.de-en.fr").write_bytes(b"Un.\n")
    with pytest.raises(SourceError, match="two sides"):
        read(tmp_path / "0")
    turned = read(tmp_path / "0", languages=["en", "de"])
    assert [(item.reason) for item in turned if isinstance(item, Skip) and not item.record] == [
        "language_not_chosen",
        "no_side",
    ]
    assert told(turned)[0] == ("c.de-en:1", "en", 1, "One.")
    source = ParallelSource(name="p", paths=(str(tmp_path / "0" / "c.*"),), languages=("en", "de"))
    assert source.governing(source.input_files()) == [tmp_path / "0" / "c.de-en.de"]


def test_lines_in_passages(tmp_path: Path) -> None:
    (tmp_path / "c.de-en.de").write_bytes(DE)
    (tmp_path / "c.de-en.en").write_bytes(EN)
    found = [item for item in read(tmp_path, lines=3) if isinstance(item, Record)]
    assert [(item.metadata["pair"], item.text, item.metadata["lines"]) for item in found] == [
        ("c.de-en:1", "Eins.\nDrei.", 2), ("c.de-en:1", "One.\nThree.", 2),
        ("c.de-en:4", "Vier\nSechs", 2), ("c.de-en:4", "Four\nSix", 2),
    ]  # fmt: skip


def test_what_is_not_aligned_is_refused_with_its_numbers(tmp_path: Path) -> None:
    (tmp_path / "c.de").write_bytes(DE)
    (tmp_path / "c.en").write_bytes(EN + b"Seven\nEight\n")
    with pytest.raises(SourceError, match="not aligned: 6 in de and 8 in en lines"):
        read(tmp_path)
    (tmp_path / "c.en").unlink()
    with pytest.raises(SourceError, match="two sides"):
        read(tmp_path)


def test_tables_and_what_is_wrong_with_them(tmp_path: Path) -> None:
    table = tmp_path / "WikiMatrix.en-fr.tsv"
    table.write_bytes(
        b"1.1\tOne\tUn\n0.9\tTwo\n0.8\t" + b"x" * 2_000 + b"\tlong\n0.7\tNul\0\0\tNul\n0.6\tSix\tSix\textra\n"
    )
    items = read(tmp_path, columns=[2, 3], max_document_bytes=1_000)
    assert told(items) == [
        ("WikiMatrix.en-fr:1", "en", 1, "One"), ("WikiMatrix.en-fr:1", "fr", 2, "Un"), (2, "ragged_row"), (3, "too_large"),
        (4, "binary"), ("WikiMatrix.en-fr:5", "en", 1, "Six"), ("WikiMatrix.en-fr:5", "fr", 2, "Six"),
    ]  # fmt: skip
    table.rename(tmp_path / "pairs.tsv")
    with pytest.raises(SourceError, match="say languages"):
        read(tmp_path)
    assert len(read(tmp_path, columns=[2, 3], languages=["en", "fr"], max_document_bytes=1_000)) == 7
    (tmp_path / "pairs.tsv").write_bytes(b"")
    assert read(tmp_path, languages=["en", "fr"]) == []
    (tmp_path / "pairs.tsv").rename(tmp_path / "x.zip")
    (tmp_path / "x.zip").write_bytes(zipped({"c.de": DE, "c.en": EN})[:-40])
    with pytest.raises(SourceError, match="damaged"):
        read(tmp_path)


def test_sections_that_make_no_sense() -> None:
    for wrong in (
        {"languages": ["en", "en"]},
        {"languages": ["en", "../de"]},
        {"columns": [2, 2]},
        {"columns": [0, 1]},
    ):
        with pytest.raises(ValidationError):
            ParallelSource.model_validate({"name": "p", "paths": ["x.tsv"], **wrong})
    assert languages_named("ParaCrawl.v9.de-en.tsv.gz") == ("de", "en")
    assert languages_named("a-b_note-book.tsv") is None
