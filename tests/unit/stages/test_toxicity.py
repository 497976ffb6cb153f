"""The stage: what is kept for every document, what bounds drop, what the report adds up, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from documents import in_batches, make_documents
from stage_jobs import OUTCOME, Jobs

from tamis import config as configuration
from tamis.checksums import canonical
from tamis.errors import TamisError
from tamis.schemas import with_column
from tamis.shards import read_table
from tamis.stages import toxicity
from tamis.stages.toxicity import Config
from tamis.toxicity.bounds import Bounds

TEXTS = (
    "a damn fine day",
    "damn this damned hell",
    "nothing here",
    "hell hell hell",
    "du Arsch",
    "def damn(): pass",
    "",
)
LANGUAGES = ("en", "en", "en", "en", "de", "en", "en")
KINDS = ("prose", "prose", "prose", "prose", "prose", "code", "prose")
SOURCES = ("a", "a", "b", "b", "b", "a", "b")


def corpus(times: int = 1) -> pa.Table:
    table = make_documents(
        [text + " ." * number for number in range(times) for text in TEXTS],
        kind=list(KINDS) * times,
        source=list(SOURCES) * times,
    )
    table = with_column(table, "language", pa.array(LANGUAGES * times))
    scores = [None if number == 2 else number / 10 for number in range(len(TEXTS))]
    return with_column(table, "attacks", pa.array(scores * times))


def section(folder: Path, **more: Any) -> Config:
    path = folder / "en"
    path.write_text("damn\nhell\n", encoding="utf-8")
    return Config(lists={"en": [str(path)]}, **more)


def run(folder: Path, documents: pa.Table, config: Config, shards: int = 1) -> dict[str, Any]:
    jobs = Jobs(toxicity, folder, documents, config, shards)
    with in_batches(documents):
        jobs.each_shard("score", documents="documents", scores="scores", entries="entries")
        jobs.each_shard("apply", documents="documents", scores="scores", **OUTCOME)
        made = {name: folder / f"{name}.parquet" for name in ("retention", "found")}
        jobs.once("report", scores=jobs.over("scores"), entries=jobs.over("entries"), **made)
    outcome = jobs.outcome()
    scores = pa.concat_tables(read_table(jobs.part("scores", shard)) for shard in range(shards)).sort_by("id")
    tables = {name: read_table(path) for name, path in made.items()}
    return {"kept": outcome.kept, "dropped": outcome.dropped, "notes": outcome.notes, "scores": scores, **tables}


def test_every_document_has_its_counts_and_none_goes(tmp_path: Path) -> None:
    found = run(tmp_path, corpus(), section(tmp_path))
    assert found["dropped"].num_rows == 0
    assert found["kept"].num_rows == len(TEXTS)
    names = ("toxic_hits", "toxic_distinct", "toxic_words", "toxic_first")
    assert list(zip(*(found["scores"][name].to_pylist() for name in names), strict=True)) == [
        (1, 1, 1, "damn"),
        (2, 2, 2, "damn"),
        (0, 0, 0, None),
        (3, 1, 3, "hell"),
        # No list of German; code is not looked at.
        (None, None, None, None),
        (None, None, None, None),
        (0, 0, 0, None),
    ]
    assert found["scores"]["toxic_share"].to_pylist() == [0.25, 0.5, 0.0, 1.0, None, None, 0.0]
    assert found["kept"]["toxic_share"].to_pylist() == [0.25, 0.5, 0.0, 1.0, None, None, 0.0]
    assert found["notes"] == {"with_list": 5, "without_list": 1, "with_hits": 3}
    cells = {
        (row["language"], row["source"], row["bound"]): tuple(row[name] for name in ("documents", "listed", "beyond"))
        for row in found["retention"].to_pylist()
    }
    assert cells["en", "a", "no bound"] == (2, 2, 0)
    assert cells["en", "a", "hits > 0"] == (2, 2, 2)
    assert cells["en", "b", "hits > 0"] == (3, 3, 1)
    assert cells["en", "b", "hits > 2"] == (3, 3, 1)
    assert cells["en", "a", "hits > 2"] == (2, 2, 0)
    assert cells["de", "b", "share > 0.01"] == (1, 0, 0)
    assert [tuple(row.values()) for row in found["found"].to_pylist()] == [
        ("en", "a", "damn", 2, 2),
        ("en", "a", "hell", 1, 1),
        ("en", "b", "hell", 1, 3),
    ]


@pytest.mark.parametrize(
    ("given", "gone"),
    [
        ({"max_hits": 0}, {0: ("toxic_hits", 1.0, 0.0), 1: ("toxic_hits", 2.0, 0.0), 3: ("toxic_hits", 3.0, 0.0)}),
        ({"max_hits": 2}, {3: ("toxic_hits", 3.0, 2.0)}),
        ({"max_distinct": 1}, {1: ("toxic_distinct", 2.0, 1.0)}),
        ({"max_share": 0.5, "max_distinct": 1}, {1: ("toxic_distinct", 2.0, 1.0), 3: ("toxic_share", 1.0, 0.5)}),
        ({"max_hits": 0, "languages": {"en": {}}}, {}),
        ({"max_hits": 0, "languages": {"eng": {}}}, {}),
        ({"languages": {"en": {"max_hits": 1, "max_share": 0.9}}}, {1: ("toxic_hits", 2.0, 1.0), 3: ("toxic_hits", 3.0, 1.0)}),
        # Neither a null score nor a document of another kind goes.
        ({"scores": ["attacks"], "max_scores": {"attacks": 0.25}},
         {3: ("score_attacks", pytest.approx(0.3), 0.25), 4: ("score_attacks", pytest.approx(0.4), 0.25),
          6: ("score_attacks", pytest.approx(0.6), 0.25)}),
    ],
)  # fmt: skip
def test_bounds_drop_what_is_beyond_them(tmp_path: Path, given: dict[str, Any], gone: dict[int, Any]) -> None:
    found = run(tmp_path, corpus(), section(tmp_path, **given))
    ledger = found["dropped"].to_pylist()
    assert {int(row["id"][16:], 16): (row["reason"], row["value"], row["threshold"]) for row in ledger} == gone
    in_force = [row for row in found["retention"].to_pylist() if row["in_force"]]
    assert sum(row["beyond"] for row in in_force) == len(gone)


def test_tables_do_not_depend_on_shards(tmp_path: Path) -> None:
    outcomes = []
    for shards in (1, 3, 5):
        folder = tmp_path / str(shards)
        folder.mkdir()
        found = run(folder, corpus(9), section(tmp_path, max_hits=2, scores=("attacks",)), shards)
        outcomes.append([found[name] for name in ("kept", "dropped", "scores", "retention", "found")])
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert outcomes[0][1].num_rows


def test_another_bound_counts_nothing_again(tmp_path: Path) -> None:
    one = section(tmp_path)
    other = one.model_copy(update={"max_hits": 0, "languages": {"en": Bounds(max_share=0.1)}, "tried": ()})
    assert canonical(one.for_scoring().model_dump(mode="json")) == canonical(
        other.for_scoring().model_dump(mode="json")
    )
    assert Config.model_validate(json.loads(canonical(other.model_dump(mode="json")))) == other
    # What is tried changes no document.
    tried = one.model_copy(update={"tried": ()})
    assert one.for_documents() == tried.for_documents()
    assert other.for_documents() != one.for_documents()


SOURCE = {"sources": [{"name": "web", "format": "jsonl", "paths": ["a.jsonl"]}]}


def refusal(
    folder: Path, given: dict[str, Any], pipeline: tuple[str, ...] = ("language_id", "toxicity"), **more: Any
) -> str:
    """What is said of a configuration, when it is loaded or when its files are looked for."""
    try:
        loaded = configuration.load({**SOURCE, "pipeline": list(pipeline), "toxicity": given, **more})
        configuration.check_files(loaded)
    except TamisError as error:
        return str(error)
    return ""


def test_bad_lists_are_refused_when_the_workflow_is_parsed(tmp_path: Path) -> None:
    good, klingon = tmp_path / "en", tmp_path / "clone" / "tlh"
    good.write_text("damn\n", encoding="utf-8")
    klingon.parent.mkdir()
    klingon.write_text("QI'yaH\n", encoding="utf-8")
    (klingon.parent / "de").write_text("Arsch\n", encoding="utf-8")
    lists = {"lists": {"en": [str(good)]}}
    assert refusal(tmp_path, lists) == ""
    assert "neither a list nor a score; none comes with tamis" in refusal(tmp_path, {})
    assert "the pipeline does not name the stage; put it after language_id" in refusal(
        tmp_path, lists, ("language_id",)
    )
    assert "toxicity needs language, which no stage before it makes" in refusal(tmp_path, lists, ("toxicity",))
    assert "cannot be opened" in refusal(tmp_path, {"lists": {"en": [str(tmp_path / "missing")]}})
    assert "are the same list" in refusal(tmp_path, {"lists": {"en": [str(good)], "de": [str(good)]}})
    said = refusal(tmp_path, {"folders": [str(klingon.parent)]})
    assert "language_id never labels a document tlh" in said
    assert "leave_out: [tlh]" in said
    assert refusal(tmp_path, {"folders": [str(klingon.parent)], "leave_out": ["tlh"]}) == ""
    assert "is no folder; a single file goes under toxicity.lists" in refusal(tmp_path, {"folders": [str(good)]})
    (tmp_path / "none").mkdir()
    assert "has no list; a file is named by its language" in refusal(tmp_path, {"folders": [str(tmp_path / "none")]})
    assert "toxicity.allow: fr has no list" in refusal(tmp_path, lists | {"allow": {"fr": ["con"]}})
    assert "toxicity.inside_words: ko has no list" in refusal(tmp_path, lists | {"inside_words": ["ko"]})
    assert "max_hits" in refusal(tmp_path, lists | {"max_hits": -1})


def test_scores_are_of_classifiers_that_stand_before(tmp_path: Path) -> None:
    good = tmp_path / "en"
    good.write_text("damn\n", encoding="utf-8")
    lists = {"lists": {"en": [str(good)]}}
    said = refusal(tmp_path, lists | {"scores": ["attacks"]})
    assert "toxicity.scores: attacks is no classifier that stands before toxicity in pipeline; known: none" in said
    said = refusal(tmp_path, lists | {"tried": [{"max_scores": {"attacks": 0.5}}]})
    assert "toxicity.tried[0].max_scores: attacks is not named in toxicity.scores; put it there" in said
    labels = {"files": [{"path": "labels.jsonl"}]}
    classifiers = {"classifiers": {"attacks": {"model": "linear", "labels": labels}}}
    pipeline = ("language_id", "attacks", "toxicity")
    loaded = configuration.load(
        {
            **SOURCE,
            **classifiers,
            "pipeline": list(pipeline),
            "toxicity": {"scores": ["attacks"], "max_scores": {"attacks": 0.5}},
        }
    )
    assert not loaded.toxicity.keeps_all


def test_extracts_may_stand_before_it_only_while_nothing_is_dropped(tmp_path: Path) -> None:
    good = tmp_path / "en"
    good.write_text("damn\n", encoding="utf-8")
    pipeline = ("language_id", "extracts", "toxicity")
    lists = {"lists": {"en": [str(good)]}}
    assert refusal(tmp_path, lists, pipeline) == ""
    assert "toxicity may drop what extracts has kept" in refusal(tmp_path, lists | {"max_hits": 0}, pipeline)


def test_a_job_says_that_a_list_has_gone(tmp_path: Path) -> None:
    config = section(tmp_path)
    (tmp_path / "en").unlink()
    with pytest.raises(TamisError, match="cannot be opened"):
        run(tmp_path, corpus(), config)
