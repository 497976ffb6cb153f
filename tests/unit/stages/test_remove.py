"""Takedowns and opt-outs: what goes, in which spelling, and which lines are refused."""

from __future__ import annotations

from hashlib import sha256

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import SourceError
from tamis.ids import document_key
from tamis.shards import write_table
from tamis.stages import remove
from tamis.urls import url_key

URLS = [
    "https://a.example.org/page",
    "http://A.example.org/page?utm_source=x#top",
    "https://a.example.org/other",
    "https://deep.down.b.example.org/",
    "https://notb.example.org/",
    "https://b.example.org:8443/x",
    "https://xn--mnchen-3ya.example/",
    "pkg:pypi/b.example.org@1.0",
    None,
    "https://b.example.org./dot",
]


@pytest.fixture(name="documents")
def _documents(make_documents):
    halves = [document_key(url_key(url) if url else f"text {n}") for n, url in enumerate(URLS)]
    ids = [f"{half}{n:016x}" for n, half in enumerate(halves)]
    return make_documents([f"text {n}" for n in range(len(URLS))], id=ids, url=URLS)


def number(document_id):
    return int(document_id[16:], 16)


def run(documents, folder, **lists):
    """Number of each document removed → reason."""
    paths = {}
    for kind, lines in lists.items():
        paths[kind] = [str(folder / f"{kind}.txt")]
        (folder / f"{kind}.txt").write_text("\n".join(lines), encoding="utf-8")
    write_table(folder / "in.parquet", documents)
    remove.run_apply(
        remove.Config(**paths),
        shard=0,
        shards=1,
        documents=folder / "in.parquet",
        earlier=None,
        kept=folder / "kept.parquet",
        dropped=folder / "dropped.parquet",
        stats=folder / "stats.json",
        stood=folder / "stood.arrow",
    )
    kept, dropped = (pq.read_table(folder / f"{name}.parquet") for name in ("kept", "dropped"))
    assert sorted(kept["id"].to_pylist() + dropped["id"].to_pylist()) == documents["id"].to_pylist()
    return {number(row["id"]): row["reason"] for row in dropped.to_pylist()}


def test_every_capture_of_an_address_goes(documents, tmp_path):
    lines = ["# asked for on a Monday", "", "  HTTP://a.Example.org:80/page#part \r", "https://nowhere.example/"]
    assert run(documents, tmp_path, urls=lines) == {0: "removed_url", 1: "removed_url"}


@pytest.mark.parametrize(
    "listed", ["https://example.org/bar", "http://www.example.org:80/bar/", "example.org/bar//#end"]
)
def test_a_page_goes_in_every_spelling_that_a_site_answers_to(make_documents, tmp_path, listed):
    spellings = ["", "/", "/#part", "/?utm_source=x"]
    urls = [f"{host}/bar{end}" for host in ("http://example.org", "https://www.example.org") for end in spellings]
    others = [
        "https://example.org/bar/1",
        "https://example.org/ba",
        "https://example.org/bar?a=1",
        "https://example.org",
    ]
    halves = [document_key(url_key(url)) for url in urls + others]
    documents = make_documents(
        [f"text {n}" for n in range(len(halves))],
        id=[f"{half}{n:016x}" for n, half in enumerate(halves)],
        url=urls + others,
    )
    assert run(documents, tmp_path, urls=[listed]) == dict.fromkeys(range(len(urls)), "removed_url")


def test_a_domain_goes_with_its_subdomains_and_no_others(documents, tmp_path):
    expected = dict.fromkeys((3, 5, 9), "removed_domain")
    for line in ("b.example.org", "B.EXAMPLE.org.", "*.b.example.org"):
        assert run(documents, tmp_path, domains=[line]) == expected
    assert run(documents, tmp_path, domains=["münchen.example"]) == {6: "removed_domain"}


def test_ids_and_hashes(documents, tmp_path):
    ids = {number(name): name for name in documents["id"].to_pylist()}
    assert run(documents, tmp_path, ids=[ids[0].upper()]) == {0: "removed_id"}
    assert run(documents, tmp_path, hashes=[ids[0][:16]]) == {0: "removed_hash", 1: "removed_hash"}
    assert run(documents, tmp_path, hashes=[ids[8][:16]]) == {8: "removed_hash"}
    assert run(documents, tmp_path, hashes=[sha256(ids[8].encode()).hexdigest()]) == {8: "removed_hash"}
    key = url_key(URLS[1])
    assert run(documents, tmp_path, hashes=[sha256(key.encode()).hexdigest().upper()]) == {
        0: "removed_hash",
        1: "removed_hash",
    }


def test_the_first_reason_is_given_and_several_lists_add_up(documents, tmp_path):
    ids = {number(name): name for name in documents["id"].to_pylist()}
    found = run(
        documents,
        tmp_path,
        urls=[URLS[0]],
        domains=["a.example.org"],
        ids=[ids[2], ids[8]],
        hashes=[ids[8][:16], ids[4][:16]],
    )
    assert found == {
        0: "removed_url",
        1: "removed_url",
        2: "removed_domain",
        4: "removed_hash",
        8: "removed_id",
    }


def test_without_lists_everything_stays(documents, tmp_path):
    assert run(documents, tmp_path) == {}
    assert run(documents, tmp_path, urls=["# nothing yet"]) == {}


@pytest.mark.parametrize(
    ("kind", "line", "expected"),
    [
        ("urls", "no address", "an address"),
        ("domains", "https://example.org/page", "a host name"),
        ("domains", "com", "a host name"),
        ("domains", "exa mple.org", "a host name"),
        ("domains", "-.org", "a host name"),
        ("ids", "0123", "a document id"),
        ("ids", "g" * 32, "a document id"),
        ("hashes", "0" * 32, "a hash"),
        ("hashes", "0" * 16 + " # why", "a hash"),
    ],
)
def test_a_bad_line_is_refused_with_its_number(documents, tmp_path, kind, line, expected):
    with pytest.raises(SourceError, match=rf"{kind}\.txt, line 3: .* is not {expected}"):
        run(documents, tmp_path, **{kind: ["# list", "", line]})
    assert not (tmp_path / "kept.parquet").exists()


def test_bytes_that_are_no_text_and_missing_lists_are_named(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_bytes(b"https://a.example/\n\xff\xfe\n")
    with pytest.raises(SourceError, match=r"urls\.txt, line 2: not UTF-8"):
        remove.read_lists(remove.Config(urls=[str(path)]))
    with pytest.raises(SourceError, match=r"none\.txt: the list of remove\.ids cannot be read"):
        remove.read_lists(remove.Config(ids=[str(tmp_path / "none.txt")]))


def test_a_byte_order_mark_is_no_part_of_the_first_entry(tmp_path):
    path = tmp_path / "domains.txt"
    path.write_bytes(b"\xef\xbb\xbfexample.org\r\n")
    assert remove.read_lists(remove.Config(domains=[str(path)])).domains == {"example.org"}


@given(st.text(max_size=30))
def test_any_line_is_an_entry_or_refused(line):
    for read, _ in remove.ENTRIES.values():
        found = read(line)
        assert found is None or (isinstance(found, str) and found)


@given(st.sampled_from([url for url in URLS if url]))
def test_an_address_is_found_by_itself(url):
    lists = remove.Lists(frozenset({remove.ENTRIES["urls"][0](url)}), frozenset(), frozenset(), frozenset())
    assert remove.reason("0" * 32, url, lists, long_hashes=False) == "removed_url"
