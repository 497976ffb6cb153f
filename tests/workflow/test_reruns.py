"""What a change of the configuration makes anew, from dry runs over a finished run."""

from __future__ import annotations

import pytest
from running import changed, planned

pytestmark = pytest.mark.workflow


def touched(jobs, stage):
    return {name for name in jobs if name == stage or name.startswith(f"{stage}_")}


def test_nothing_is_done_again_without_a_change(full, config):
    assert planned(full, config) == {}
    reordered = dict(sorted(config.items(), reverse=True))
    assert planned(full, reordered) == {}


def test_a_threshold_reruns_its_stage_and_what_follows_only(full, config):
    jobs = planned(full, changed(config, minhash_dedup__threshold=0.8))
    for stage in ("ingest", "url_dedup", "paragraph_dedup"):
        assert not touched(jobs, stage), jobs
    for stage in ("minhash_dedup", "line_pruning", "heuristics", "tokenizer"):
        assert touched(jobs, stage), jobs


def test_moving_a_selection_does_not_score_again(full, config):
    jobs = planned(full, changed(config, transformer_quality__selection={"keep_share": {"prose": 0.8}}))
    assert touched(jobs, "transformer_quality"), jobs
    heavy = {name for name in jobs if name.endswith(("_train", "_score", "_embed", "_label"))}
    assert not {name for name in heavy if name.startswith(("fasttext", "transformer"))}, jobs
    assert not touched(jobs, "heuristics")
    assert touched(jobs, "domains")


@pytest.mark.parametrize(
    "changes",
    [
        {"heuristics__gopher_quality": {"min_words": 3}},
        {"heuristics__fineweb": False},
        {"heuristics__languages": {"de": {"gopher_quality": {"min_alphabetic_words": 0.5}}}},
        {"heuristics__c4": {"applies_to": ["prose", "licence"]}},
        {"heuristics__thresholds": "fitted"},
    ],
    ids=str,
)
def test_what_only_decides_measures_nothing_again(full, config, changes):
    jobs = planned(full, changed(config, **changes))
    assert jobs["heuristics_apply"] == config["shards"]
    assert "heuristics_score" not in jobs, jobs
    assert jobs.get("heuristics_fit", 0) == ("heuristics__thresholds" in changes)
    assert not touched(jobs, "line_pruning"), jobs


def test_another_way_of_counting_measures_again(full, config):
    jobs = planned(full, changed(config, heuristics__words="tokens"))
    assert jobs["heuristics_score"] == jobs["heuristics_apply"] == config["shards"]


def test_adding_a_mixture_makes_that_mixture(full, config):
    jobs = planned(full, changed(config, mixtures__third={"tokens": 5000, "files": 1}))
    assert not touched(jobs, "tokenizer"), jobs
    plans = {name: count for name, count in jobs.items() if "plan" in name}
    assert sum(plans.values()) == 1, jobs
    assert not any(name.startswith(("validation", "annealing")) for name in jobs), jobs


def test_the_weights_of_one_mixture_make_that_mixture_again(full, config):
    jobs = planned(full, changed(config, mixtures__prose__weights={"prose": 0.8, "code": 0.2}))
    assert sum(count for name, count in jobs.items() if "plan" in name) == 1, jobs
    assert not touched(jobs, "tokenizer"), jobs


def test_a_report_setting_makes_no_data_again(full, config):
    jobs = planned(full, changed(config, report__seed=7))
    assert jobs
    assert not any(name.startswith(("mixture", "export", "tokenizer", "heuristics")) for name in jobs), jobs


def test_more_documents_in_the_input_rerun_everything_that_read_it(full, make_folder, config):
    jobs = planned(make_folder("fresh"), config)
    assert touched(jobs, "ingest")
    assert jobs["url_dedup_apply"] == config["shards"]


def test_stages_are_named_targets(full, config):
    after = ("tokenizer", "validation", "annealing", "mixtures", "export", "report")
    assert planned(full, config, "ingest", *config["pipeline"], *after) == {}
    jobs = planned(full, changed(config, url_dedup__applies_to=["prose"]), "paragraph_dedup")
    assert touched(jobs, "url_dedup")
    assert not touched(jobs, "minhash_dedup")


def test_single_keys_on_the_command_line(full, config):
    assert planned(full, config, "--config", f"shards={config['shards']}") == {}
    assert touched(planned(full, config, "--config", "output_dir=elsewhere"), "ingest")
