"""Label files: what is read, what is left out and counted, and what is refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from pydantic import ValidationError

from tamis.classifiers import label_files
from tamis.classifiers.label_files import LabelFile
from tamis.errors import ConfigError, SourceError

CLASSES = ("bad", "good")


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if path.suffix == ".gz":
        text = gzip.compress(text)
    if path.suffix == ".zst":
        text = zstandard.compress(text)
    path.write_bytes(text)
    return path


def read(path: Path, **settings: Any) -> tuple[dict[str, tuple[str, float | None]], dict[str, int]]:
    found = label_files.read([LabelFile(path=path, **settings)], CLASSES, 1000)
    return {text.text: (text.label, text.grade) for text in found.texts}, dict(found.counts)


def test_names_are_mapped_and_others_are_left_out(tmp_path: Path) -> None:
    rows = [{"body": "fine", "grade": 5}, {"body": "spam", "grade": 0}, {"body": "?", "grade": 3}]
    settings = {"text": "body", "label": "grade", "classes": {"5": "good", "0": "bad"}}
    expected = {"fine": ("good", None), "spam": ("bad", None)}
    assert read(written(tmp_path / "a.jsonl", rows), **settings)[0] == expected
    pq.write_table(pa.table({"body": ["fine", "spam", "?"], "grade": [5.0, 0.0, 3.0]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", **settings)[0] == expected


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
def test_separators_of_lines_other_than_the_line_feed_break_nothing(tmp_path: Path, name: str) -> None:
    text = "one\u2028two\u2029three\u0085four\x0bfive\x0csix\x1cseven"
    path = written(tmp_path / name, [{"text": text, "label": "good"}, {"text": "other", "label": "bad"}])
    assert read(path)[0] == {text: ("good", None), "other": ("bad", None)}


def test_two_labels_teach_neither_and_copies_count_once(tmp_path: Path) -> None:
    rows = [
        ("a", "good"),
        ("a", "bad"),
        ("a", "good"),
        ("b", "bad"),
        ("b", "bad"),
        ("c", "good"),
        (" ", "bad"),
        ("d", None),
    ]
    path = written(tmp_path / "l.jsonl", [{"text": text, "label": label} for text, label in rows])
    found, counts = read(path)
    assert found == {"b": ("bad", None), "c": ("good", None)}
    assert counts["given two labels in files"] == 1
    assert counts["without a label in l.jsonl"] == counts["without text in l.jsonl"] == 1


def test_grades_are_kept_as_they_are(tmp_path: Path) -> None:
    path = written(
        tmp_path / "g.jsonl", [{"text": name, "label": value} for name, value in (("a", 0), ("b", 2), ("c", "5"))]
    )
    assert read(path, grades=(0, 5))[0] == {"a": ("bad", 0.0), "b": ("bad", 0.4), "c": ("good", 1.0)}
    for wrong in (6, "high", None, float("nan")):
        with pytest.raises((ConfigError, SourceError), match=r"g\.jsonl, line 2"):
            label_files.read(
                [
                    LabelFile(
                        path=written(
                            path,
                            [{"text": "a", "label": 1}, {"text": "b", "label": wrong}]
                            if wrong is not None
                            else [{"text": "a", "label": 1}, {"label": 2}],
                        ),
                        grades=(0, 5),
                    )
                ],
                CLASSES,
                10,
            )


def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    for content, message in (
        (b'{"text": "a", "label": "good"}\n{"text": "b"}\n', "line 2: expected a JSON object"),
        (b'{"text": "a", "label": "good"\n', "line 1"),
        (b'{"text": "\xff", "label": "good"}\n', "line 1"),
        (b'["a", "good"]\n', "line 1"),
        (b'{"text": null, "label": "good"}\n', "line 1: 'text' holds no text"),
        (b'{"text": 5, "label": "good"}\n', "line 1: 'text' holds no text"),
        (b'{"text": "\\ud800", "label": "good"}\n', "line 1: 'text' holds half of a surrogate pair"),
    ):
        path.write_bytes(content)
        with pytest.raises(SourceError, match=message):
            read(path)
    path.write_text('{"text": "a", "label": "godo"}\n')
    with pytest.raises(ConfigError, match="line 1: label 'godo' stands for 'godo'"):
        read(path)
    with pytest.raises(SourceError, match="correct `path`"):
        read(tmp_path / "none")
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(ConfigError, match="no column 'label'"):
        read(tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-30])
    with pytest.raises(SourceError, match="not a whole Parquet file"):
        read(tmp_path / "a.parquet")


def test_settings_that_contradict_are_refused() -> None:
    with pytest.raises(ValidationError, match="give one of them"):
        LabelFile(path=Path("a"), grades=(0, 5), classes={"5": "good"})
    with pytest.raises(ValidationError, match="does not ascend"):
        LabelFile(path=Path("a"), grades=(5, 0))
