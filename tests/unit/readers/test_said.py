"""What a record says of itself comes before what its form shows, where it says it without doubt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tamis.readers.jsonl import JsonlSource
from tamis.readers.said import kind_said

PROSE = "A sentence that says something about nothing in particular, and then it ends.\n" * 5


@pytest.mark.parametrize(
    ("fields", "has_url", "kind"),
    [
        ({"language": "Python"}, True, "code"),
        ({"lang": "python"}, True, "code"),
        ({"programming_language": "C"}, True, "code"),
        ({"lang": "c"}, False, None),
        ({"language": "go"}, False, None),
        ({"language": "lua"}, False, None),
        ({"language": "en"}, False, None),
        ({"language": "TeX"}, False, "maths"),
        ({"ext": "rs"}, False, "code"),
        ({"extension": ".csv"}, True, "catalogue"),
        ({"ext": "md"}, False, None),
        ({"path": "src/Main.java"}, False, "code"),
        ({"path": "index.php"}, True, None),
        ({"max_stars_repo_path": "a/b/Makefile"}, False, "code"),
        ({"path": "pages/a.html"}, False, None),
        ({"filename": "notes"}, False, None),
        ({"language": 7, "path": None, "ext": ["py"]}, False, None),
        ({}, False, None),
    ],
)
def test_fields_that_name_a_kind(fields: dict[str, object], has_url: bool, kind: str | None) -> None:
    assert kind_said(fields, has_url=has_url) == kind


def test_records_of_a_collection_of_code(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [
        {"text": PROSE, "lang": "Python"},
        {"text": PROSE},
        {"text": PROSE, "path": "a.py", "url": "https://a.example/a.py"},
        {"text": PROSE, "path": "a.py"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    source = JsonlSource(name="s", paths=(str(path),))
    assert [record.kind for record in source.read(path)] == ["code", "prose", "prose", "code"]
    prose = JsonlSource(name="s", paths=(str(path),), kind="prose")
    assert [record.kind for record in prose.read(path)] == ["prose"] * 4
