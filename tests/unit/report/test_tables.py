"""The table of counts and the waterfall."""

from __future__ import annotations

import pyarrow as pa
import pytest
from fake_results import make_results, stats_row

from tamis.errors import ShardMismatchError, SourceError
from tamis.report import tables
from tamis.report.layout import Layout, Results
from tamis.shards import read_json, read_table, write_json


@pytest.fixture(scope="module", name="results")
def _results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables") / "results"
    make_results(folder)
    return Results.open(folder)


def test_waterfall_by_hand():
    table = pa.Table.from_pylist(
        [
            stats_row(1, "dropped", 1, 10, "short", source="b", shard=1),
            stats_row(1, "in", 6, 60), stats_row(1, "in", 4, 40, source="b", shard=1),
            stats_row(1, "kept", 4, 36), stats_row(1, "kept", 3, 30, source="b", shard=1),
            stats_row(1, "dropped", 2, 20, "near"), stats_row(1, "cut", 1, 4, "banner"), stats_row(1, "cut", 3, 9, "mask"),
            stats_row(1, "added", 3, 12, "mask"), stats_row(1, "added", 2, 5, "title"),
            stats_row(0, "in", 10, 100), stats_row(0, "kept", 10, 100),
        ],
        schema=tables.STATS,
    )  # fmt: skip
    first, second = tables.steps(table)
    assert (first.stage, first.kept.documents, first.kept_share) == ("stage0", 10, 1.0)
    assert second.read == tables.Count(10, 100)
    assert second.kept == tables.Count(7, 66)
    assert list(second.dropped.items()) == [("near", tables.Count(2, 20)), ("short", tables.Count(1, 10))]
    assert second.cut == {"mask": tables.Count(3, 9), "banner": tables.Count(1, 4)}
    assert second.added == {"mask": tables.Count(3, 12), "title": tables.Count(2, 5)}
    assert [(reason, verb, count.documents) for reason, verb, count in second.edited()] == [
        ("mask", "replaced in", 3), ("banner", "cut in", 1), ("title", "added to", 2)
    ]  # fmt: skip
    assert (second.kept_share, second.kept_characters_share) == (0.7, 0.66)
    assert tables.steps(table, source="b")[1].kept.documents == 3


def test_a_stage_that_read_nothing_lost_nothing():
    (step,) = tables.steps(pa.Table.from_pylist([stats_row(0, "in", 0, 0)], schema=tables.STATS))
    assert step.kept_share == 1.0


def test_notes_combine_as_their_names_say():
    values = {"pairs": (2, 3), "largest_group": (5, 4), "characters_per_token": (3.0, 4.0), "vocabulary_size": (9, 9)}
    notes = pa.Table.from_pylist(
        [
            {"position": 0, "stage": "s", "shard": shard, "name": name, "value": float(pair[shard])}
            for name, pair in values.items()
            for shard in (0, 1)
        ],
        schema=tables.NOTES,
    )
    combined = {"characters_per_token": 3.5, "largest_group": 5, "pairs": 5, "vocabulary_size": 9}
    assert tables.combine_notes(notes) == {"s": combined}
    assert tables.combine_notes(notes.take(pa.array(range(7, -1, -1)))) == {"s": combined}


def test_table_holds_every_count_of_every_shard(results):
    table = read_table(results.folder / "stats.parquet")
    expected = sum(
        entry["documents"]
        for stage in results.layout.stages
        for path in results.parts(stage, "stats")
        for entry in read_json(path)["counts"]
    )
    assert sum(table["documents"].to_pylist()) == expected > 0
    assert table.schema == tables.STATS
    assert [(step.position, step.stage) for step in tables.steps(table)] == list(enumerate(results.layout.stages))
    assert set(read_table(results.folder / "notes.parquet")["name"].to_pylist()) >= {"paragraphs", "largest_bucket"}


def test_an_unfinished_run_shows_the_stages_done(tmp_path):
    make_results(tmp_path, finish=False)
    (tmp_path / "heuristics/stats/part-00001.json").unlink()
    results = Results.open(tmp_path)
    table, finished = tables.read_stats(results)
    assert not finished
    assert [step.stage for step in tables.steps(table)] == ["ingest", "paragraph_dedup", "minhash_dedup"]
    with pytest.raises(SourceError, match="heuristics"):
        tables.collect(results, results.layout.stages)


@pytest.mark.parametrize("value", [{"stage": "minhash_dedup", "shard": 1, "counts": []}, {"stage": "x"}, "text"])
def test_a_stats_file_of_another_shard_or_form_is_refused(tmp_path, value):
    make_results(tmp_path, finish=False)
    write_json(tmp_path / "minhash_dedup/stats/part-00000.json", value)
    with pytest.raises((ShardMismatchError, SourceError), match="part-00000"):
        tables.collect(Results.open(tmp_path), ["minhash_dedup"])


def test_shards_of_an_earlier_run_are_not_counted(results):
    stale = results.folder / "heuristics/stats/part-00007.json"
    write_json(stale, {"stage": "heuristics", "shard": 7, "counts": [{"documents": 999}]})
    assert stale not in results.parts("heuristics", "stats")
    stale.unlink()


@pytest.mark.parametrize("name", ["../outside", "a/b", "", ".hidden", "a'b", "a b"])
def test_names_that_could_leave_the_folder_are_refused(name):
    with pytest.raises(ValueError, match="stages"):
        Layout(stages=("ingest", name), shards=1)


def test_a_folder_without_layout_says_what_to_do(tmp_path):
    with pytest.raises(SourceError, match="make run"):
        Results.open(tmp_path)
    (tmp_path / "layout.json").write_text("{", encoding="utf-8")
    with pytest.raises(SourceError, match="damaged"):
        Results.open(tmp_path)
