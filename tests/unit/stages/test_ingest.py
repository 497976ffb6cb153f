import gzip
import json
import random
from collections import defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_pages import ENGLISH, page, paragraphs

from tamis import barrier, exchange, external_sort, streams
from tamis.errors import ShardMismatchError, SourceError
from tamis.ids import content_hash, document_key, home_shard
from tamis.readers import Record, jsonl
from tamis.readers.html import HtmlSource
from tamis.readers.jsonl import JsonlSource
from tamis.shards import read_json
from tamis.stages import ingest
from tamis.urls import url_key

LONG = "The harbour was quiet in the morning and the boats had not come back. "


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def run(folder, sources, shards=1, config=None):
    """All steps of the stage, as the rules call them; returns the documents and the ledger of all shards."""
    config = config or ingest.Config()
    units = ingest.units(sources, config)
    for index, unit in enumerate(units):
        ingest.run_map(
            **unit.params(),
            shards=shards,
            output=folder / "map" / f"part-{index:05d}.arrow",
            skipped=folder / "skipped" / f"part-{index:05d}.parquet",
            read_counts=folder / "read" / f"part-{index:05d}.json",
        )
    rows = folder / "map" / "barrier.json"
    barrier.write(rows, folder / "map", len(units), ".arrow")
    for shard in range(shards):
        keys = folder / "keys" / f"part-{shard:05d}.npy"
        ingest.run_keys(config, shards=shards, shard=shard, barrier=rows, output=keys)
    keys = folder / "keys" / "barrier.json"
    barrier.write(keys, folder / "keys", shards, ".npy")
    ranks = folder / "ranks.npy"
    ingest.run_rank(units=len(units), barrier=keys, read_folder=folder / "read", output=ranks)
    for shard in range(shards):
        ingest.run_apply(
            config,
            shards=shards,
            shard=shard,
            barrier=rows,
            keys_barrier=keys,
            ranks=ranks,
            kept=folder / "documents" / f"part-{shard:05d}.parquet",
            dropped=folder / "dropped" / f"part-{shard:05d}.parquet",
            stats=folder / "stats" / f"part-{shard:05d}.json",
        )

    def whole(name):
        return pa.concat_tables(pq.read_table(path) for path in sorted((folder / name).iterdir())).sort_by("id")

    return whole("documents"), whole("dropped")


def small(rows=3, size=50, joined=300, run=500, piece=200):
    """While it lasts, everything that is gathered is tiny: batches, rounds, and runs and slices of the sort."""
    stack = ExitStack()
    stack.enter_context(patch.multiple(ingest, BATCH_ROWS=rows, BATCH_BYTES=size))
    stack.enter_context(patch.object(jsonl, "BLOCK_BYTES", size))
    stack.enter_context(patch.object(streams, "ROUND_BYTES", joined))
    stack.enter_context(patch.multiple(external_sort, RUN_BYTES=run, SLICE_BYTES=piece))
    return stack


def pages(count, seed=0):
    dice = random.Random(seed)  # noqa: S311 - a test order
    return [
        {
            "text": f"{LONG * dice.randint(1, 3)}{number}",
            "url": f"https://{dice.choice('abc')}.example/{dice.randint(0, count // 2)}",
            "date": f"20{dice.randint(10, 24)}-01-0{dice.randint(1, 9)}" if dice.random() < 0.8 else None,
            "number": number,
        }
        for number in range(count)
    ]


def source(*paths, name="web", **more):
    return JsonlSource(name=name, paths=[str(path) for path in paths], **more)


def test_hand_worked_example(tmp_path):
    path = write_lines(
        tmp_path / "a.jsonl",
        [
            {"id": "x1", "text": "Old page.", "url": "https://a.example/1", "date": "2020-01-01"},
            {"text": "New page.", "url": "http://A.example/1#top", "date": "2024-01-01", "author": "me"},
            {"text": "No address."},
        ],
    )
    documents, dropped = run(tmp_path / "out", [source(path)])
    rows = {row["text"]: row for row in documents.to_pylist()}
    assert dropped.num_rows == 0
    # The newest first, no date last.
    assert [rows[text]["rank"] for text in ("New page.", "Old page.", "No address.")] == [0, 1, 2]
    # One URL key, one home, two documents.
    assert rows["Old page."]["id"][:16] == rows["New page."]["id"][:16]
    assert rows["Old page."]["id"] != rows["New page."]["id"]
    assert rows["New page."]["url"] == "http://A.example/1#top"
    assert json.loads(rows["New page."]["metadata"]) == {"author": "me"}
    assert rows["Old page."]["date"] == datetime(2020, 1, 1, tzinfo=UTC)
    assert rows["No address."]["url"] is None
    assert {row["copies"] for row in rows.values()} == {1}


def test_the_same_record_twice_is_one_document_and_a_ledger_row(tmp_path):
    row = {"text": "Same.", "url": "https://a.example/", "date": "2020-01-01"}
    path = write_lines(tmp_path / "a.jsonl", [row, row | {"seen": "again"}, row])
    documents, dropped = run(tmp_path / "out", [source(path)])
    assert documents["copies"].to_pylist() == [3]
    assert dropped["reason"].to_pylist() == ["duplicate_record"] * 2
    assert set(dropped["matched_id"].to_pylist()) == set(documents["id"].to_pylist())


@pytest.mark.parametrize("shards", [2, 5])
def test_documents_and_ranks_do_not_depend_on_the_number_of_shards(tmp_path, shards):
    path = write_lines(tmp_path / "a.jsonl", pages(80))
    one, one_dropped = run(tmp_path / "one", [source(path)])
    many, many_dropped = run(tmp_path / "many", [source(path)], shards)
    assert many.equals(one)
    assert many_dropped.equals(one_dropped)
    assert sorted(many["rank"].to_pylist()) == list(range(many.num_rows))
    for shard in range(shards):
        ids = pq.read_table(tmp_path / "many" / "documents" / f"part-{shard:05d}.parquet")["id"].to_pylist()
        assert ids == sorted(ids)
        assert {home_shard(name, shards) for name in ids} <= {shard}


def test_documents_do_not_depend_on_the_order_and_batching_of_the_input(tmp_path):
    rows = pages(60)
    # Records of equal text, url and date but other metadata: which one stays must not depend on who comes first.
    rows += [row | {"number": -1} for row in rows[:20]]
    one, _ = run(tmp_path / "one", [source(write_lines(tmp_path / "a.jsonl", rows))], 2)
    random.Random(1).shuffle(rows)  # noqa: S311 - a test order
    files = [write_lines(tmp_path / f"{name}.jsonl", rows[at::3]) for at, name in enumerate(("z", "y", "x"))]
    files.append(write_lines(tmp_path / "empty.jsonl", []))
    other, _ = run(tmp_path / "other", [source(*files)], 2, ingest.Config(unit_bytes=1))
    assert other.equals(one)


def test_source_priority_decides_between_equal_dates(tmp_path):
    row = {"text": "Same text.", "date": "2020-01-01"}
    first = source(write_lines(tmp_path / "b.jsonl", [row | {"url": "https://z.example/"}]), name="first")
    second = source(write_lines(tmp_path / "a.jsonl", [row | {"url": "https://a.example/"}]), name="second")
    documents, _ = run(tmp_path / "one", [first, second])
    assert {row["source"]: row["rank"] for row in documents.to_pylist()} == {"first": 0, "second": 1}
    documents, _ = run(tmp_path / "two", [second, first])
    assert {row["source"]: row["rank"] for row in documents.to_pylist()} == {"first": 1, "second": 0}


def test_unreadable_records_are_listed_and_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"text": "Good."}\n{"text": null}\n{"texts": "x"}\n{"text": "cut\n{"text": "caf\xe9"}\n{"text": " "}\n'
    )
    documents, _ = run(tmp_path / "out", [source(path)])
    assert documents["text"].to_pylist() == ["Good."]
    skipped = pq.read_table(tmp_path / "out" / "skipped" / "part-00000.parquet").to_pylist()
    assert {row["reason"]: row["record"] for row in skipped} == {
        "null_text": 2,
        "missing_text": 3,
        "invalid_json": 4,
        "invalid_utf8": 5,
        "empty_text": 6,
    }
    assert {row["path"] for row in skipped} == {str(path)}
    counts = read_json(tmp_path / "out" / "read" / "part-00000.json")
    (file,) = counts["files"]
    assert counts["source"] == "web"
    assert (file["path"], file["records"], file["skipped"], file["bad"]) == (str(path), 1, 5, None)


def test_a_folder_of_html_becomes_documents_and_what_is_none_is_listed(tmp_path):
    site = tmp_path / "site"
    for name, data in {
        "a.html": page(paragraphs()),
        "deep/b.html": page(paragraphs(*reversed(ENGLISH))).replace("news.example/boats", "news.example/late"),
        "empty.html": "",
        "menu.html": "<html><body><script>x()</script></body></html>",
    }.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(data, encoding="utf-8")
    html = HtmlSource(name="site", paths=(f"{site}/**/*.html",))
    documents, _ = run(tmp_path / "out", [html])
    assert {row["url"]: json.loads(row["metadata"])["title"] for row in documents.to_pylist()} == {
        "https://news.example/boats": "The boats come home",
        "https://news.example/late": "The boats come home",
    }
    assert all(one in text for text in documents["text"].to_pylist() for one in ENGLISH)
    skipped = pq.read_table(tmp_path / "out" / "skipped" / "part-00000.parquet").to_pylist()
    assert {(row["path"], row["reason"]) for row in skipped} == {
        (str(site / "empty.html"), "no_main_content"),
        (str(site / "menu.html"), "no_main_content"),
    }


def test_a_source_without_a_document_fails_and_is_named(tmp_path):
    good = source(write_lines(tmp_path / "a.jsonl", pages(3)), name="good")
    empty = source(write_lines(tmp_path / "b.jsonl", [{"text": ""}]), name="hollow")
    with pytest.raises(SourceError, match=r"hollow.*1 "):
        run(tmp_path / "out", [good, empty])


def test_a_truncated_file_fails_and_is_named(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps({"text": LONG * 100}).encode() * 50)[:-30])
    with pytest.raises(SourceError, match=r"a\.jsonl\.gz"):
        run(tmp_path / "out", [source(path)])


def test_a_missing_path_is_named_before_anything_runs(tmp_path):
    with pytest.raises(SourceError, match="nowhere"):
        ingest.units([source(tmp_path / "nowhere.jsonl")], ingest.Config())


def test_units_hold_every_file_once_and_stay_below_their_size(tmp_path):
    files = [write_lines(tmp_path / f"{number}.jsonl", pages(number + 1)) for number in range(6)]
    limit = 2 * files[-1].stat().st_size
    units = ingest.units([source(*files[:4]), source(*files[4:], name="other")], ingest.Config(unit_bytes=limit))
    assert [path for unit in units for path in unit.files] == files
    assert all(len(unit.files) == 1 or sum(path.stat().st_size for path in unit.files) <= limit for unit in units)
    assert {(unit.source.name, unit.priority) for unit in units} == {("web", 0), ("other", 1)}


def test_ids_are_content_and_nothing_else():
    def record(**changes):
        values = {
            "data": b"t",
            "said": "prose",
            "url": "https://a.example/",
            "date": None,
            "fields": None,
            "path": "p",
        }
        return Record(**values | {"record": 1} | changes)

    def identity(source="s", priority=0, **changes):
        (table,) = ingest.documents_of([record(**changes)], source, priority)
        return table["id"][0].as_py()

    base = identity()
    assert len(base) == 32
    assert identity(path="q", record=9, fields=b'{"a":1}', said="code", priority=5) == base
    others = {
        identity(data=b"u"),
        identity(url="https://b.example/"),
        identity(date=datetime(2020, 1, 1, tzinfo=UTC)),
        identity("r"),
        identity(url=None),
    }
    assert len(others | {base}) == 6


DATES = ("2020-01-01", "2021-05-05", None)
RECORDS = st.fixed_dictionaries(
    {
        "text": st.sampled_from(["One.", "Two, which is longer.", "Drei Körner 筛子"]),
        "url": st.sampled_from(["https://a.example/1", "https://a.example/2", None]),
        "date": st.sampled_from(DATES),
    },
    optional={"note": st.sampled_from(["", "a", "b", "ü"])},
)


def expected(records):
    """Documents and ledger as plain Python would have them, columns that the steps of the stage decide about."""
    groups = defaultdict(list)
    for row in records:
        metadata = {name: value for name, value in row.items() if name not in ("text", "url", "date")}
        when = None if row["date"] is None else f"{row['date']}T00:00:00Z"
        name = document_key(url_key(row["url"]) if row["url"] else row["text"])
        name += content_hash("web", row["url"], when, row["text"])
        written = json.dumps(metadata, ensure_ascii=False, separators=(",", ":")) if metadata else None
        groups[name].append((written is None, written, row))

    def in_keep_order(name):
        row = groups[name][0][2]
        return row["date"] is None, [-ord(digit) for digit in row["date"] or ""], -len(row["text"]), name

    ranks = {name: rank for rank, name in enumerate(sorted(groups, key=in_keep_order))}
    documents = []
    for name in sorted(groups):
        _, written, row = min(groups[name], key=lambda found: (found[0], found[1] or ""))
        documents.append((name, row["text"], row["url"], written, len(groups[name]), ranks[name]))
    return documents, sorted(name for name, found in groups.items() for _ in found[1:])


@settings(max_examples=40)
@given(
    st.lists(st.lists(RECORDS, max_size=8), min_size=1, max_size=4).filter(any),
    st.integers(1, 3),
    st.tuples(
        st.sampled_from([1, 2, 5]),
        st.sampled_from([1, 40]),
        st.sampled_from([1, 300]),
        st.sampled_from([1, 400]),
        st.sampled_from([1, 200]),
    ),
)
def test_documents_are_the_same_whatever_is_gathered_together(tmp_path_factory, files, shards, bounds):
    folder = tmp_path_factory.mktemp("ingest")
    paths = [write_lines(folder / f"{number}.jsonl", rows) for number, rows in enumerate(files)]
    whole = write_lines(folder / "whole.jsonl", [row for rows in files for row in rows])
    one, one_dropped = run(folder / "one", [source(whole)], shards)
    with small(*bounds):
        many, many_dropped = run(
            folder / "many",
            [source(*paths)],
            shards,
            ingest.Config(unit_bytes=sum(bounds)),
        )
    assert many.equals(one)
    assert many_dropped.equals(one_dropped)
    for name in ("documents", "dropped", "stats"):
        for path in (folder / "one" / name).iterdir():
            assert (folder / "many" / name / path.name).read_bytes() == path.read_bytes()
            assert len(list((folder / "many" / name).iterdir())) == shards
    documents, repeats = expected([row for rows in files for row in rows])
    columns = ("id", "text", "url", "metadata", "copies", "rank")
    assert list(zip(*(many[name].to_pylist() for name in columns), strict=True)) == documents
    assert many_dropped["id"].to_pylist() == repeats
    assert many_dropped["matched_id"].to_pylist() == many_dropped["kept_id"].to_pylist() == repeats


def test_tables_of_the_map_job_hold_few_rows_and_few_bytes():
    def record(text, metadata=None):
        return Record(text.encode(), "prose", None, None, metadata, "p", 1)

    long = [record("y" * 500), record("z", b'{"a":"' + b"b" * 99 + b'"}')]
    with small(rows=3, size=100):
        tables = list(ingest.documents_of([record("x"), *long, *[record("z")] * 4], "s", 0))
        assert [table.num_rows for table in tables] == [2, 1, 3, 1]
        assert [table.num_rows for table in ingest.documents_of([], "s", 0)] == [0]
        assert [table.num_rows for table in ingest.documents_of([record("x")] * 6, "s", 0)] == [3, 3]


def test_the_map_job_does_not_hold_its_unit(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [{"text": f"{number} {LONG * 100}"} for number in range(2000)])
    held = []

    def watched(*arguments):
        held.append(pa.total_allocated_bytes() - start)
        return split(*arguments)

    split, start = exchange.split, pa.total_allocated_bytes()
    with small(100, 10**6, 10**6), patch.object(exchange, "split", watched):
        ingest.run_map(
            source=source(path).model_dump(mode="json"),
            priority=0,
            files=[str(path)],
            fields=[],
            token="",
            shards=2,
            output=tmp_path / "rows.arrow",
            skipped=tmp_path / "skipped.parquet",
            read_counts=tmp_path / "read.json",
        )
    assert len(held) > 5
    assert max(held) < 5_000_000 < path.stat().st_size


def test_the_apply_job_does_not_hold_its_shard(tmp_path):
    rows = [{"text": f"{number} {LONG * 100}", "url": f"https://a.example/{number}"} for number in range(2000)]
    path = write_lines(tmp_path / "a.jsonl", rows)
    held = []

    def watched(rows):
        held.append(pa.total_allocated_bytes() - start)
        return without_repeats(rows)

    without_repeats, start = ingest.without_repeats, pa.total_allocated_bytes()
    with (
        small(100, 10**6, 10**6, 10**6, 10**6),
        patch.object(ingest, "without_repeats", watched),
        patch("tamis.shards.ROW_GROUP_ROWS", 100),
    ):
        documents, _ = run(tmp_path / "out", [source(path)])
    assert documents.num_rows == 2000
    assert len(held) > 5
    assert max(held) < 6_000_000 < path.stat().st_size


def test_many_unreadable_records_are_all_listed(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"text": {number}}}\n' for number in range(10)) + '{"text": "Good."}\n')
    with small():
        run(tmp_path / "out", [source(path)])
    skipped = pq.read_table(tmp_path / "out" / "skipped" / "part-00000.parquet")
    assert skipped["record"].to_pylist() == list(range(1, 11))
    counts = read_json(tmp_path / "out" / "read" / "part-00000.json")
    assert (counts["files"][0]["records"], counts["files"][0]["skipped"]) == (1, 10)


def test_rows_of_other_shards_and_damaged_rows_are_refused(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", pages(30))
    run(tmp_path, [source(path)], 2)
    rows = tmp_path / "map" / "barrier.json"
    for shards in (1, 4, 5):
        with pytest.raises(ShardMismatchError, match=r"part-00000\.arrow"):
            ingest.run_keys(ingest.Config(), shards=shards, shard=0, barrier=rows, output=tmp_path / "k")
    file = tmp_path / "map" / "part-00000.arrow"
    file.write_bytes(file.read_bytes()[:-20])
    barrier.write(rows, tmp_path / "map", 1, ".arrow")
    with pytest.raises(SourceError, match=r"part-00000\.arrow"):
        ingest.run_keys(ingest.Config(), shards=2, shard=0, barrier=rows, output=tmp_path / "k")
    file.unlink()
    with pytest.raises(SourceError, match=r"part-00000\.arrow"):
        ingest.run_keys(ingest.Config(), shards=2, shard=0, barrier=rows, output=tmp_path / "k")
    assert not (tmp_path / "k").exists()


def test_a_failing_apply_job_leaves_nothing_behind(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", pages(30))
    run(tmp_path, [source(path)])
    (tmp_path / "documents" / "part-00000.parquet").unlink()
    with (
        small(),
        patch.object(ingest, "without_repeats", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        run(tmp_path, [source(path)])
    assert list((tmp_path / "documents").iterdir()) == []


@pytest.mark.slow
def test_a_document_of_100_mb_beside_ordinary_ones(tmp_path):
    rows = pages(200)
    rows[50]["text"] = LONG * 1_450_000
    path = write_lines(tmp_path / "a.jsonl", [*rows, rows[50] | {"number": 1000}])
    documents, dropped = run(tmp_path / "out", [source(path)], 2)
    found = {json.loads(row["metadata"])["number"]: row for row in documents.to_pylist()}
    assert len(found) == 200
    assert found[1000]["text"] == rows[50]["text"]
    assert found[1000]["copies"] == 2
    assert dropped["chars"].to_pylist() == [len(rows[50]["text"])]
