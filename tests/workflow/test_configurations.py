"""Configurations of users: the least one, overlays, and wrong ones, which are refused in words before anything runs."""

from __future__ import annotations

import json

import finished
import pytest
from running import changed, planned_jobs, run_workflow

pytestmark = pytest.mark.workflow


def refused(folder, config):
    output = run_workflow(folder, config, "--dry-run", fails=True)
    assert "Traceback" not in output, output
    assert not (folder / "results").exists()
    return output


@pytest.fixture(scope="module", name="folder")
def _folder(make_folder):
    return make_folder("refused")


def test_one_stage_and_one_source_are_a_configuration(make_folder, small, corpus):
    folder = make_folder("small")
    assert set(small) == {"sources", "pipeline"}
    run_workflow(folder, small)
    texts = {row["id"]: row["text"] for row in finished.rows(folder / "results" / "minhash_dedup" / "documents")}
    assert len(texts) > 100
    assert list(finished.similar_pairs(texts, 0.7)) == []
    truth = json.loads((corpus / "truth.json").read_text())
    assert finished.table(folder / "results" / "ingest" / "skipped").num_rows == len(truth["skipped"]["web"])
    assert (folder / "results" / "stats.parquet").exists()
    assert (folder / "results" / "manifest.json").exists()
    assert (folder / "results" / "report" / "index.html").exists()


def test_while_jobs_wait_for_a_core_none_is_looked_for_again_and_again(make_folder, small):
    """A timer of no time, as the default profile's limit of job starts has it, does so hundreds of times a second."""
    output = run_workflow(make_folder("waiting"), small | {"shards": 4}, "--verbose", "minhash_dedup", cores=1)
    assert 10 < output.count("Selected jobs: ") < 4 * sum(planned_jobs(output).values())


def test_a_fatal_alarm_fails_the_run_and_leaves_the_page(make_folder, small):
    folder = make_folder("alarms")
    # The corpus has records that cannot be read, which is another alarm.
    report = {"alarms_fatal": True, "alarm_lost_share": 0, "alarm_lost_minimum": 1, "alarm_skipped_share": 0.5}
    output = run_workflow(folder, small | {"report": report}, fails=True)
    assert "report_check" in output
    assert "source web" in (folder / "results" / "logs" / "report" / "check.log").read_text()
    assert (folder / "results" / "report" / "index.html").exists()
    assert (folder / "results" / "tamis.duckdb").exists()
    run_workflow(folder, small | {"report": report | {"alarm_lost_share": 0.99}})
    assert (folder / "results" / "report" / "checked.json").exists()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"colour": "red"}, "colour: there is no such key"),
        ({"minhash_dedup__treshold": 0.7}, "minhash_dedup.treshold: there is no such key"),
        ({"shards": "many"}, "shards:"),
        ({"minhash_dedup__threshold": 7}, "minhash_dedup.threshold:"),
        ({"mixtures__standard__weights": {"general": 0.5, "code": 0.4}}, "mixtures.standard"),
        ({"pipeline": ["heuristics"]}, "heuristics needs language"),
    ],
)
def test_a_wrong_configuration_is_refused_when_the_workflow_is_parsed(folder, config, changes, key):
    assert key in refused(folder, changed(config, **changes))


def test_bands_times_rows_that_do_not_fit_are_refused(folder, config):
    assert "minhash_dedup" in refused(folder, changed(config, minhash_dedup__bands=1000, minhash_dedup__rows=1000))


def test_weights_that_do_not_sum_to_one_say_what_they_sum_to(folder, config):
    assert "0.9" in refused(folder, changed(config, mixtures__standard__weights={"general": 0.5, "code": 0.4}))


def test_a_missing_input_is_named_before_anything_runs(folder, config):
    output = refused(folder, changed(config, sources=[config["sources"][0] | {"paths": ["corpus/nowhere.jsonl"]}]))
    assert "corpus/nowhere.jsonl" in output
