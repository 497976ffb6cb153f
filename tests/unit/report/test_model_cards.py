"""Cards of models on the page, and the alarm over a classifier that a baseline beats."""

from __future__ import annotations

import pytest
from fake_results import HOSTILE, finish_results, make_results

from tamis.errors import safe
from tamis.report import model_cards
from tamis.report.layout import Results
from tamis.report.manifest import model_cards as read_cards
from tamis.shards import read_json, write_json


def row(**figures):
    found = {"documents": 100, "positives": 50, "note": None, "tf_idf_roc_auc": 0.93, "length_roc_auc": 0.6}
    for name in ("precision", "recall", "f1", "roc_auc"):
        found |= {name: 0.8, f"{name}_interval": [0.7, 0.9]}
    return found | figures


def card(**more):
    better = {
        "baseline": "TF-IDF with logistic regression", "roc_auc": 0.93, "roc_auc_interval": [0.9, 0.96],
        "better_by": 0.13, "better_by_interval": [0.05, 0.2], "beyond_chance": True,
    }  # fmt: skip
    error = {
        "id": "a" * 32, "kind": "prose", "source": "<b>web</b>", "language": None, "label": "good", "characters": 9,
        "score": 0.01, "tf_idf_agrees": False, "text": HOSTILE,
    }  # fmt: skip
    small = row(documents=3, note="fewer than 10 texts") | dict.fromkeys(("precision", "recall", "f1", "roc_auc"))
    return {
        "stage": "heuristics", "kinds": ["prose"], "model": {"dimension": 64}, "model_sha256": "f" * 64,
        "labels": [{"class": "good", "kind": "prose", "held_out": True, "documents": 50}], "held_out": 100,
        "label_origin": {"good #1": 50}, "threshold": 0.5, "metrics": {"all": row(), "prose": small},
        "groups": {"source": [{"group": "<i>one</i>", **row()}, {"group": "two", **small}]}, "baselines": [better],
        "remarks": ["TF-IDF with logistic regression is better here: its AUC is 0.930."], "calibration": [],
        "expected_calibration_error": None, "grades": None, "wrong": 20, "errors": [error],
        "limits": ["Read from the start only."],
    } | more  # fmt: skip


RETENTION = {
    "score": "heuristics", "documents": 90, "unscored": 10, "lowest": 0.05, "highest": 0.95, "steps": "tenths",
    "at": [0.1, 0.5], "groups": [
        {"by": "all", "group": "all", "documents": 90, "characters": 900, "documents_at": [90, 45],
         "characters_at": [900, 300]},
        *({"by": "source", "group": f"s{n}", "documents": 6, "characters": 60, "documents_at": [6, 3],
           "characters_at": [60, 20]} for n in range(15)),
    ],
}  # fmt: skip


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards") / "results"
    make_results(folder, finish=False)
    write_json(folder / "heuristics/card.json", card())
    write_json(folder / "heuristics/retention.json", RETENTION)
    (folder / "benchmarks/heuristics").mkdir(parents=True)
    (folder / "benchmarks/heuristics/train.tsv").write_text("s\th:m:s\tmax_rss\tcpu_time\n12.5\t0:00:12\t-\t11.25\n")
    finish_results(folder)
    return folder


def found(folder):
    results = Results.open(folder)
    return {entry.name: entry for entry in model_cards.cards(results, read_cards(results))}


def test_a_card_becomes_sentences_tables_and_mistakes(folder):
    entry = found(folder)["card"]
    sheets = dict(entry.sheets)
    overall = dict(sheets["held-out texts: value (95 % interval)"].rows)
    assert overall["precision"] == "0.800 (0.700–0.900)"
    assert overall["ROC-AUC of TF-IDF with logistic regression"] == "0.930 (0.900–0.960)"
    groups = {row[0]: row for row in sheets["held-out texts in groups"].rows}
    assert groups["source: <i>one</i>"][6:] == ("0.800 (0.700–0.900)", "0.930", "0.600", "")
    assert groups["source: two"][3:7] == ("–", "–", "–", "–")
    assert groups["source: two"][-1] == "fewer than 10 texts"
    # What a screen would obey is spelled out, the rest is escaped by the page.
    assert entry.mistakes[0].text == safe(HOSTILE) != HOSTILE
    assert "labelled good, score 0.010, TF-IDF is right" in entry.mistakes[0].said
    leaves = dict(entry.leaves)
    assert leaves["training: seconds"] == 12.5
    assert leaves["training: CPU seconds"] == 11.25
    assert "training: peak MB" not in leaves
    assert leaves["model_sha256"] == "f" * 64
    assert leaves["wrong"] == 20
    assert sheets["labelled texts"].rows == (("good", "prose", True, 50),)
    assert sheets["where labels come from: texts that each gave, before sampling"].rows == (("good #1", 50),)
    assert entry.limits == ("Read from the start only.",)


def test_retention_is_in_per_cent_with_the_largest_sources(folder):
    entry = found(folder)["retention"]
    sheets = dict(entry.sheets)
    documents = sheets["documents that would stay at a score of"]
    assert documents.columns == ("", "all", "0.1", "0.5")
    assert documents.rows[0] == ("all", 90, "100.0 %", "50.0 %")
    assert sheets["characters that would stay at a score of"].rows[0] == ("all", 900, "100.0 %", "33.3 %")
    assert len(documents.rows) == 1 + 12
    assert dict(entry.leaves)["sources that are not listed here"] == 3


def test_hostile_text_stays_text_on_the_page_and_is_no_part_of_the_manifest(folder):
    source = (folder / "report/index.html").read_text(encoding="utf-8")
    assert "Most confident errors" in source
    for markup in ("<script", "<b>web", "<i>one"):
        assert markup not in source
    assert "&lt;i&gt;one&lt;/i&gt;" in source
    manifest = read_json(folder / "manifest.json")["models"]["heuristics"]
    assert manifest["card"]["wrong"] == 20
    assert "errors" not in manifest["card"]
    assert manifest["retention"]["documents"] == 90


def test_a_classifier_that_a_baseline_beats_raises_an_alarm_that_names_the_key(folder):
    alarms = read_json(folder / "report/alarms.json")
    wanted = (
        "heuristics ranks its held-out texts worse than TF-IDF with logistic regression does: AUC 0.800 against 0.930"
    )
    assert [wanted in alarm for alarm in alarms] == [False, True]
    assert "heuristics.labels" in alarms[1]
    assert "report.alarm_baseline" in alarms[1]
    models = read_cards(Results.open(folder))
    assert len(model_cards.worse_than_a_baseline(models, (), 0.12)) == 1
    assert model_cards.worse_than_a_baseline(models, (), 0.14) == []
    assert "classifiers.heuristics.labels" in model_cards.worse_than_a_baseline(models, ["heuristics"], 0.0)[0]
    by_chance = [card()["baselines"][0] | {"beyond_chance": False}]
    assert model_cards.worse_than_a_baseline({"a": {"card": card(baselines=by_chance)}}, (), 0.0) == []


@pytest.mark.parametrize("content", [b"", b"s\n", b"s\tmax_rss\n-\tNA\n", b"\xff\xfe\n\x00"])
def test_a_benchmark_that_says_nothing_is_no_trouble(tmp_path, content):
    make_results(tmp_path, finish=False)
    path = tmp_path / "benchmarks/heuristics/train.tsv"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert model_cards.time_of(Results.open(tmp_path), "heuristics") == {}
    path.unlink()
    assert model_cards.time_of(Results.open(tmp_path), "heuristics") == {}


@pytest.mark.parametrize("value", [{}, [], "text", None, {"metrics": {}}, {"groups": []}, {"model": {"a": {"b": 1}}}])
def test_a_card_of_another_form_is_shown_as_it_is(value):
    entry = model_cards.shown("stage", "card", value, {})
    assert (entry.remarks, entry.mistakes) == ((), ())
    assert model_cards.worse_than_a_baseline({"stage": {"card": value}}, (), 0.0) == []
