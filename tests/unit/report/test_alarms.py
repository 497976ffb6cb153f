"""What raises an alarm, and how alarms are printed."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.inventory import Group, Inventory
from tamis.report import alarms, terminal
from tamis.report.layout import Layout, Results
from tamis.report.settings import Config
from tamis.shards import write_json


def test_skips_above_a_share_bad_files_and_fields_that_no_record_has(tmp_path):
    (tmp_path / "ingest/skipped").mkdir(parents=True)
    (tmp_path / "ingest/read").mkdir()
    skips = pa.table({"source": ["laws"] * 2, "reason": ["null_text", "empty_text"]})
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
    assert "2 of 92 records of source laws (2.2 %: null_text 1, empty_text 1)" in found[1]
    assert "No record of source laws has 'datum'" in found[2]
    assert len(alarms.of_reading(read, Config(alarm_skipped_share=0.03))) == 2


def test_records_of_an_earlier_version_say_nothing_of_fields():
    reading = alarms.Reading(records=1000, skipped=Counter(null_text=10))
    assert alarms.of_reading({"web": reading}, Config()) == []


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
