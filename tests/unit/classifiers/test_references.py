"""A reference: texts that somebody likes, against a sample of the pool."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from pydantic import ValidationError

from tamis.classifiers.good_bad import BAD, GOOD, Labels
from tamis.classifiers.label_sources import LIKE_A_REFERENCE, WEAK_LABELS
from tamis.classifiers.labels import LABELLED, Labelled, Sampling, gather
from tamis.classifiers.references import Pool, Reference
from tamis.classifiers.selectors import Selector
from tamis.errors import ConfigError, SourceError


def read(reference: str, **settings: object) -> tuple[list[str], Counter[str]]:
    counts: Counter[str] = Counter()
    found = Reference.model_validate({"reference": reference} | settings).texts(GOOD, 9, counts)
    return [text.text for text in found], counts


def test_files_of_every_form_are_read(tmp_path: Path) -> None:
    rows = [{"body": "first text, which is long"}, {"body": "second"}]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (tmp_path / "a.jsonl").write_bytes(lines)
    (tmp_path / "a.jsonl.zst").write_bytes(zstandard.compress(lines))
    pq.write_table(pa.table({"body": [row["body"] for row in rows], "n": [1, 2]}), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.jsonl.zst", "a.parquet"):
        assert read(str(tmp_path / name), text="body")[0] == ["first tex", "second"]
    (tmp_path / "one.md").write_text("first text, which is long")
    (tmp_path / "two.txt").write_text("second")
    texts, counts = read(f"{tmp_path}/*.[mt]*[dt]")
    assert sorted(texts) == ["first tex", "second"]
    assert counts == {f"good from reference {tmp_path}/*.[mt]*[dt]": 2}


def test_files_of_code_are_code_as_in_a_source_of_text(tmp_path: Path) -> None:
    for name in ("a.py", "b.md", "c.js"):
        (tmp_path / name).write_text(f"x = 1  # {name}")
    (tmp_path / "d.jsonl").write_text('{"text": "x = 1  # d.jsonl"}\n')

    def kinds(**settings: object) -> list[str]:
        reference = Reference.model_validate({"reference": f"{tmp_path}/*"} | settings)
        return [text.kind for text in reference.texts(GOOD, 99, Counter())]

    assert kinds() == ["code", "prose", "code", "prose"]
    assert kinds(kind="code") == ["code"] * 4
    assert kinds(kind="prose") == ["prose"] * 4


def test_too_few_liked_files_are_refused_before_anything_runs(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.py").write_text("x = 1")
    few = Labels.model_validate({"good": {"reference": f"{tmp_path}/*.py"}})
    with pytest.raises(ConfigError, match=r"stage\.labels\.good: 5 files are 5 texts; 20 of one kind are needed"):
        few.check_files("stage", Sampling())
    few.check_files("stage", Sampling(min_labels=5))
    # What else may teach the class is known only in the run: documents, and files that hold many texts.
    more = Labels.model_validate({"good": [{"reference": f"{tmp_path}/*.py"}, {"kinds": ["code"]}]})
    more.check_files("stage", Sampling())
    (tmp_path / "a.jsonl").write_text('{"text": "fine"}\n')
    Labels.model_validate({"good": {"reference": f"{tmp_path}/*"}}).check_files("stage", Sampling())


def test_records_that_cannot_be_read_are_counted_and_missing_files_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "fine"}\n{"text": " "}\nnothing\n')
    texts, counts = read(str(tmp_path / "a.jsonl"))
    assert texts == ["fine"]
    assert counts[f"unreadable in reference {tmp_path / 'a.jsonl'}"] == 2
    with pytest.raises(SourceError, match=r"no\.jsonl matches no file"):
        Labels(good={"reference": f"{tmp_path}/no.jsonl"}).check_files("stage", Sampling())


def test_a_name_is_a_source_and_the_pool_is_the_other_class() -> None:
    labels = Labels.model_validate({"good": {"reference": "books"}})
    assert labels.paths() == []
    assert labels.by_class() == {GOOD: (Selector(sources=("books",)),), BAD: (Pool(sample="pool"),)}
    assert labels.limits() == (LIKE_A_REFERENCE,)
    labels.check("stage")
    mixed = Labels.model_validate(
        {"good": [{"reference": "./books"}, {"kinds": ["prose"]}], "bad": [{"max_characters": 9}]}
    )
    assert mixed.limits() == (WEAK_LABELS,)
    with pytest.raises(ConfigError, match="both a sample of the pool"):
        Labels.model_validate({"good": {"sample": "pool"}, "bad": {"sample": "pool"}}).check("stage")
    with pytest.raises(ConfigError, match=r"stage\.labels\.bad: empty"):
        Labels.model_validate({"good": {"kinds": ["prose"]}}).check("stage")
    with pytest.raises(ValidationError, match="referense"):
        Labels.model_validate({"good": {"referense": "books"}})


def test_texts_of_a_reference_are_capped_and_come_once(tmp_path: Path) -> None:
    rows = [{"text": f"text number {row % 40}"} for row in range(60)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    labels = Labels.model_validate({"good": {"reference": f"{tmp_path}/a.jsonl"}})
    empty = [Labelled(LABELLED.empty_table(), Counter())]
    found = gather(empty, (), labels.by_class(), Sampling(cap=1000), 10)
    assert sorted(found.rows["text"].to_pylist()) == sorted({row["text"] for row in rows})
    assert found.matches[f"good from reference {tmp_path}/a.jsonl"] == 60
    assert found.matches["same text once more"] == 20
    assert sum(found.rows["held_out"].to_pylist()) == 8
    assert gather(empty, (), labels.by_class(), Sampling(cap=10), 10).rows.num_rows <= 10


def test_label_files_are_checked_before_anything_runs(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"

    def check(rows: list[tuple[str, object]], **more: object) -> None:
        path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
        Labels.model_validate({"files": [{"path": path} | more]}).check_files("stage", Sampling(min_labels=4))

    both = [(f"text {row}", ("good", "bad")[row % 2]) for row in range(10)]
    check(both)
    with pytest.raises(ConfigError, match=r"stage\.labels\.files: 0 texts of class bad and 5 of class good"):
        check(both[::2])
    with pytest.raises(ConfigError, match="2 texts of class good and 1 of class bad"):
        check(both[:3])
    with pytest.raises(ConfigError, match="0 texts of class bad and 5 of class good"):
        check([(f"text {row}", 3) for row in range(5)], grades=(0, 5))
    with pytest.raises(SourceError, match="line 1: 'text' holds no text"):
        check([(None, "good")])  # type: ignore[list-item]
