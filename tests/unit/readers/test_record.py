"""What all formats share: texts, dates, files, kinds."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tamis.errors import SourceError
from tamis.readers import AnySource, Record, Skip
from tamis.readers.jsonl import JsonlSource
from tamis.readers.record import make
from tamis.readers.releases import ReleasesSource
from tamis.readers.values import json_value, parse_date, shorten
from tamis.schemas import KINDS

SOURCE = JsonlSource(name="here", paths=("x",))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-05-06T07:08:09Z", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("2024-05-06T07:08:09.987+02:00", datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC)),
        ("2024-05-06 07:08", datetime(2024, 5, 6, 7, 8, tzinfo=UTC)),
        ("20240506", datetime(2024, 5, 6, tzinfo=UTC)),
        ("2024-05", datetime(2024, 5, 1, tzinfo=UTC)),
        (" 1851 ", datetime(1851, 1, 1, tzinfo=UTC)),
        (1851, datetime(1851, 1, 1, tzinfo=UTC)),
        (1714979289, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        (1714979289.9, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("1714979289", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        (-86400, datetime(1969, 12, 31, tzinfo=UTC)),
        (20200101, datetime(2020, 1, 1, tzinfo=UTC)),
        (20200101.0, datetime(2020, 1, 1, tzinfo=UTC)),
        (20200101123456, datetime(2020, 1, 1, 12, 34, 56, tzinfo=UTC)),
        ("20200101123456", datetime(2020, 1, 1, 12, 34, 56, tzinfo=UTC)),
        ("202001011234", datetime(2020, 1, 1, 12, 34, tzinfo=UTC)),
        # No day of the calendar, or none of our time: seconds since 1970.
        (20201301, datetime(1970, 8, 22, 19, 28, 21, tzinfo=UTC)),
        (19700101, datetime(1970, 8, 17, 0, 15, 1, tzinfo=UTC)),
        ("20201301123456", None),
        # Nobody has written anything then.
        ("2100-12-31T23:59:59Z", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2101-01-01", None),
        ("2100-12-31T23:59:59-01:00", None),
        (9999, None),
        (99999999999, None),
        (datetime(2262, 1, 1, tzinfo=UTC), None),
        (date(2101, 1, 1), None),
        (date(2024, 5, 6), datetime(2024, 5, 6, tzinfo=UTC)),
        (datetime(2024, 5, 6, 1, tzinfo=timezone(timedelta(hours=2))), datetime(2024, 5, 5, 23, tzinfo=UTC)),
        ("yesterday", None),
        ("2024-13-01", None),
        ("", None),
        (True, None),
        (float("nan"), None),
        (1e300, None),
        ("9" * 5000, None),
        (["2024"], None),
        (None, None),
    ],
)
def test_dates_are_read_from_every_usual_form(value: object, expected: datetime | None) -> None:
    assert parse_date(value) == expected


@given(st.one_of(st.text(), st.floats(), st.integers(), st.datetimes(), st.none(), st.lists(st.text())))
def test_a_date_is_whole_seconds_in_utc_or_nothing(value: object) -> None:
    when = parse_date(value)
    assert when is None or (when.tzinfo is UTC and when.microsecond == 0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "null_text"),
        (12, "not_text"),
        (["a"], "not_text"),
        ("", "empty_text"),
        (" \t\r\n\u3000", "empty_text"),
        ("\0\0\0", "binary"),
        ("a\0b\0c\0", "binary"),
        ("lone \ud800 surrogate", "invalid_unicode"),
    ],
)
def test_what_is_no_text_is_skipped_with_its_reason(text: object, reason: str) -> None:
    skip = make(SOURCE, "file", 3, text)
    assert isinstance(skip, Skip)
    assert (skip.path, skip.record, skip.reason) == ("file", 3, reason)
    assert skip.detail


def test_a_few_nuls_are_taken_out_and_counted() -> None:
    record = make(SOURCE, "file", 1, "x" * 5000 + "\0y\0", metadata={"a": 1})
    assert isinstance(record, Record)
    assert record.text == "x" * 5000 + "y"
    assert record.metadata == {"a": 1, "removed_nuls": 2}


def test_line_ends_and_byte_order_marks_are_made_one() -> None:
    record = make(SOURCE, "file", 1, "\ufeffone\r\ntwo\rthree\n")
    assert isinstance(record, Record)
    assert record.text == "one\ntwo\nthree\n"


def test_a_bad_date_and_a_bad_url_stay_in_the_metadata() -> None:
    record = make(SOURCE, "file", 1, "text", url=7, date="soon", metadata={"id": "a"})
    assert isinstance(record, Record)
    assert (record.url, record.date) == (None, None)
    assert record.metadata == {"id": "a", "date": "soon", "url": 7}


@given(st.text())
def test_every_record_can_be_written_as_utf8_and_json(text: str) -> None:
    made = make(SOURCE, "file", 1, text, metadata={"field": text, text: [text, float("inf"), b"\xff"]})
    if isinstance(made, Record):
        made.text.encode("utf-8")
        assert made.kind in KINDS
        assert "\0" not in made.text
        json.dumps(made.metadata, allow_nan=False, ensure_ascii=False).encode("utf-8")


def test_metadata_values_become_json() -> None:
    value = {
        "when": datetime(2024, 1, 1, tzinfo=UTC),
        "raw": b"\x00\xff",
        "bad": "\udc80",
        "many": (1, None, float("nan")),
    }
    assert json_value(value) == {
        "when": "2024-01-01T00:00:00+00:00",
        "raw": "00ff",
        "bad": "?",
        "many": [1, None, "nan"],
    }


def test_details_are_short_and_printable() -> None:
    assert shorten("a\nb\x1b[31m\ud800") == "a b�[31m\\ud800"
    assert len(shorten("x" * 10_000)) == 200


def test_files_are_sorted_unique_and_follow_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b/2.jsonl", "a/1.jsonl", "a/[odd].jsonl", "a/deep/3.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    source = JsonlSource(name="s", paths=("b/*.jsonl", "a/**/*.jsonl", "a/1.jsonl", "a/[odd].jsonl"))
    expected = ["a/1.jsonl", "a/[odd].jsonl", "a/deep/3.jsonl", "b/2.jsonl"]
    assert [path.as_posix() for path in source.input_files()] == expected


@pytest.mark.parametrize("pattern", ["missing.jsonl", "none/*.jsonl", "folder"])
def test_a_path_that_gives_no_file_is_an_error_that_names_it(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=f"'s'.*{pattern[:4]}"):
        JsonlSource(name="s", paths=(pattern,)).input_files()


def test_a_source_without_paths_is_an_error() -> None:
    with pytest.raises(SourceError, match="paths is empty"):
        JsonlSource(name="s").input_files()


def test_the_format_chooses_the_section_and_unknown_keys_are_refused() -> None:
    adapter = TypeAdapter(AnySource)
    source = adapter.validate_python({"name": "a", "format": "jsonl", "paths": ["x"]})
    assert isinstance(source, JsonlSource)
    assert adapter.validate_python(source.model_dump(mode="json")) == source
    for wrong in (
        {"name": "a", "format": "xml", "paths": ["x"]},
        {"name": "A b", "format": "jsonl", "paths": ["x"]},
        {"name": "a", "format": "jsonl", "paths": ["x"], "txt_field": "t"},
        {"name": "a", "format": "releases"},
        {"name": "a", "format": "releases", "paths": ["x"], "requirements": "y"},
        {"name": "a", "format": "releases", "paths": ["x"], "projects": ["y"]},
    ):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


def test_every_field_of_every_source_is_described() -> None:
    for model in (JsonlSource, ReleasesSource):
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"
