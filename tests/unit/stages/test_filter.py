"""The filter: what stays, what the ledger says of the others, and what the configuration refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from documents import in_batches, make_documents
from pydantic import ValidationError

from tamis.checksums import canonical
from tamis.config import load
from tamis.errors import ConfigError, SchemaError, SourceError
from tamis.schemas import with_column
from tamis.shards import read_documents, read_json, read_table, write_table
from tamis.stages import filter as stage
from tamis.stages.filter import Config
from tests.faults.names import HOSTILE

KEEP = {
    "long_enough": "length(text) >= 4",
    "no_forks": "(metadata->>'fork') = 'false'",
    "liked": "fasttext_quality > 0.3 OR language = 'de'",
}


def some_documents(rows: int = 60) -> pa.Table:
    documents = make_documents(
        ["日" * (i % 7) for i in range(rows)],
        kind=["prose", "code", "licence"] * (rows // 3),
        metadata=[None if i % 5 == 0 else json.dumps({"fork": ["false", "true"][i % 11 == 0]}) for i in range(rows)],
    )
    documents = with_column(documents, "language", pa.array(["de" if i % 2 else "en" for i in range(rows)]))
    scores = [None if i % 13 == 0 else (i % 10) / 10 for i in range(rows)]
    return with_column(documents, "fasttext_quality", pa.array(scores))


def apply(folder: Path, documents: Path, config: Config) -> dict[str, bytes]:
    """Run the job; its files."""
    paths = {name: folder / name for name in ("kept", "dropped", "stats")}
    stage.run_apply(config, shard=1, documents=documents, **paths)
    return {name: path.read_bytes() for name, path in paths.items()}


def test_what_stays_and_the_reason_of_the_others(tmp_path: Path) -> None:
    documents = some_documents()
    write_table(tmp_path / "in.parquet", documents)
    apply(tmp_path, tmp_path / "in.parquet", Config(keep=KEEP, applies_to=("prose", "code")))

    table = pl.from_arrow(documents)
    assert isinstance(table, pl.DataFrame)
    asked = pl.col("kind").is_in(["prose", "code"])
    conditions = {
        "long_enough": pl.col("text").str.len_chars() >= 4,
        "no_forks": pl.col("metadata").str.json_path_match("$.fork") == "false",
        "liked": (pl.col("fasttext_quality") > 0.3) | (pl.col("language") == "de"),
    }
    reason = pl.when(~asked).then(None)
    for name, condition in sorted(conditions.items()):
        reason = reason.when(condition.fill_null(value=False).not_()).then(pl.lit(name))
    expected = table.with_columns(reason=reason.otherwise(None))
    assert (
        read_documents(tmp_path / "kept")["id"].to_pylist()
        == expected.filter(pl.col("reason").is_null())["id"].to_list()
    )
    gone = expected.filter(pl.col("reason").is_not_null())
    ledger = read_table(tmp_path / "dropped")
    assert ledger.select(["id", "reason"]).to_pylist() == gone.select("id", "reason").to_dicts()
    assert set(ledger["reason"].to_pylist()) == set(KEEP)
    assert ledger["value"].null_count == ledger["threshold"].null_count == ledger.num_rows

    notes = read_json(tmp_path / "stats")["notes"]
    of_kind = table.filter(asked)
    for name, condition in conditions.items():
        assert notes[f"fails_{name}"] == of_kind.select((~condition).sum()).item()
        assert notes[f"null_{name}"] == of_kind.select(condition.is_null().sum()).item()
    assert notes["null_no_forks"] > 0
    assert len(notes) == 2 * len(KEEP)


def test_files_do_not_depend_on_what_is_read_at_once(tmp_path: Path) -> None:
    documents = some_documents()
    write_table(tmp_path / "in.parquet", documents)
    whole = apply(tmp_path / "whole", tmp_path / "in.parquet", Config(keep=KEEP))
    with in_batches(documents):
        assert apply(tmp_path / "batches", tmp_path / "in.parquet", Config(keep=KEEP)) == whole


def test_a_shard_without_documents_has_all_files(tmp_path: Path) -> None:
    write_table(tmp_path / "in.parquet", some_documents().slice(0, 0))
    apply(tmp_path, tmp_path / "in.parquet", Config(keep=KEEP))
    assert read_documents(tmp_path / "kept").num_rows == read_table(tmp_path / "dropped").num_rows == 0
    assert set(read_json(tmp_path / "stats")["notes"].values()) == {0}


def test_kinds_that_are_not_asked_of_need_no_answer(tmp_path: Path) -> None:
    write_table(tmp_path / "in.parquet", make_documents(["7", "seven"], kind=["code", "prose"]))
    config = Config(keep={"small": "text::INTEGER < 9"}, applies_to=("code",))
    apply(tmp_path, tmp_path / "in.parquet", config)
    assert read_documents(tmp_path / "kept").num_rows == 2
    with pytest.raises(SourceError, match=r"filter\.keep\.small .*seven"):
        apply(tmp_path / "all", tmp_path / "in.parquet", Config(keep=config.keep))
    assert not (tmp_path / "all" / "kept").exists()


def test_documents_of_another_configuration_are_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "in.parquet", make_documents(["one"]))
    with pytest.raises(SchemaError, match=r"filter\.keep\.liked: there is no column 'fasttext_quality'"):
        apply(tmp_path, tmp_path / "in.parquet", Config(keep=KEEP))


def whole(pipeline: list[str], keep: Any, **more: Any) -> dict[str, Any]:
    """A configuration."""
    source = {"name": "web", "format": "jsonl", "paths": ["x.jsonl"]}
    return {"sources": [source], "pipeline": pipeline, "filter": {"keep": keep}, **more}


def refusal(pipeline: list[str], keep: Any, **more: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        load(whole(pipeline, keep, **more))
    return str(raised.value)


def test_expressions_are_checked_against_the_columns_at_their_place() -> None:
    keep = {"german": "language = 'de'"}
    load(whole(["language_id", "filter"], keep))
    assert (
        "filter.keep.german: reads language, which no stage before filter makes (language is made by language_id)"
        in (refusal(["filter", "language_id"], keep))
    )
    assert "filter.keep.few: reads tokens" in refusal(["filter"], {"few": "tokens < 9"})
    found = refusal(["filter"], {"a": "lenght(text) > 1", "b": "copis > 1", "c": "copies > 1"})
    assert "filter.keep.a: must not call lenght()" in found
    assert "length?" in found
    assert "filter.keep.b: there is no column 'copis' here; copies?" in found
    assert "filter.keep.c" not in found


def test_a_filter_without_expressions_is_refused() -> None:
    assert "filter.keep: names no expression" in refusal(["filter"], {})


def test_a_stage_that_is_left_out_is_not_checked() -> None:
    load(whole([], {"german": "language = 'de'"}))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_refused_and_the_key_named(text: str) -> None:
    assert "filter.keep.third" in refusal(["filter"], {"third": text})


@pytest.mark.parametrize("name", [*HOSTILE[:16], "Capital", "two words", "", "_x", "a-b", "ä"])
def test_names_that_are_none_are_refused(name: str) -> None:
    assert "filter.keep" in refusal(["filter"], {name: "copies > 1"})


@pytest.mark.parametrize("text", ["", "copies > 1 OR " * 1000 + "copies > 2", 7, None, ["copies > 1"]])
def test_what_is_no_text_of_bounded_length_is_refused(text: Any) -> None:
    with pytest.raises(ValidationError):
        Config(keep={"it": text})


def test_the_order_of_the_expressions_is_no_matter(tmp_path: Path) -> None:
    write_table(tmp_path / "in.parquet", some_documents())
    forth, back = Config(keep=KEEP), Config(keep=dict(reversed(KEEP.items())))
    assert apply(tmp_path / "forth", tmp_path / "in.parquet", forth) == apply(
        tmp_path / "back", tmp_path / "in.parquet", back
    )


def test_config_survives_its_canonical_json() -> None:
    config = Config(keep=KEEP, applies_to=("code",))
    assert Config.model_validate(json.loads(canonical(config.model_dump(mode="json")))) == config
