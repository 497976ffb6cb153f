"""The job of the heuristics: what it writes, whatever it reads at once. The rules are in tests/unit/heuristics/."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest
from documents import in_batches, make_documents
from well_formed import CODE, GOOD, documents_of

from tamis.errors import SchemaError
from tamis.heuristics.rules import RULES
from tamis.section import canonical
from tamis.shards import read_documents, read_json, read_table, write_table
from tamis.stages import heuristics
from tamis.stages.heuristics import Config


def apply(folder: Path, documents: Path) -> dict[str, bytes]:
    """Run the job; its files."""
    paths = {name: folder / name for name in ("kept", "dropped", "stats")}
    heuristics.run_apply(Config(), shard=3, documents=documents, **paths)
    return {name: path.read_bytes() for name, path in paths.items()}


def test_run_writes_ledger_with_value_and_threshold(tmp_path: Path) -> None:
    without = re.sub(r"\b(the|be|to|of|and|that|have|with)\b", "x", GOOD, flags=re.IGNORECASE)
    texts = [GOOD, "short", GOOD + " Lorem ipsum.", without]
    write_table(tmp_path / "in.parquet", documents_of(texts))
    apply(tmp_path, tmp_path / "in.parquet")
    assert read_documents(tmp_path / "kept")["text"].to_pylist() == [GOOD]
    ledger = read_table(tmp_path / "dropped").select(["reason", "value", "threshold", "chars"]).to_pylist()
    assert ledger == [
        {"reason": "too_few_characters", "value": 5.0, "threshold": 100.0, "chars": 5},
        {"reason": "c4_lorem_ipsum", "value": 1.0, "threshold": 0.0, "chars": len(GOOD) + 13},
        {"reason": "gopher_stop_words", "value": 0.0, "threshold": 2.0, "chars": len(without)},
    ]
    notes = read_json(tmp_path / "stats")["notes"]
    assert notes["fails_too_few_characters"] == 1
    assert set(notes) == {f"fails_{rule.reason}" for rule in RULES}


def test_documents_without_a_language_are_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "in.parquet", make_documents([GOOD]))
    with pytest.raises(SchemaError, match="language_id"):
        apply(tmp_path, tmp_path / "in.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_files_do_not_depend_on_what_is_read_at_once(tmp_path: Path) -> None:
    texts = [GOOD, "short", CODE, GOOD + " {", "筛子细粒 " * 30, "筛子", "a\n" * 200, GOOD * 2, ""] * 3
    kinds = (["prose"] * 6 + ["code", "maths", "licence"]) * 3
    documents = documents_of(texts)
    documents = documents.set_column(documents.column_names.index("kind"), "kind", pa.array(kinds, pa.string()))
    path = tmp_path / "in.parquet"
    write_table(path, documents)
    whole = apply(tmp_path / "whole", path)
    with in_batches(documents):
        assert apply(tmp_path / "batches", path) == whole
    notes = read_json(tmp_path / "whole" / "stats")["notes"]
    assert notes["fails_too_few_characters"] == 9
    assert 0 < read_documents(tmp_path / "whole" / "kept").num_rows < len(texts)


def test_a_shard_without_documents_has_all_files(tmp_path: Path) -> None:
    write_table(tmp_path / "in.parquet", documents_of([GOOD]).slice(0, 0))
    apply(tmp_path, tmp_path / "in.parquet")
    assert read_documents(tmp_path / "kept").num_rows == 0
    assert set(read_json(tmp_path / "stats")["notes"].values()) == {0}


def test_config_survives_its_canonical_json() -> None:
    import json

    config = Config(words="tokens", c4={"max_curly_bracket_lines": 0}, fineweb=False)
    assert Config.model_validate(json.loads(canonical(config.model_dump(mode="json")))) == config
