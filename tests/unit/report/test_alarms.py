"""What raises an alarm, and how alarms are printed."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.inventory import Group, Inventory
from tamis.report import alarms, terminal
from tamis.report.layout import Layout, Results
from tamis.report.settings import Config
from tamis.report.tables import STATS
from tamis.shards import write_json
from tamis.toxicity.retention import RETENTION


def test_skips_above_a_share_bad_files_and_fields_that_no_record_has(tmp_path):
    (tmp_path / "ingest/skipped").mkdir(parents=True)
    (tmp_path / "ingest/read").mkdir()
    skips = pa.table({"source": ["laws"] * 2, "reason": ["null_text", "long_line"]})
    pq.write_table(skips, tmp_path / "ingest/skipped/part-00000.parquet")
    pq.write_table(skips.slice(0, 0), tmp_path / "ingest/skipped/part-00001.parquet")
    good = {"path": "a.jsonl", "records": 90, "skipped": 2, "fields": {"datum": 0, "text": 90}, "bad": None}
    bad = {"path": "b.jsonl.gz", "records": 0, "skipped": 0, "fields": {}, "bad": "cut short"}
    write_json(tmp_path / "ingest/read/part-00000.json", {"source": "laws", "files": [good]})
    write_json(tmp_path / "ingest/read/part-00001.json", {"source": "laws", "files": [bad]})
    # An earlier run had one unit more.
    write_json(tmp_path / "ingest/read/part-00002.json", {"source": "old", "files": [good]})
    units = Group(rule="ingest_map", number="unit", numbers=2, outputs=("ingest/skipped/part-{unit}.parquet",))
    layout = Layout(stages=("ingest",), shards=1, inventory=Inventory(groups=(units,)))
    read = alarms.readings(Results(tmp_path, layout))
    found = alarms.of_reading(read, Config())
    assert len(found) == 3
    assert "left out 1 bad file of source laws" in found[0]
    assert "b.jsonl.gz (cut short)" in found[0]
    assert "2 of 92 records of source laws (2.2 %: null_text 1, long_line 1)" in found[1]
    assert "No record of source laws has 'datum'" in found[2]
    assert len(alarms.of_reading(read, Config(alarm_skipped_share=0.03))) == 2


def test_records_of_an_earlier_version_say_nothing_of_fields():
    reading = alarms.Reading(records=1000, skipped=Counter(null_text=10))
    assert alarms.of_reading({"web": reading}, Config()) == []
    # Pictures, redirects and revisits of a web archive were read well, and are no pages.
    reading = alarms.Reading(records=100, skipped=Counter(mime_image=900, http_status=90, revisit=9, mime_unknown=1))
    assert alarms.of_reading({"web": reading}, Config()) == []
    (found,) = alarms.of_reading(
        {"web": alarms.Reading(records=100, skipped=Counter(mime_pdf=1, damaged=50))}, Config()
    )
    assert "could not read 50 of 150 records" in found
    # No field is wrong where an archive is damaged.
    assert found.endswith("ingest/skipped/; fetch what is damaged again, or raise report.alarm_skipped_share.")
    (found,) = alarms.of_reading({"web": alarms.Reading(100, Counter(null_text=1, truncated=50))}, Config())
    assert "; correct the source's format and fields, fetch what is damaged again, or raise" in found


def test_what_was_not_asked_for_is_not_called_unreadable():
    left = Counter(binary=500, vendored=300, licence_not_allowed=90, empty_file=40, link=9, generated=7)
    assert alarms.of_reading({"src": alarms.Reading(records=1000, skipped=left)}, Config()) == []
    (found,) = alarms.of_reading({"src": alarms.Reading(records=1000, skipped=left + Counter(null_text=50))}, Config())
    assert "could not read 50 of 1,050" in found


def test_empty_texts_are_not_called_unreadable():
    few = Counter(empty_text=741)
    # 741 of 7,939 files of text: packages of Python.
    assert alarms.of_reading({"src": alarms.Reading(records=7198, skipped=few)}, Config()) == []
    (found,) = alarms.of_reading({"src": alarms.Reading(records=30, skipped=few)}, Config())
    assert found == (
        "741 of 771 files of source src are empty (96.1 %). If they should hold something, fetch them again, else raise "
        "report.alarm_lost_share."
    )
    # Of records more than one in a hundred is worth a look; what could not be read is counted without them.
    reading = alarms.Reading(records=7198, skipped=few + Counter(null_text=100), single=False)
    unread, empty = alarms.of_reading({"web": reading}, Config())
    assert "could not read 100 of 7,298 records of source web (1.4 %: null_text 100)" in unread
    assert "741 of 7,939 texts of source web are empty (9.3 %)" in empty
    assert "correct the source's fields, else raise report.alarm_skipped_share" in empty


def test_a_file_of_several_records_is_no_file_of_text(tmp_path):
    (tmp_path / "ingest/skipped").mkdir(parents=True)
    (tmp_path / "ingest/read").mkdir()
    skips = pa.table({"source": ["src"], "reason": ["empty_text"]})
    for number, (name, records) in enumerate({"src": 1, "web": 2}.items()):
        pq.write_table(skips.slice(0, 0), tmp_path / f"ingest/skipped/part-{number:05}.parquet")
        files = [
            {"path": "a", "records": records, "skipped": 0, "bad": None},
            {"path": "b", "records": 0, "skipped": 1},
        ]
        write_json(tmp_path / f"ingest/read/part-{number:05}.json", {"source": name, "files": files})
    units = Group(rule="ingest_map", number="unit", numbers=2, outputs=("ingest/skipped/part-{unit}.parquet",))
    layout = Layout(stages=("ingest",), shards=1, inventory=Inventory(groups=(units,)))
    read = alarms.readings(Results(tmp_path, layout))
    assert {name: one.single for name, one in read.items()} == {"src": True, "web": False}


def test_a_classifier_that_scores_a_sliver():
    def of(scored, unscored, **config):
        models = {"howto": {"retention": {"documents": scored, "unscored": unscored}, "card": {"kinds": ["prose"]}}}
        return alarms.of_scored(models, {"howto"}, Config(**config))

    (found,) = of(229, 6138)
    assert found.startswith("howto scored 229 of 6,367 documents (3.6 %): all others pass without a score")
    assert "kind prose only" in found
    assert "classifiers.howto.labels" in found
    assert "report.alarm_scored_share" in found
    assert of(229, 6138, alarm_scored_share=0.03) == of(0, 3) == of(50, 50) == []
    assert len(of(0, 40)) == 1
    assert of(0, 40, alarm_scored_share=0.0) == []
    ensemble = {"both": {"retention": {"documents": 0, "unscored": 40}, "members": {"members": []}}}
    (found,) = alarms.of_scored(ensemble, {"both"}, Config())
    assert "none of its classifiers scored them" in found
    assert "labels" not in found
    assert alarms.of_scored({"language_id": {"model": {"file": "x"}}, "domains": {"card": {}}}, (), Config()) == []


def test_scores_that_tell_nothing_apart():
    def found(documents, lowest, highest):
        counted = {"documents": documents, "unscored": 0, "lowest": lowest, "highest": highest}
        return alarms.of_scored({"howto": {"retention": counted}}, {"howto"}, Config())

    (said,) = found(40, 0.448, 0.448)
    assert said.startswith("howto gives all 40 documents the same score: if it drops some, their ids decide.")
    assert "Give classifiers.howto labels or a model" in said
    assert found(40, 0.448, 0.449) == found(2, 0.5, 0.5) == found(0, None, None) == []


def test_a_source_of_which_nothing_is_left_is_told_whatever_its_size():
    def stats(**sources):
        rows = []
        for source, (read, kept) in sources.items():
            for position, stage, here, left in ((0, "heuristics", read, kept), (1, "domains", kept, kept)):
                counts = {"in": here, "kept": left, "dropped": here - left}
                rows += [(position, stage, 0, source, "prose", *pair) for pair in counts.items()]
        columns = ("position", "stage", "shard", "source", "kind", "outcome", "documents")
        table = [dict(zip(columns, row, strict=True)) | {"reason": "few_words", "characters": 1} for row in rows]
        return pa.Table.from_pylist(table, schema=STATS)

    (found,) = alarms.of_counts(stats(notes=(3, 0), papers=(19, 1), empty=(0, 0), web=(1000, 200)), Config())
    assert found.startswith("heuristics dropped 100.0 % of source notes: 0 of 3 documents are left (few_words 3)")
    assert alarms.of_counts(stats(notes=(3, 0)), Config(alarm_lost_share=1.0)) == []
    assert len(alarms.of_counts(stats(papers=(20, 1)), Config())) == 1


def test_a_stage_that_keeps_hardly_anything_of_a_language():
    kept = [
        ("language_id", Counter(de=600, en=1000, fr=19)),
        ("heuristics", Counter(de=19, en=900)),
        ("domains", Counter(de=19, en=900)),
    ]
    found = alarms.of_languages(kept, Config())
    assert len(found) == 1
    assert found[0].startswith("heuristics dropped 96.8 % of language de: 19 of 600 documents are left.")
    assert "change the section heuristics" in found[0]


def test_the_first_ten_are_printed_and_how_many_more():
    assert terminal.alarms([], "page") == ""
    text = terminal.alarms([f"alarm {n} " + "word " * 40 for n in range(13)], "results/report/index.html")
    assert text.startswith("13 alarms:\n  ! alarm 0 ")
    assert "alarm 9" in text
    assert "alarm 10" not in text
    assert text.endswith("… and 3 more: results/report/index.html")
    assert all(len(line) <= terminal.WIDTH for line in text.splitlines())
    assert "\x1b" not in terminal.alarms(["title \x1b[2J"], "page")


def test_a_bound_on_word_lists_that_hits_one_source():
    def row(language, source, in_force, beyond):
        return (language, source, 0 if in_force else 1, "hits > 0", in_force, 200, 200, beyond, beyond)

    rows = [row("en", "news", True, 2), row("de", "news", True, 2), row("en", "tweets", True, 40)]
    names = RETENTION.names
    table = pa.Table.from_pylist([dict(zip(names, one, strict=True)) for one in rows], schema=RETENTION)
    found = alarms.of_word_lists(table, Config())
    assert [line.partition(". Read")[0] for line in found] == [
        "toxicity dropped 42 of 400 documents of language en (10.5 %, of all others 1.0 %)",
        "toxicity dropped 40 of 200 documents of source tweets (20.0 %, of all others 1.0 %)",
    ]
    assert "toxicity.allow" in found[0]
    # What is only tried hits nobody.
    tried = [row(language, source, False, beyond) for language, source, _, _, _, _, _, _, beyond in rows]
    table = pa.Table.from_pylist([dict(zip(names, one, strict=True)) for one in tried], schema=RETENTION)
    assert alarms.of_word_lists(table, Config()) == []
