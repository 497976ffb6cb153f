import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import config
from tamis.errors import ConfigError
from tamis.pipeline import BUILT_IN, MODULES, STAGES, edits_text

SOURCE = {"name": "web", "format": "jsonl", "paths": ["a.jsonl"]}
SMALL = {"sources": [SOURCE], "pipeline": ["minhash_dedup"]}


def refused(**changes):
    with pytest.raises(ConfigError) as caught:
        config.load(SMALL | changes)
    return str(caught.value)


def test_sources_and_pipeline_are_all_that_must_be_given():
    loaded = config.load(SMALL)
    assert loaded.pipeline == ("minhash_dedup",)
    assert loaded.mixtures is None
    assert loaded.pool_columns == frozenset()


def test_every_stage_has_working_defaults():
    found = config.load(SMALL)
    for name in STAGES:
        section = BUILT_IN[name][1] if name in BUILT_IN else MODULES[name].Config()
        assert section == found.section(name)


def test_every_setting_is_described():
    def walk(schema):
        for model in [schema, *schema.get("$defs", {}).values()]:
            for name, field in model.get("properties", {}).items():
                yield model.get("title"), name, field

    # A section is described by its own docstring.
    undescribed = [
        (title, name)
        for title, name, field in walk(config.Config.model_json_schema())
        if not field.get("description") and "$ref" not in field
    ]
    assert undescribed == []


def test_null_stands_for_the_default():
    assert config.load(SMALL | {"minhash_dedup": None, "shards": None}) == config.load(SMALL)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"colour": "red"}, "colour: there is no such key"),
        ({"minhash_dedup": {"treshold": 0.7}}, "minhash_dedup.treshold: there is no such key"),
        ({"minhash_dedup": {"threshold": 1.5}}, "minhash_dedup.threshold"),
        ({"minhash_dedup": {"threshold": "high"}}, "minhash_dedup.threshold"),
        ({"shards": 0}, "shards"),
        ({"shards": "many"}, "shards"),
        ({"pipeline": ["minhash"]}, "pipeline: there is no stage 'minhash', did you mean 'minhash_dedup'?"),
        ({"pipeline": "minhash_dedup"}, "pipeline"),
        ({"sources": []}, "sources"),
        ({"sources": [SOURCE | {"format": "docx"}]}, "sources[0]"),
        ({"sources": [SOURCE | {"path": "a"}]}, "sources[0].jsonl.path: there is no such key"),
        ({"mixtures": {"Big Mix": {}}}, "mixtures"),
    ],
)
def test_a_wrong_key_is_named(changes, key):
    assert key in refused(**changes)


def test_all_wrong_keys_are_named_at_once():
    message = refused(colour="red", shards=0, minhash_dedup={"threshold": 7})
    assert message.count("\n") == 3
    for key in ("colour", "shards", "minhash_dedup.threshold"):
        assert f"  {key}" in message


def test_one_value_where_a_list_belongs_is_said_without_python_s_words():
    """`keep_languages: no` is false in YAML."""
    for value in (False, "en"):
        message = refused(language_id={"keep_languages": value})
        assert f"language_id.keep_languages: Input should be a list, in square brackets (given: {value!r})" in message


def test_stages_twice_or_without_their_columns_are_refused():
    assert "pipeline: url_dedup stands twice" in refused(pipeline=["url_dedup", "minhash_dedup", "url_dedup"])
    message = refused(pipeline=["heuristics", "language_id"])
    assert "heuristics needs language" in message
    assert "language_id" in message


@pytest.mark.parametrize("stage", ["url_dedup", "paragraph_dedup", "minhash_dedup", "substring_dedup"])
def test_a_scope_that_is_not_known_yet_is_refused(stage):
    for within in ("source", "kind", "date", "metadata.snapshot"):
        config.load(SMALL | {"pipeline": [stage], stage: {"within": within}})
    late = {"pipeline": [stage, "language_id"], stage: {"within": "language"}}
    assert f"{stage}.within: the column language is not known yet at this place" in refused(**late)
    assert "known here: source, kind, url, date, metadata.<field>" in refused(**late)
    config.load(SMALL | late | {"pipeline": ["language_id", stage]})
    assert "there is no column rank" in refused(**{"pipeline": [stage], stage: {"within": "rank"}})
    numbers = {"pipeline": ["language_id", stage], stage: {"within": "language_score"}}
    assert "language_score holds numbers" in refused(**numbers)
    assert "url_dedup.within" in refused(url_dedup={"within": "metadata."})


def test_languages_of_labels_want_languages():
    labels = {"good": [{"urls": ["a*"]}], "bad": [{"urls": ["b*"]}]}
    given = {"pipeline": ["fasttext_quality"], "fasttext_quality": {"labels": labels, "languages": ["en"]}}
    assert "fasttext_quality.languages: no stage before fasttext_quality tells languages" in refused(**given)


def test_lists_of_removals_without_their_stage_are_refused():
    lists = {"urls": ["takedowns.txt"]}
    assert "remove: lists are given, but the pipeline does not name the stage" in refused(remove=lists)
    assert config.load(SMALL | {"remove": lists, "pipeline": ["remove", "url_dedup"]}).remove.files == ["takedowns.txt"]


def test_models_of_names_want_the_stage_and_languages():
    names = {"privacy": {"names": {"en": "en_core_web_sm"}}}
    assert "put language_id before privacy" in refused(pipeline=["privacy", "language_id"], **names)
    assert "privacy.names: models are given, but" in refused(pipeline=["language_id"], **names)


def test_a_run_is_not_held_against_itself():
    message = refused(output_dir="out/", minhash_dedup={"against": ["earlier/index", "out/minhash_dedup/index/"]})
    assert "out/minhash_dedup/index is the index of this run itself" in message


def test_two_sources_of_one_name_are_refused():
    assert "the name 'web' is given to 2 sources" in refused(sources=[SOURCE, SOURCE])


def test_too_many_edges_are_refused():
    assert "10000 x" not in refused(shards=10_000, partitions=101)
    assert "at most 1,000,000" in refused(shards=10_000, partitions=101)


def test_bands_and_rows_must_fit():
    message = refused(minhash_dedup={"bands": 1000, "rows": 1000})
    assert "minhash_dedup" in message


def test_weights_must_sum_to_one():
    mixture = {"weights": {"general": 0.5, "math": 0.25, "code": 0.17, "multilingual": 0.07}}
    message = refused(pipeline=["language_id", "domains"], tokenizer={}, mixtures={"standard": mixture})
    assert "mixtures.standard" in message
    assert "0.99" in message


@given(
    st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=5), max_size=4)
)
def test_any_dictionary_is_accepted_or_refused_in_words(given):
    with contextlib.suppress(ConfigError):
        config.load(SMALL | given)


def test_wrong_keys_and_what_does_not_fit_together_are_named_at_once():
    message = refused(
        shards=0,
        minhash_dedup={"treshold": 0.7},
        sources=[SOURCE | {"url_feild": "u"}, SOURCE],
        pipeline=["url_dedup", "url_dedup", "heuristics", "fasttext_quality"],
        fasttext_quality={"labels": {"good": [{"sources": ["wbe"]}]}},
        mixtures={"a": {"by": "source", "weights": {"wev": 1.0}}},
    )
    for line in (
        "shards: Input should be",
        "minhash_dedup.treshold: there is no such key; threshold?",
        "sources[0].jsonl.url_feild: there is no such key; url_field?",
        "sources: the name 'web' is given to 2 sources",
        "pipeline: url_dedup stands twice",
        "pipeline: heuristics needs language",
        "fasttext_quality.labels.bad: empty",
        "fasttext_quality.labels.good[0].sources: there is no source 'wbe', did you mean 'web'?; known: web",
        "mixtures.a.weights: there is no source 'wev', did you mean 'web'?",
        "tokenizer: needed by mixtures.a",
    ):
        assert f"  {line}" in message, message
    assert len(message.splitlines()) == 11


def test_missing_files_are_named_beside_other_errors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = SMALL | {"pipeline": ["minhash_dedup", "minhash_dedup"], "minhash_dedup": {"against": ["earlier"]}}
    message = config.all_problems(given, ConfigError("The configuration is refused:\n  …"))
    assert "  pipeline: minhash_dedup stands twice" in message
    assert "  sources: source 'web': a.jsonl matches no file" in message
    assert "minhash_dedup.against" in message.splitlines()[-1]
    assert "earlier" in message.splitlines()[-1]


def test_a_name_with_control_characters_is_spelled_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = SMALL | {"annealing": {"\x1b[2Jwiped\x07": 1.0}}
    message = config.all_problems(given, ConfigError("The configuration is refused:\n  …"))
    assert "annealing.\\x1b[2Jwiped\\x07" in message
    assert not set(message) & {"\x1b", "\x07"}


def test_a_classifier_that_is_refused_makes_no_other_line_untrue():
    liked = {"model": "linear", "labels": {"good": {"reference": "./liked.jsonl"}}}
    message = refused(
        pipeline=["url_dedup", "liked", "sure", "both", "filter"],
        classifiers={
            "liked": liked,
            "sure": liked | {"cascade": {"score": "liked", "above": 0.2, "sample": 0.5}},
            "both": {"model": "ensemble", "of": ["liked", "sure"]},
        },
        filter={"keep": {"either": "liked > 0.1", "certain": "sure > 0.1", "wrong": "unheard_of > 0.1"}},
    )
    first, *lines = message.splitlines()[1:]
    assert first.startswith("  classifiers.sure.cascade.sample: there is no such key")
    # The right classifier is a column; of the refused one nothing is said that its correction would take back.
    (line,) = lines
    assert line.startswith("  filter.keep.wrong: there is no column 'unheard_of' here (known: ")
    assert ", liked" in line


@pytest.mark.parametrize(
    ("pipeline", "score", "told"),
    [
        (["linear_quality"], "fasttext_quality", "known: none"),
        (["linear_quality", "fasttext_quality"], "fasttext_quality", "known: none; put fasttext_quality before"),
        (
            ["fasttext_quality", "linear_quality"],
            "worth",
            "worth is no classifier that stands before it in pipeline; known: fast",
        ),
    ],
)
def test_a_cascade_that_sees_nothing_before_it_says_what_there_is(pipeline, score, told):
    labels = {"labels": {"good": [{"kinds": ["prose"]}], "bad": [{"kinds": ["code"]}]}}
    message = refused(
        pipeline=pipeline,
        fasttext_quality=labels,
        linear_quality=labels | {"cascade": {"score": score, "above": 0.1}},
    )
    assert told in message


FEW = ["url_dedup", "paragraph_dedup", "minhash_dedup", "mine", "privacy", "url_filter", "extracts"]
NAMED = {"mine": {"model": "linear", "labels": {"files": [{"path": "l.jsonl", "classes": {"good": "a", "poor": "b"}}]}}}


@pytest.mark.parametrize(
    ("changed", "held"),
    [
        ({}, FEW),
        # Stages that edit hold texts, others those of the last that does, and the last is what users read.
        (
            {"materialize": "on_edit"},
            ["ingest", "paragraph_dedup", "paragraph_dedup", "paragraph_dedup", "privacy", "privacy", "extracts"],
        ),
        # With a tokenizer the last is that one.
        (
            {"materialize": "on_edit", "tokenizer": {}},
            ["ingest", "paragraph_dedup", "paragraph_dedup", "paragraph_dedup", "privacy", "privacy", "privacy"],
        ),
    ],
)
def test_whose_documents_hold_the_texts_of_a_stage(changed, held):
    found = config.load(SMALL | {"pipeline": FEW, "classifiers": NAMED} | changed)
    assert [found.text_of(stage) for stage in FEW] == held
    assert [found.text_of(stage) for stage in ("ingest", "tokenizer")] == ["ingest", "tokenizer"]


def test_the_stages_that_edit_texts_are_those_whose_rules_write_edits():
    rules = "".join(path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "rules").glob("*.smk"))
    written = set(re.findall(r'outcome\("(\w+)", "edits"\)', rules))
    assert written == {stage for stage in STAGES if edits_text(stage)}
    assert len(written) > 5
