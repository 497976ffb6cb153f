"""The sets of a configuration, as the rules know them."""

from __future__ import annotations

from tamis.config import load
from tamis.sets.configured import Layout, configured_sets


def test_the_sets_of_a_configuration_in_the_order_in_which_they_are_made() -> None:
    given = {
        "sources": [{"name": "web", "format": "jsonl", "paths": ["web.jsonl"]}],
        "pipeline": ["url_dedup"],
        "tokenizer": {},
        "mixtures": {"main": {"files": 3}, "more": {"exclude_mixtures": ["main"], "files": 1}},
        "validation": {"files": 2},
        "export": {"sets": ["validation", "more"]},
    }
    sets = configured_sets(load(given))
    assert [(chosen.stage, chosen.name, chosen.section.files) for chosen in sets.values()] == [
        ("validation", "validation", 2),
        ("mixtures", "main", 3),
        ("mixtures", "more", 1),
    ]
    assert {folder: chosen.excluded for folder, chosen in sets.items()} == {
        "validation": (),
        "mixtures/main": ("validation",),
        "mixtures/more": ("validation", "mixtures/main"),
    }
    assert [(chosen.name, chosen.export_files) for chosen in sets.values() if chosen.exported] == [
        ("validation", 2),
        ("more", 1),
    ]
    shards = configured_sets(load(given | {"export": {"shards": 5}}))
    assert [chosen.export_files for chosen in shards.values()] == [5, 5, 5]
    assert sets["mixtures/more"].export_params() == {"name": "mixtures/more", "shards": 1}
    assert sets["mixtures/more"].layout_params() == {"name": "mixtures/more", "config": Layout(files=1)}


def test_a_run_without_sets() -> None:
    sources = [{"name": "web", "format": "jsonl", "paths": ["web.jsonl"]}]
    assert configured_sets(load({"sources": sources, "pipeline": []})) == {}
