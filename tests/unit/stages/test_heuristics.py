"""The jobs of the heuristics: what they write, whatever they read at once. The rules are in tests/unit/heuristics/."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from documents import in_batches, make_documents
from well_formed import CODE, GOOD, documents_of

from tamis import barrier
from tamis.checksums import canonical
from tamis.classifiers.scores import beside
from tamis.errors import SchemaError, ShardMismatchError
from tamis.heuristics.decisions import decide
from tamis.heuristics.metrics import as_columns, measure, metrics_of
from tamis.heuristics.rules import COLUMNS, RULES
from tamis.shards import read_documents, read_json, read_table, write_table
from tamis.stages import heuristics
from tamis.stages.heuristics import Config

FILES = ("scores", "kept", "dropped", "stats")


def apply(folder: Path, documents: Path, config: Config | None = None) -> dict[str, bytes]:
    """Run the jobs of a shard; their files."""
    config = config or Config()
    paths = {name: folder / name for name in FILES}
    heuristics.run_score(config, documents=documents, scores=paths["scores"])
    heuristics.run_apply(config, shard=3, documents=documents, **paths)
    return {name: path.read_bytes() for name, path in paths.items()}


def test_run_writes_ledger_with_value_and_threshold(tmp_path: Path) -> None:
    without = re.sub(r"\b(the|be|to|of|and|that|have|with)\b", "x", GOOD, flags=re.IGNORECASE)
    texts = [GOOD, "short", GOOD + " Lorem ipsum.", without]
    write_table(tmp_path / "in.parquet", documents_of(texts))
    apply(tmp_path, tmp_path / "in.parquet")
    words = len(texts[2].split())
    assert read_documents(tmp_path / "kept")["text"].to_pylist() == [GOOD]
    ledger = read_table(tmp_path / "dropped").select(["reason", "value", "threshold", "chars"]).to_pylist()
    assert ledger == [
        {"reason": "too_few_characters", "value": 5.0, "threshold": 100.0, "chars": 5},
        {"reason": "c4_lorem_ipsum", "value": 1 / words, "threshold": 0.005, "chars": len(GOOD) + 13},
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


@pytest.fixture(name="mixed")
def _mixed(tmp_path: Path) -> Path:
    """Documents of every kind, good and bad, in three languages."""
    texts = [GOOD, "short", CODE, GOOD + " {", "筛子细粒 " * 30, "a\n" * 200, "", "x" * 5000] * 3
    kinds = (["prose"] * 5 + ["code", "maths", "licence"]) * 3
    documents = documents_of(texts)
    for name, values in (("kind", kinds), ("language", ["en"] * 8 + ["zh"] * 8 + ["de"] * 8)):
        documents = documents.set_column(documents.column_names.index(name), name, pa.array(values, pa.string()))
    write_table(tmp_path / "mixed.parquet", documents)
    return tmp_path / "mixed.parquet"


def test_scores_hold_every_metric_of_every_document(tmp_path: Path, mixed: Path) -> None:
    apply(tmp_path, mixed)
    documents, scores = read_documents(mixed), read_table(tmp_path / "scores")
    for name in ("id", "source", "kind", "language"):
        assert scores[name].to_pylist() == documents[name].to_pylist()
    assert scores.column_names == ["id", "source", "kind", "language", *COLUMNS]
    assert scores["size_characters"].to_pylist() == [len(text) for text in documents["text"].to_pylist()]
    # Prose is measured as code is, and code as prose; what is not defined is null, never NaN.
    for kind in ("prose", "code", "maths", "licence"):
        rows = scores.filter(pc.and_(pc.equal(scores["kind"], kind), pc.greater(scores["size_characters"], 0)))
        assert rows["code_longest_line"].null_count == rows["fineweb_newline_ratio"].null_count == 0
    # The empty text has no words of which some could be such.
    assert scores["gopher_quality_stop_words"].null_count == 3
    assert not pc.any(pc.is_nan(scores["code_generated_mark_line"])).as_py()
    assert scores["code_generated_mark_line"].null_count == len(scores)


@pytest.mark.parametrize(
    "changes",
    [
        {"gopher_quality": {"min_words": 3}},
        {"fineweb": False, "size": None},
        {"languages": {"zh": {"size": {"min_characters": 4}}}},
        {"c4": {"applies_to": ["code"]}, "code": {"generated_lines": None}},
    ],
    ids=str,
)
def test_scores_do_not_depend_on_what_only_decides(tmp_path: Path, mixed: Path, changes: dict[str, Any]) -> None:
    before = apply(tmp_path / "before", mixed)
    config = Config.model_validate(changes)
    after = apply(tmp_path / "after", mixed, config)
    assert after["scores"] == before["scores"]
    assert after["stats"] != before["stats"]
    # So what an earlier run measured serves.
    paths = {name: tmp_path / "moved" / name for name in FILES[1:]}
    heuristics.run_apply(config, shard=3, documents=mixed, scores=tmp_path / "before/scores", **paths)
    assert {name: path.read_bytes() for name, path in paths.items()} == {name: after[name] for name in paths}


def test_scores_lose_no_bit(tmp_path: Path, mixed: Path) -> None:
    documents = read_documents(mixed)
    measured = measure(documents, Config())
    # Just beyond a threshold, where float32 has the threshold itself.
    measured["fineweb_short_line_share"][:3] = np.nextafter(0.67, [0, 0.67, 1])
    write_table(tmp_path / "scores", as_columns(documents, measured))
    pairs = list(beside(mixed, tmp_path / "scores", COLUMNS))
    found = metrics_of(pa.concat_tables([rows for _, rows in pairs]))
    for name in COLUMNS:
        np.testing.assert_array_equal(found[name], measured[name])
    config = Config.model_validate(dict.fromkeys(("size", "gopher_repetition", "gopher_quality", "c4")))
    decision = decide(documents, found, config)
    assert decision.value[2] == np.nextafter(0.67, 1)
    assert [RULES[rule].reason for rule in decision.rule[2:3]] == ["fineweb_short_lines"]
    assert "fineweb_short_lines" not in {RULES[rule].reason for rule in decision.rule[:2] if rule >= 0}


def test_scores_of_other_documents_are_refused(tmp_path: Path, mixed: Path) -> None:
    apply(tmp_path, mixed)
    write_table(tmp_path / "other.parquet", read_documents(mixed).slice(1))
    paths = {name: tmp_path / name for name in FILES}
    with pytest.raises(ShardMismatchError, match="not of the documents"):
        heuristics.run_apply(Config(), shard=3, documents=tmp_path / "other.parquet", **paths)


def test_fitted_thresholds_are_used_and_named_in_the_ledger(tmp_path: Path) -> None:
    # Words of one length: English of eight letters, the other language of nine to twelve.
    english = [" ".join(["abcdefgh"] * 60 + ["ab"] * at) for at in range(20)]
    other = [" ".join(["x" * (9 + at % 4)] * 60 + ["ab"] * at) for at in range(20)]
    off = dict.fromkeys(("size", "gopher_repetition", "c4", "fineweb"), False)
    config = Config.model_validate(
        off
        | {"thresholds": "fitted", "fitting": {"min_documents": 20}}
        | {"gopher_quality": {"max_mean_word_length": 7.9, "min_stop_words": None}}
    )
    documents = documents_of(english + other)
    languages = pa.array(["en"] * 20 + ["qu"] * 20, pa.string())
    documents = documents.set_column(documents.column_names.index("language"), "language", languages)
    path = tmp_path / "in.parquet"
    write_table(path, documents)
    paths = {name: tmp_path / name for name in FILES}
    heuristics.run_score(config, documents=path, scores=paths["scores"])
    barrier.write(tmp_path / "barrier.json", *_as_folder(tmp_path, paths["scores"]))
    heuristics.run_fit(config, barrier=tmp_path / "barrier.json", output=tmp_path / "thresholds.json")
    heuristics.run_apply(config, shard=0, documents=path, thresholds=tmp_path / "thresholds.json", **paths)
    found = read_json(tmp_path / "thresholds.json")
    yardstick = found["yardstick"]["thresholds"]["gopher_quality"]["max_mean_word_length"]
    fitted = found["languages"]["qu"]["thresholds"]["gopher_quality"]["max_mean_word_length"]
    assert fitted["documents"] == yardstick["documents"] == 20
    assert fitted["threshold"] == 7.9 * (fitted["median"] / yardstick["median"])
    assert 7.9 < fitted["threshold"] < 12
    ledger = read_table(paths["dropped"]).to_pylist()
    dropped = {(row["threshold"], row["id"] in documents["id"].to_pylist()[20:]) for row in ledger}
    assert dropped == {(7.9, False), (fitted["threshold"], True)}


def _as_folder(folder: Path, scores: Path) -> tuple[Path, int, str]:
    """A score file as the only one of a folder."""
    (folder / "folder").mkdir()
    (folder / "folder/part-00000.parquet").write_bytes(scores.read_bytes())
    return folder / "folder", 1, ".parquet"
