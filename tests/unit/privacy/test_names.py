"""Persons' names by Presidio: a pipeline made here marks them, so that what is held is tamis' part and not a model's."""

from __future__ import annotations

import importlib.util
import json
import sys

import numpy as np
import pyarrow as pa
import pytest
from documents import make_documents
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import ModelError
from tamis.privacy import names
from tamis.privacy.names import check, folder_of, local_files, name_spans, pieces
from tamis.stages.privacy import Config, replace

needs_presidio = pytest.mark.skipif(
    importlib.util.find_spec("presidio_analyzer") is None or importlib.util.find_spec("spacy") is None,
    reason="needs the extra `names`: presidio-analyzer and spaCy",
)
PATTERNS = [
    {"label": "PERSON", "pattern": "Anna Huber"},
    {"label": "PERSON", "pattern": "Änne"},
    {"label": "PERSON", "pattern": [{"LOWER": "ben"}, {"IS_SPACE": True}]},
    {"label": "GPE", "pattern": "Berlin"},
]


@pytest.fixture(scope="module", name="model")
def _model(tmp_path_factory):
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed")
    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns(PATTERNS)
    folder = tmp_path_factory.mktemp("models") / "persons"
    pipeline.to_disk(folder)
    return str(folder)


@pytest.fixture(name="installed")
def _installed(monkeypatch):
    """The packages seem to be there: what is checked of models does not load them."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in {"presidio_analyzer", "spacy"} or found(name))


@needs_presidio
def test_names_of_texts_in_the_languages_of_models(model):
    text = "Änne met Anna Huber in Berlin, née so. Ask Ben \n\nor Anna Huber."
    config = Config(names={"en": model, "no": model})
    config.check_files("privacy")
    documents = make_documents([text, text, text, text], language=["en", "de", "und", "nb"])
    after, edits, _ = replace(documents, config)
    masked = "[NAME_1] met [NAME_2] in Berlin, née so. Ask [NAME_3] \n\nor [NAME_2]."
    assert after["text"].to_pylist() == [masked, text, text, masked]
    assert set(edits["reason"].to_pylist()) == {"name"}
    assert "Huber" not in json.dumps(edits.to_pylist())
    alone = [replace(documents.slice(row, 1), config)[0]["text"][0].as_py() for row in range(4)]
    assert alone == after["text"].to_pylist()


@needs_presidio
def test_a_text_longer_than_spacy_takes(model):
    line = "The harbour é opens at six and Anna Huber knows.\n"
    text = line * 21_000
    assert len(text) > 1_000_000
    spans = list(
        name_spans(pa.array([text], pa.large_string()), pa.chunked_array([["en"]]), np.ones(1, bool), {"en": model})
    )
    assert len(spans) == 21_000
    assert {text.encode()[start:end] for _, start, end in spans[:9] + spans[-9:]} == {b"Anna Huber"}


@given(st.text(st.sampled_from("a \n."), min_size=0, max_size=60))
def test_pieces_are_the_whole_text(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "PIECE", 7)
        found = list(pieces(text))
    assert "".join(text[start:end] for start, end in found) == text
    assert all(0 < end - start <= 7 for start, end in found)


def test_a_piece_ends_behind_a_line_before_a_sentence_before_a_word(monkeypatch):
    monkeypatch.setattr(names, "PIECE", 12)
    texts = ("Anna. Be\nBen Huber", "Ask all. Anna Huber", "Ask now Anna Huber", "AnnaHuberAndBen")
    assert [text[: next(pieces(text))[1]] for text in texts] == ["Anna. Be\n", "Ask all. ", "Ask now ", "AnnaHuberAnd"]


def test_a_package_that_is_missing_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"presidio-analyzer is not installed; pip install 'tamis\[names\]'"):
        Config(names={"en": "en_core_web_lg"}).check_files("privacy")


@pytest.mark.parametrize("missing", ["spacy", "presidio_analyzer.nlp_engine"])
def test_a_job_where_the_extra_is_missing_says_so(monkeypatch, missing):
    """Its environment may be another than that in which the workflow was parsed."""
    monkeypatch.setitem(sys.modules, missing, None)
    documents = make_documents(["Anna Huber"], language=["en"])
    with pytest.raises(ModelError, match=r"which runs this job, cannot import .*; pip install 'tamis\[names\]' there"):
        replace(documents, Config(names={"en": "en_core_web_lg"}))


@pytest.mark.parametrize("name", ["no_such_pipeline", "no/such/folder", "", "..", "json"])
def test_a_model_that_is_missing_is_refused(installed, name):
    with pytest.raises(
        ModelError, match=r"privacy\.names\.en: .* neither a folder of a spaCy pipeline .* a run fetches none"
    ):
        check({"en": name}, "privacy.names")


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"labels": {"ner": ["ORG", "LOC"], "tagger": ["NN"]}}, "marks no persons"),
        ({"lang": "en"}, "does not list the labels"),
        ([], "does not list the labels"),
    ],
)
def test_a_model_that_knows_no_persons_is_refused(installed, tmp_path, meta, message):
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(ModelError, match=message):
        check({"en": str(tmp_path)}, "privacy.names")


def test_files_of_a_folder_are_inputs(tmp_path):
    (tmp_path / "ner").mkdir()
    for name in ("meta.json", "ner/model"):
        (tmp_path / name).write_text("{}")
    assert folder_of(str(tmp_path)) == tmp_path
    assert local_files({"en": str(tmp_path), "de": "no_such"}) == [
        str(tmp_path / "meta.json"),
        str(tmp_path / "ner/model"),
    ]
    assert Config().local_files() == []
    assert Config().versions() == {}
