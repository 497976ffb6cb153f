"""Selectors, label files, and the sample drawn from them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from tamis import barrier
from tamis.classifiers import labels
from tamis.classifiers.labels import Sampling, label_documents
from tamis.classifiers.references import Pool
from tamis.classifiers.selectors import Density, Measured, Selector, densities, select
from tamis.errors import ConfigError, ModelError
from tamis.ids import home_shards

Make = Callable[..., pa.Table]


def taken(documents: pa.Table, **conditions: object) -> list[int]:
    """Ranks of the documents that a selector takes."""
    selected = select(Measured(documents), Selector.model_validate(conditions))
    return sorted(documents.filter(pa.array(selected))["rank"].to_pylist())


@pytest.fixture(name="documents")
def _documents(make_documents: Make) -> pa.Table:
    paths = ["docs/topics/forms.txt", "docs/Releases/1.0.txt", "tests/a+b/test_x.py", None]
    return make_documents(
        ["Because it follows, it holds.", "Fixed a bug. Fixed another.", "def test(): pass", "x" * 100],
        kind=["prose", "prose", "code", "prose"],
        url=["https://a.example/x?y=1", "https://b.example/", None, None],
        date=[dt.datetime(2020, 1, 1, 23, 59, tzinfo=dt.UTC), dt.datetime(2021, 6, 1, tzinfo=dt.UTC), None, None],
        metadata=[None if path is None else json.dumps({"path": path, "project": "Django"}) for path in paths],
        language=["en", "en", "en", "de"],
    )


def test_every_condition_takes_what_it_says(documents: pa.Table) -> None:
    assert taken(documents, kinds=["prose"]) == [0, 1, 3]
    assert taken(documents, languages=["de"]) == [3]
    # As everywhere, a code holds for what texts in that language may be labelled with.
    norwegian = documents.set_column(
        documents.column_names.index("language"), "language", pa.array(["no", "nb", "nn", "da"])
    )
    assert taken(norwegian, languages=["nb"]) == [0, 1]
    assert taken(norwegian, languages=["no"]) == [0, 1, 2]
    assert taken(documents, sources=["other"]) == []
    assert taken(documents, urls=["https://a.example/x?y=*"]) == [0]
    assert taken(documents, paths=["*/topics/*", "*/RELEASES/*"]) == [0, 1]
    assert taken(documents, paths=["tests/a+b/*"]) == [2]
    assert taken(documents, except_paths=["*.txt"]) == [2, 3]
    assert taken(documents, metadata={"project": ["Dj*"]}, kinds=["prose"]) == [0, 1]
    assert taken(documents, until=dt.date(2020, 1, 1)) == [0]
    assert taken(documents, since=dt.date(2020, 1, 2)) == [1]
    assert taken(documents, min_characters=100) == [3]
    assert taken(documents, max_characters=16) == [2]
    assert taken(documents, density=[{"pattern": r"\bbecause\b", "at_least": 20.0}]) == [0]
    assert taken(documents, density=[{"pattern": "fixed", "at_least": 1.0, "below": 39.0}]) == []
    assert taken(documents, density=[{"pattern": "fixed", "at_least": 40.0}]) == [1]


def test_density_is_occurrences_per_hundred_words() -> None:
    text = pa.chunked_array([pa.array(["one two Because four", "", "因为 λ μ"], pa.large_string())])
    assert densities(text, "because").tolist() == [25.0, 0.0, 0.0]


def test_an_empty_selector_or_a_broken_pattern_is_refused() -> None:
    with pytest.raises(ValidationError, match="every document"):
        Selector()
    with pytest.raises(ValidationError, match="RE2"):
        Density(pattern="(unclosed")


def test_languages_without_a_language_stage_are_refused(make_documents: Make) -> None:
    with pytest.raises(ConfigError, match="language_id"):
        select(Measured(make_documents(["a"])), Selector(languages=("en",)))


CLASSES = {"good": (Selector(max_characters=8),), "bad": (Selector(min_characters=8, max_characters=12),)}


def test_a_document_that_two_classes_claim_teaches_neither(make_documents: Make) -> None:
    documents = make_documents(["short", "exactly8", "longer text"])
    found = label_documents([documents], CLASSES, Sampling(), ["prose"], 3)
    assert dict(zip(found.rows["text"].to_pylist(), found.rows["label"].to_pylist(), strict=True)) == {
        "short": "good",
        "longer text": "bad",
    }
    assert found.matches == {"good #1": 2, "bad #1": 2, "claimed by two classes": 1}
    assert sorted(found.rows["characters"].to_pylist()) == [5, 11]


def many(make_documents: Make) -> pa.Table:
    ids = sorted(f"{hash_:016x}{0:016x}" for hash_ in np.random.default_rng(3).integers(0, 2**62, 200).tolist())
    return make_documents(["word " * (1 + index % 2) for index in range(200)], id=ids)


def test_the_sample_does_not_know_the_shards(make_documents: Make, tmp_path: Path) -> None:
    documents = many(make_documents)
    sampling = Sampling(cap=17, min_labels=4)
    whole = label_documents([documents], CLASSES, sampling, ["prose"], 10)
    assert whole.rows.num_rows == 34
    home = home_shards(documents["id"], 3)
    for shard in range(3):
        part = label_documents([documents.filter(pa.array(home == shard))], CLASSES, sampling, ["prose"], 10)
        labels.write_labelled(tmp_path / f"part-{shard:05d}.arrow", part, "stage")
    barrier.write(tmp_path / "barrier.json", tmp_path, 3, ".arrow")
    merged = labels.merge(labels.read_labelled(tmp_path / "barrier.json"), sampling)
    assert merged.rows.equals(whole.rows)
    assert merged.matches == whole.matches


@pytest.mark.parametrize("rows", [1, 3, 50])
def test_the_sample_does_not_know_the_batches(make_documents: Make, tmp_path: Path, rows: int) -> None:
    documents = many(make_documents)
    sampling = Sampling(cap=17, min_labels=4)
    batches = (documents.slice(start, rows) for start in range(0, documents.num_rows, rows))
    for name, given in (("batches", batches), ("whole", [documents])):
        path = tmp_path / name / "labels" / "x"
        labels.write_labelled(path, label_documents(given, CLASSES, sampling, ["prose"], 10), "stage")
    assert (tmp_path / "batches/labels/x").read_bytes() == (tmp_path / "whole/labels/x").read_bytes()


def test_another_seed_draws_another_sample(make_documents: Make) -> None:
    documents = many(make_documents)
    drawn = [
        label_documents([documents], CLASSES, Sampling(cap=17, seed=seed), ["prose"], 1).rows["id"].to_pylist()
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_too_few_labels_say_which_selector_took_how_many(make_documents: Make) -> None:
    found = label_documents([make_documents(["short"] * 3)], CLASSES, Sampling(), ["prose"], 1)
    with pytest.raises(ModelError, match=r"bad: 0, good: 3.*bad #1 took 0.*good #1 took 3"):
        labels.learnable_kinds(found, ["bad", "good"], 20, "fasttext_quality")


def test_what_is_carried_of_a_text_is_its_start(make_documents: Make) -> None:
    found = label_documents(
        [make_documents(["x" * 5000])], {"bad": (Selector(min_characters=8),)}, Sampling(), ["prose"], 10
    )
    assert [len(text) for text in found.rows["text"].to_pylist()] == [labels.COMPARED]
    assert found.rows["characters"].to_pylist() == [5000]


def test_a_sample_of_the_pool_is_what_nobody_else_claims(make_documents: Make) -> None:
    documents = make_documents(
        ["short", "a longer text", "another longer text", "code here"], kind=["prose"] * 3 + ["code"]
    )
    classes = {"good": (Selector(max_characters=5),), "bad": (Pool(sample="pool"),)}
    found = label_documents([documents], classes, Sampling(), ["prose"], 10)
    assert dict(zip(found.rows["text"].to_pylist(), found.rows["label"].to_pylist(), strict=True)) == {
        "short": "good",
        "a longer text": "bad",
        "another longer text": "bad",
    }
    assert found.matches == {"good #1": 1, "bad from the pool": 2, "claimed by two classes": 0}
