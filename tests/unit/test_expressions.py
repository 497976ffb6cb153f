"""Expressions over columns: what is allowed has the answers of plain Python, and what is not is refused with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from documents import make_documents

from tamis.errors import SourceError
from tamis.expressions import FUNCTIONS, Conditions, connect
from tamis.schemas import documents_schema, with_column
from tests.faults.names import HOSTILE

SCHEMA = documents_schema(["language", "fasttext_quality"])
TEXTS = [
    "",
    "one",
    "Ωμέγα 日本語",
    "👩‍👩‍👧 family",
    "a'b\"c\nd -- e",
    "It's 100% {x}",
    "x" * 300,
    "\x00 nul",
    "مرحبا",
    "line\nbreak",
]
METADATA = [
    None,
    "{}",
    '{"fork": "false", "stars": 3}',
    '{"fork": false, "stars": "many"}',
    '{"fork": null}',
    '{"stars": 12.5, "tags": ["a", "b"]}',
    '{"a.b": "dots", "deep": {"x": "日本"}, "it\'s": 1}',
    '{"fork": "true", "tags": []}',
    '{"stars": -1}',
    '["not", "an", "object"]',
]


def some_documents() -> pa.Table:
    """Ten documents with nulls in every column that may hold one."""
    n = len(TEXTS)
    documents = make_documents(
        TEXTS,
        kind=["prose", "code"] * (n // 2),
        url=[None, *(f"https://example.org/{i}" for i in range(n - 1))],
        date=[None if i % 4 == 0 else datetime(2020 + i, 1, 1, tzinfo=UTC) for i in range(n)],
        metadata=METADATA,
        copies=list(range(1, n + 1)),
    )
    documents = with_column(documents, "language", pa.array(["de", "en", None, "ja", "de"] * 2))
    return with_column(documents, "fasttext_quality", pa.array([None, 0.1, 0.31, 0.9, None] * 2))


def field(row: dict[str, Any], name: str) -> Any:
    """A field of the metadata, None where there is none."""
    value = json.loads(row["metadata"] or "null")
    return value.get(name) if isinstance(value, dict) else None


def as_text(value: Any) -> str | None:
    """As JSON, but texts as they are."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def either(*values: bool | None) -> bool | None:
    """OR of three values."""
    return True if True in values else None if None in values else False


def known(value: Any, answer: Callable[[Any], bool]) -> bool | None:
    return None if value is None else answer(value)


ORACLES: dict[str, Callable[[dict[str, Any]], bool | None]] = {
    "length(text) >= 5": lambda row: len(row["text"]) >= 5,
    "text LIKE '%日本%' -- ends in a comment": lambda row: "日本" in row["text"],
    "text = 'a''b\"c\nd -- e'": lambda row: row["text"] == TEXTS[4],
    "contains(text, '%') OR upper(text) = 'ONE'": lambda row: "%" in row["text"] or row["text"] == "one",
    "(metadata->>'fork') = 'false'": lambda row: known(as_text(field(row, "fork")), lambda found: found == "false"),
    "metadata->>'$.deep.x' = '日本'": lambda row: known((field(row, "deep") or {}).get("x"), lambda x: x == "日本"),
    "json_extract_string(metadata, '$.\"a.b\"') = 'dots'": lambda row: known(field(row, "a.b"), lambda x: x == "dots"),
    "try_cast(metadata->>'stars' AS DOUBLE) > 3": lambda row: known(number(field(row, "stars")), lambda x: x > 3),
    "list_contains(json_extract_string(metadata, '$.tags[*]'), 'b')": lambda row: known(
        row["metadata"], lambda _: "b" in (field(row, "tags") or [])
    ),
    "fasttext_quality > 0.3 OR language = 'de'": lambda row: either(
        known(row["fasttext_quality"], lambda x: x > 0.3), known(row["language"], lambda x: x == "de")
    ),
    "coalesce(fasttext_quality > 0.3, true)": lambda row: (
        row["fasttext_quality"] is None or row["fasttext_quality"] > 0.3
    ),
    "fasttext_quality IS NULL": lambda row: row["fasttext_quality"] is None,
    "date >= '2023-01-01' AND year(date) < 2027": lambda row: known(row["date"], lambda date: 2023 <= date.year < 2027),
    "strftime(date, '%Y-%m-%d %H') = '2025-01-01 00'": lambda row: known(row["date"], lambda date: date.year == 2025),
    "kind NOT IN ('code', 'maths')": lambda row: row["kind"] == "prose",
    "copies BETWEEN 2 AND 4": lambda row: 2 <= row["copies"] <= 4,
    "CASE WHEN language = 'de' THEN copies > 5 ELSE true END": lambda row: row["language"] != "de" or row["copies"] > 5,
    "len(string_split(TEXT, chr(10))) > 1": lambda row: "\n" in row["text"],
    "regexp_matches(text, '[^\\x00-\\x7F]')": lambda row: not row["text"].isascii(),
}


@pytest.mark.parametrize("text", ORACLES)
def test_answers_are_those_of_plain_python(text: str) -> None:
    documents = some_documents()
    conditions = Conditions({"it": text}, documents.schema)
    assert conditions.refused == {}
    expected = [ORACLES[text](row) for row in documents.to_pylist()]
    assert len(set(expected)) > 1
    codes = {True: 1, False: 0, None: -1}
    assert conditions.ask(documents)["it"].tolist() == [codes[answer] for answer in expected]
    for rows in (1, 3):
        parts = [conditions.ask(documents.slice(at, rows))["it"].tolist() for at in range(0, len(TEXTS), rows)]
        assert [answer for part in parts for answer in part] == [codes[answer] for answer in expected]
    assert conditions.ask(documents.slice(0, 0))["it"].tolist() == []


def test_equal_expressions_of_several_names_and_names_that_are_sql() -> None:
    texts = {"a": "copies > 3", "b": "copies > 3", "c0": "copies < 2", "from": "copies = 1"}
    answers = Conditions(texts, SCHEMA).ask(some_documents())
    assert {name: int((answer == 1).sum()) for name, answer in answers.items()} == {"a": 7, "b": 7, "c0": 1, "from": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("random() < 0.5 AND copies > 0", "must not call random()"),
        ("now() > date", "must not call now()"),
        ("age(date) > INTERVAL 1 DAY", "must not call age()"),
        ("date < current_date", "no column 'current_date'"),
        ("date < current_timestamp", "current_timestamp"),
        ("current_setting('threads') = text", "must not call current_setting()"),
        ("getvariable('x') = text", "must not call getvariable()"),
        ("read_text('/etc/passwd') = text", "must not call read_text()"),
        ("text IN (FROM read_text('/etc/passwd'))", "subqueries"),
        ("text IN (SELECT content FROM '/etc/passwd')", "subqueries"),
        ("EXISTS (SELECT 1)", "subqueries"),
        ("copies = ANY ([1, 2])", "subqueries"),
        ("count(*) > 1", "must not call count_star()"),
        ("sum(copies) > 1", "must not call sum()"),
        ("sum(copies) OVER () > 1", "window functions"),
        ("row_number() OVER () > copies", "window functions"),
        ("unnest([copies]) = 1", "must not call unnest()"),
        ("list_filter([copies], x -> x > 1) = [1]", "must not call list_filter()"),
        ("list_aggregate([copies], 'reservoir_quantile', 0.5) = 1", "must not call list_aggregate()"),
        ("nextval('s') = copies", "must not call nextval()"),
        ("sleep_ms(1000) IS NULL AND copies > 0", "must not call sleep_ms()"),
        ("copies > 1; DROP TABLE documents", "no SQL expression"),
        ("copies > 1) FROM documents WHERE (true", "more than an expression"),
        ("copies > 1), (copies > 2", "more than an expression"),
        ("copies > 1) UNION ALL SELECT (true", "more than an expression"),
        ("copies > 1) FROM documents ORDER BY (copies", "more than an expression"),
        ("copies > 1 LIMIT 1", "no SQL expression"),
        ("copies > 1 /*", "no SQL expression"),
        ("ATTACH '/tmp/x.db'", "reads no column"),
        ("INSTALL httpfs", "no SQL expression"),
        ("COPY documents TO '/tmp/x'", "no SQL expression"),
        ("*", "stand for many columns"),
        ("COLUMNS(*) IS NULL", "stand for many columns"),
        ("copies = $1", "parameters"),
        ("text = #1", "POSITIONAL_REFERENCE"),
        ("rowid > 1", "no column 'rowid'"),
        ("fasttext_qualty > 0.3", "fasttext_quality?"),
        ('source = "web"', "single quotes"),
        ("metadata.licence = 'MIT'", "(metadata->>'$.licence')"),
        ("documents.copies > 1", "no column 'documents.copies'"),
        ("text.md5() = 'x'", "write md5("),
        ("copies", "gives INTEGER, not true or false"),
        ("metadata->>'fork'", "not true or false"),
        ("1 = 1", "reads no column"),
        ("--", "reads no column"),
        ("regexp_matches(text, '(')", "is refused by DuckDB"),
        ("copies > [1]", "is refused by DuckDB"),
        ("text = '\ud800'", "not UTF-8"),
        ("(" * 3000 + "copies > 1" + ")" * 3000, ""),
    ],
)
def test_what_is_no_condition_over_one_document_is_refused(text: str, reason: str) -> None:
    conditions = Conditions({"good": "copies > 0", "bad": text}, SCHEMA)
    assert list(conditions.refused) == ["bad"]
    assert reason in str(conditions.refused["bad"])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_refused(text: str) -> None:
    assert list(Conditions({"it": text}, SCHEMA).refused) == ["it"]


def test_every_function_that_may_be_called_is_consistent() -> None:
    # `->` is the parser's lambda, ifnull its COALESCE.
    rows = duckdb.execute("SELECT function_name, function_type, stability FROM duckdb_functions()").fetchall()
    consistent = {name for name, kind, stability in rows if (kind, stability) == ("scalar", "CONSISTENT")}
    others = {name for name, kind, stability in rows if kind == "scalar" and stability != "CONSISTENT"}
    macros = {name for name, kind, _ in rows if kind == "macro"}
    assert others & FUNCTIONS == set()
    assert FUNCTIONS - consistent - macros == {"->", "ifnull"}
    assert sorted(FUNCTIONS & macros - consistent) == [
        *("array_to_string", "if", "list_avg", "list_count", "list_first", "list_last", "list_max", "list_min"),
        *("list_sum", "nullif", "split_part"),
    ]


def test_the_connection_reads_and_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.csv").write_text("a\n1\n", encoding="utf-8")
    connection = connect()
    for query in (
        "FROM 'file.csv'",
        "FROM read_text('file.csv')",
        "ATTACH 'new.db'",
        "COPY (SELECT 1) TO 'new.csv'",
        "INSTALL httpfs",
        "SET threads = 4",
        "SET enable_external_access = true",
        "SET TimeZone = 'Asia/Tokyo'",
        "FROM connection",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(query).fetchall()
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]


def test_an_answer_that_fails_names_expression_document_and_remedy() -> None:
    documents = some_documents()
    conditions = Conditions(
        {"long": "length(text) >= 0", "stars": "(metadata->>'stars')::DOUBLE > 2"}, documents.schema
    )
    with pytest.raises(SourceError, match=r"filter\.keep\.stars .*TRY_CAST") as raised:
        conditions.ask(documents)
    assert documents["id"][3].as_py() in str(raised.value)
    assert "many" in str(raised.value)


def test_the_time_zone_of_the_machine_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = make_documents(["x"], date=[datetime(2024, 1, 1, 23, 30, tzinfo=UTC)])
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    answers = Conditions(
        {"day": "day(date) = 1", "text": "date::VARCHAR LIKE '2024-01-01 23:30:00%'"}, documents.schema
    )
    assert {name: answer.tolist() for name, answer in answers.ask(documents).items()} == {"day": [1], "text": [1]}
