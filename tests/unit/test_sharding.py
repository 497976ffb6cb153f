"""How many shards `auto` gives, and that results keep theirs."""

from __future__ import annotations

import pytest

from tamis import sharding
from tamis.config import load
from tamis.errors import ConfigError
from tamis.readers.units import units


def planned(folder, **sizes):
    for name, size in sizes.items():
        with (folder / name.replace("__", ".")).open("wb") as file:
            file.truncate(size)
    config = load({"sources": [{"name": "a", "format": "text", "paths": [f"{folder}/*"]}], "pipeline": []})
    return units(config.sources, config.ingest.unit_bytes, None)


@pytest.mark.parametrize(
    ("text", "shards"),
    [(0, 1), (1, 1), (16_000_001, 2), (100_000_000, 7), (10**9, 8), (2_049 * 10**6, 9), (10**11, 391), (10**15, 1000)],
)
def test_a_shard_is_16_mb_of_little_text_and_256_of_much(text, shards):
    assert sharding.by_size(text) == shards


def test_compressed_files_and_archives_hold_more_or_less_text_than_bytes(tmp_path):
    found = planned(tmp_path, plain__txt=1_000, packed__jsonl__gz=1_000, crawl__warc__gz=1_000, crawl__warc=1_000)
    assert sharding.text_bytes(found) == 1_000 + 3_000 + 300 + 50


def test_results_keep_their_number_while_the_input_grows(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    (tmp_path / "in").mkdir()
    found = planned(tmp_path / "in", one__txt=20_000_000)
    first = sharding.choose("auto", found, results)
    assert first.shards == 2
    assert "20 MB of text" in first.why
    sharding.remember(first.shards, results)
    found = planned(tmp_path / "in", one__txt=20_000_000, two__txt=60_000_000)
    kept = sharding.choose("auto", found, results)
    assert kept.shards == 2
    assert "shards: anew" in kept.why
    assert sharding.choose("anew", found, results).shards == 5
    assert sharding.choose(3, found, results) == (3, "")
    # What was kept is damaged or lost.
    (results / sharding.KEPT).write_text("{", encoding="utf-8")
    assert sharding.choose("auto", found, results).shards == 5


def test_too_many_crossings_are_refused_once_the_number_is_known():
    config = load(
        {
            "sources": [{"name": "a", "format": "text", "paths": ["*"]}],
            "pipeline": [],
            "shards": "auto",
            "partitions": 5000,
        }
    )
    assert config.of_shards(200).shards == 200
    with pytest.raises(ConfigError, match="at most 1,000,000"):
        config.of_shards(201)
