from datetime import UTC, datetime

import pyarrow as pa
import pytest
from documents import batched
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_jobs import url_dedup as all_steps

from tamis.errors import ConfigError
from tamis.ids import document_key
from tamis.shards import read_json
from tamis.stages import url_dedup
from tamis.urls import url_key

run = batched(all_steps)

URLS = [
    "http://a.example/1",
    "https://A.example/1#top",
    "http://a.example/1?utm_source=x",
    "http://a.example/2",
    "http://b.example/",
    None,
]


def with_urls(make_documents, urls, ranks=None):
    # Ids as ingest gives them: the first half follows from the URL key alone.
    halves = [document_key(url_key(url) if url else str(n)) for n, url in enumerate(urls)]
    ids = [f"{half}{n:016x}" for n, half in enumerate(halves)]
    return make_documents(
        [f"text {n}" for n in range(len(urls))],
        id=ids,
        url=urls,
        rank=list(range(len(urls))) if ranks is None else ranks,
    )


def test_first_in_keep_order_stays_and_takes_over_the_copies(make_documents, tmp_path):
    documents = with_urls(make_documents, URLS[:4], ranks=[2, 1, 3, 0])
    kept, dropped, _, _ = run(tmp_path, documents)
    by_url = {row["url"]: row for row in kept.to_pylist()}
    assert set(by_url) == {"https://A.example/1#top", "http://a.example/2"}
    assert by_url["https://A.example/1#top"]["copies"] == 3
    assert {row["matched_id"] for row in dropped.to_pylist()} == {by_url["https://A.example/1#top"]["id"]}
    assert {row["reason"] for row in dropped.to_pylist()} == {"same_url"}
    assert (
        sum(
            row["documents"]
            for row in read_json(tmp_path / "stats" / "part-00000.json")["counts"]
            if row["outcome"] == "dropped"
        )
        == 2
    )


def test_an_equal_hash_of_another_page_is_no_capture(make_documents, tmp_path):
    documents = make_documents(
        ["one", "two"], id=["0" * 16 + "1" * 16, "0" * 16 + "2" * 16], url=["http://a.example/1", "http://b.example/"]
    )
    kept, *_ = run(tmp_path, documents)
    assert kept.num_rows == 2


@settings(max_examples=40, deadline=None)
@given(urls=st.lists(st.sampled_from(URLS), max_size=25), seed=st.randoms(use_true_random=False))
def test_equals_a_dictionary(make_documents, tmp_path_factory, urls, seed):
    ranks = list(range(len(urls)))
    seed.shuffle(ranks)
    documents = with_urls(make_documents, urls, ranks)
    kept, dropped, *_ = run(tmp_path_factory.mktemp("urls"), documents)
    best = {}
    for row in sorted(documents.to_pylist(), key=lambda row: row["rank"]):
        best.setdefault(url_key(row["url"]) if row["url"] else row["id"], row["id"])
    assert set(kept["id"].to_pylist()) == set(best.values())
    for row in dropped.to_pylist():
        assert row["matched_id"] == row["kept_id"] == best[url_key(row["url"])]
    assert sum(kept["copies"].to_pylist()) == len(urls)


def test_captures_of_different_scopes_stay(make_documents, tmp_path):
    documents = with_urls(make_documents, ["http://a.example/1"] * 4)
    column = documents.schema.get_field_index("source")
    documents = documents.set_column(column, "source", [[f"s{rank % 2}" for rank in documents["rank"].to_pylist()]])
    kept, *_ = run(tmp_path, documents, url_dedup.Config(within="source"))
    assert sorted(kept["rank"].to_pylist()) == [0, 1]
    assert kept["copies"].to_pylist() == [2, 2]


def test_dates_do_not_matter_here_only_rank_does(make_documents, tmp_path):
    documents = with_urls(make_documents, URLS[:2], ranks=[0, 1])
    dates = [datetime(2001, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)]
    documents = documents.set_column(documents.schema.get_field_index("date"), "date", [dates])
    kept, *_ = run(tmp_path, documents.cast(documents.schema))
    assert kept["rank"].to_pylist() == [0]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from(URLS), st.sampled_from("ab"), st.integers(0, 2)), max_size=25),
    seed=st.randoms(use_true_random=False),
)
def test_pages_of_one_hash_in_two_scopes_equal_a_dictionary(make_documents, rows, seed):
    """Halves of ids say nothing here: three of them for all pages, in any combination."""
    ranks = list(range(len(rows)))
    seed.shuffle(ranks)
    names = [f"{half if url is None else len(url_key(url)) % 2:016x}{n:016x}" for n, (url, _, half) in enumerate(rows)]
    documents = make_documents(
        ["text"] * len(rows), id=names, url=[url for url, _, _ in rows], source=[source for _, source, _ in rows],
        rank=ranks,
    )  # fmt: skip
    found = url_dedup.survivors(documents, url_dedup.Config(within="source"))
    best = {}
    keys = []
    for row, document in enumerate(documents.to_pylist()):
        url = document["url"]
        keys.append((url_key(url), document["source"]) if url else document["id"])
        if keys[-1] not in best or document["rank"] < documents["rank"][best[keys[-1]]].as_py():
            best[keys[-1]] = row
    assert found.tolist() == [best[key] for key in keys]


@settings(max_examples=15, deadline=None)
@given(
    captures=st.lists(st.tuples(st.sampled_from(URLS), st.sampled_from("ab")), max_size=30),
    cuts=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    shards=st.tuples(*[st.sampled_from([1, 2, 3, 6])] * 4),
    within=st.sampled_from([None, "source"]),
)
def test_runs_one_after_the_other_keep_what_one_run_keeps(
    make_documents, tmp_path_factory, captures, cuts, shards, within
):
    folder = tmp_path_factory.mktemp("growing")
    # Ranks as from `keep: [oldest]`, in the order of arrival.
    documents = with_urls(make_documents, [url for url, _ in captures])
    documents = documents.set_column(
        documents.schema.get_field_index("source"), "source", pa.array([source for _, source in captures], pa.string())
    )
    documents = documents.sort_by("rank")
    whole, *_ = run(folder / "whole", documents, url_dedup.Config(within=within), shards[3])
    first, last = sorted(cuts)
    kept, named, indexes = [], {}, []
    for number, some in enumerate([documents[:first], documents[first:last], documents[last:]]):
        config = url_dedup.Config(within=within, against=indexes, write_index=True)
        stays, gone, *_ = run(folder / f"{number}", some, config, shards[number])
        indexes.append(str(folder / f"{number}" / "index"))
        kept += stays["id"].to_pylist()
        for row in gone.to_pylist():
            named[row["id"]] = row["matched_id"]
            assert (row["kept_id"] is None) == (row["reason"] == "in_earlier_corpus")
    assert sorted(kept) == whole["id"].to_pylist()
    assert set(named.values()) <= set(kept)
    assert len(kept) + len(named) == documents.num_rows


def test_an_equal_hash_of_another_page_is_no_earlier_capture(make_documents, tmp_path):
    one, two = (
        make_documents(["text"], id=["0" * 16 + number * 16], url=[f"http://{number}.example/"]) for number in "12"
    )
    run(tmp_path / "a", one, url_dedup.Config(write_index=True))
    kept, *_ = run(tmp_path / "b", two, url_dedup.Config(against=[str(tmp_path / "a" / "index")]))
    assert kept.num_rows == 1


def test_an_index_of_another_scope_is_refused(make_documents, tmp_path):
    run(tmp_path / "a", with_urls(make_documents, URLS), url_dedup.Config(write_index=True))
    with pytest.raises(ConfigError, match='within is null there and "source" here'):
        url_dedup.Config(within="source", against=[str(tmp_path / "a" / "index")]).earlier()
