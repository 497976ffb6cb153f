"""Records of an archive: those that other libraries find, and those that stay where something is wrong."""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import time
import zlib
from pathlib import Path

import brotli
import fastwarc
import pytest
import web_archives as made
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tamis.errors import SourceError
from tamis.readers.webarchive.heads import ARC
from tamis.readers.webarchive.payload import NoPageError, payload_of
from tamis.readers.webarchive.records import WHOLE, Earlier, Found, Lost, is_archive, records, records_of

DATA = Path(__file__).parents[5] / "shared/data"
LIMIT = 1_000_000
TEN = [made.warcinfo(), *(made.response(number) for number in range(10))]
PACKED = {
    "plain": b"".join,
    "gzip": made.gz,
    "gzip in one": lambda parts: gzip.compress(b"".join(parts)),
    "lz4": made.lz4_frames,
    "zstd": made.zstd_frames,
    "zstd with a dictionary": made.zstd_with_dictionary,
}


def read(data: bytes, limit: int = LIMIT) -> list[Found | Lost]:
    return list(records(io.BytesIO(data), limit, lambda _: True))


def in_parts(data: bytes, cuts: list[int], limit: int = LIMIT) -> list[Found | Lost]:
    """What the parts between some places of an archive hold, one after the other."""
    found: list[Found | Lost] = []
    for part in itertools.pairwise([0, *sorted(cuts), WHOLE[1]]):
        items = list(records_of(io.BytesIO(data), limit, lambda _: True, part))
        earlier = [item.item for item in items if isinstance(item, Earlier)]
        assert [item.place for item in earlier] == [item.place for item in found]
        assert not [item for item in earlier if isinstance(item, Found) and item.block is not None]
        found += [item for item in items if not isinstance(item, Earlier)]
    return found


def told(items: list[Found | Lost]) -> list[str]:
    """URL of what was found, reason of what was lost."""
    return [item.reason if isinstance(item, Lost) else item.head.url for item in items]


def urls(*numbers: int) -> list[str]:
    return [f"http://x.example/{number}" for number in numbers]


@pytest.mark.parametrize("packed", PACKED)
def test_the_same_records_whatever_the_compression(packed: str) -> None:
    items = read(PACKED[packed](TEN))
    assert told(items) == ["", *urls(*range(10))]
    assert [item.block for item in items[1:]] == [made.http(made.page(number)) for number in range(10)]
    assert [item.place.number for item in items] == list(range(1, 12))


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("size", [1, 7, 100, 333, 1_000])
def test_records_may_be_cut_into_members_anywhere(packed: str, size: int) -> None:
    whole = b"".join(TEN)
    items = read(PACKED[packed]([whole[start : start + size] for start in range(0, len(whole), size)]))
    assert told(items) == ["", *urls(*range(10))]
    assert items[7].block == made.http(made.page(6))


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_what_warcio_writes_is_what_we_read(gzipped: bool, version: str) -> None:
    stream = io.BytesIO()
    writer = WARCWriter(stream, gzip=gzipped, warc_version=version)
    blocks = [
        bytes(range(256)) * 7,
        b"",
        b"\r\n\r\n",
        b"x",
        b"WARC/1.0\r\nWARC-Type: response\r\n\r\n",
        made.page(1) * 50,
    ]
    for number, body in enumerate(blocks):
        headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
        writer.write_record(
            writer.create_warc_record(f"http://x.example/{number}", "response", io.BytesIO(body), http_headers=headers)
        )
    data = stream.getvalue()
    found = read(data)
    assert all(isinstance(item, Found) for item in found)
    theirs = [
        (one.rec_headers.get_header("WARC-Record-ID"), one.rec_headers.get_header("WARC-Date"), one.raw_stream.read())
        for one in ArchiveIterator(io.BytesIO(data), no_record_parse=True)
    ]
    ours = [(item.head.fields["warc-record-id"], item.head.fields["warc-date"], item.block) for item in found]
    assert ours == theirs
    offsets = ArchiveIterator(io.BytesIO(data))
    assert [item.place.offset for item in found] == [offsets.get_record_offset() for _ in offsets]


FILES = sorted(
    path
    for pattern in ("crawl/*/*.warc*", "crawl/*/*.arc*", "web/*.warc.gz")
    for path in DATA.glob(pattern)
    if path.name not in {"badexample.arc.gz", "sample.warc.txt", "clipped.warc.gz"}
)
PLAIN_ARC = "IAH-20080430204825-00000-blackbook-truncated.arc"
"""warcio takes its header for too short."""


@pytest.mark.skipif(not FILES, reason="real archives are not here: ../shared/data/crawl")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_archives_hold_what_other_libraries_find_in_them(path: Path) -> None:
    with path.open("rb") as file:
        items = list(records(file, 1 << 30, lambda _: True))
    assert not [item for item in items if isinstance(item, Lost)]
    size = path.stat().st_size
    assert in_parts(path.read_bytes(), [size // 3, 2 * size // 3], 1 << 30) == items
    ours = [(item.head.url, item.block) for item in items]
    if path.name == PLAIN_ARC:
        with path.with_name(path.name + ".gz").open("rb") as file:
            assert ours == [(item.head.url, item.block) for item in records(file, 1 << 30, lambda _: True)]
        return
    with path.open("rb") as file:
        if path.suffix == ".lz4":
            found = fastwarc.ArchiveIterator(file, parse_http=False)
            theirs = [(one.headers.get("WARC-Target-URI", ""), one.reader.read()) for one in found]
        else:
            found = ArchiveIterator(file, no_record_parse=True)
            theirs = [
                (
                    (one.rec_headers.get_header("WARC-Target-URI") or one.rec_headers.get_header("uri") or ""),
                    one.raw_stream.read(),
                )
                for one in found
            ]
    # warcio takes the head of `filedesc:` for its block.
    assert [block for url, block in ours if not url.startswith("filedesc:")] == [
        block for url, block in theirs if not url.startswith("filedesc:")
    ]
    assert [url for url, _ in ours] == [url.strip("<>") for url, _ in theirs]


@pytest.mark.skipif(not FILES, reason="real archives are not here: ../shared/data/crawl")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resiliparse/clipped.warc.gz", ["damaged"]),
        ("aut/badexample.arc.gz", ["filedesc://", "dns:www.", "http://w", "garbage", "http://w", "truncated"]),
        ("cc_net/sample.warc.txt", ["", "http://s", "http://s", "http://s"]),
    ],
)
def test_real_damaged_archives_give_what_is_whole(name: str, expected: list[str]) -> None:
    with (DATA / "crawl" / name).open("rb") as file:
        items = told(list(records(file, LIMIT, lambda _: True)))
    assert [item[: len(want)] for item, want in zip(items, expected, strict=True)] == expected


@pytest.mark.parametrize("packed", ["gzip", "lz4", "zstd"])
@pytest.mark.parametrize("put", [b"\xff" * 40, b"", b"\x1f\x8b\x08\x04\x22\x4d\x18\x28\xb5\x2f\xfd" * 9])
def test_a_damaged_member_costs_its_record(packed: str, put: bytes) -> None:
    members = [PACKED[packed]([one]) for one in TEN]
    middle = len(members[4]) // 2
    members[4] = members[4][:middle] + put + members[4][middle + 40 :]
    items = read(b"".join(members))
    assert [one for one in told(items) if one.startswith("http") and one != urls(3)[0]] == urls(
        0, 1, 2, 4, 5, 6, 7, 8, 9
    )
    lost = [item for item in items if isinstance(item, Lost)]
    assert lost[0].reason == "damaged"
    assert lost[0].place.offset == sum(map(len, members[:4]))


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_cut_archive_loses_its_last_record_and_says_so(packed: str, cut: int) -> None:
    data = PACKED[packed](TEN)[:-cut]
    items = told(read(data))
    if packed == "plain" and cut == 1:
        # A line end is missing behind the last record, no more.
        assert items == ["", *urls(*range(10))]
    elif packed == "gzip in one":
        assert items[:2] == ["", *urls(0)]
        assert items[-1] == "damaged"
    else:
        assert items == ["", *urls(*range(9)), "damaged" if packed != "plain" else "truncated"]


def test_a_wrong_checksum_is_damage() -> None:
    members = [gzip.compress(one) for one in TEN]
    members[5] = members[5][:-8] + bytes([members[5][-8] ^ 1]) + members[5][-7:]
    assert told(read(b"".join(members))) == ["", *urls(0, 1, 2, 3), "damaged", *urls(5, 6, 7, 8, 9)]


@pytest.mark.parametrize("packed", ["plain", "gzip in one"])
def test_garbage_between_records_is_passed_over_and_listed_with_its_place(packed: str) -> None:
    junk = b"\x00\x01 noise\nWARC/oh no\n" * 30_000
    items = read(PACKED[packed]([TEN[0], TEN[1], junk, TEN[2], b"more noise\n", TEN[3]]))
    assert told(items) == ["", *urls(0), "garbage", *urls(1), "garbage", *urls(2)]
    start = len(TEN[0]) + len(TEN[1])
    assert (items[2].place.offset or items[2].place.inside) == start
    assert str(len(junk)) in items[2].detail
    assert (items[3].place.number, items[5].place.number) == (4, 6)


def test_garbage_between_members_is_passed_over() -> None:
    items = read(gzip.compress(TEN[1]) + b"\x1f\x8b\x08noise" * 100 + gzip.compress(TEN[2]) + b"\0" * 5_000)
    assert told(items) == [*urls(0), "damaged", *urls(1)]


@pytest.mark.parametrize("packed", ["plain", "gzip in one"])
@pytest.mark.parametrize("excess", [1, 20, 700, 10**7, 10**15])
def test_a_length_that_is_too_large_does_not_swallow_what_follows(packed: str, excess: int) -> None:
    block = made.http(made.page(1))
    lying = made.record(block, url=urls(1)[0], length=len(block) + excess)
    items = read(PACKED[packed]([TEN[1], lying, TEN[3], TEN[4]]))
    if excess <= 4:
        assert items[1].block.startswith(block)
    if packed == "plain" or excess < LIMIT:
        assert told(items)[-2:] == urls(2, 3)
        assert told(items)[:1] == urls(0)
        if excess > 4:
            assert items[1].block.rstrip() == block
    else:
        assert told(items)[1] == "truncated"


def test_a_length_that_is_too_small_leaves_garbage_which_is_listed() -> None:
    block = made.http(made.page(1))
    items = read(TEN[1] + made.record(block, url=urls(1)[0], length=len(block) - 10) + TEN[3])
    assert told(items) == [*urls(0, 1), "garbage", *urls(2)]
    assert items[1].block == block[:-10]


def test_text_whose_length_was_counted_in_characters_is_whole() -> None:
    text = "Маленький текст.\nИ ещё один."
    wet = [
        made.record(
            text.encode(), type="conversion", kind="text/plain", length=len(text), line_end=b"\n", trailer=b"\n\n"
        )
        for _ in range(3)
    ]
    items = read(b"".join(wet))
    assert [item.block.decode() for item in items] == [text] * 3


def test_a_page_that_shows_an_archive_is_no_archive() -> None:
    """Even where garbage follows, the digest of the block says how long it is."""
    shown = made.http(b"<pre>\n" + made.response(7) + b"</pre>")
    truthful = made.record(shown, url=urls(1)[0], fields=[f"WARC-Block-Digest: {made.digest(shown)}"])
    assert told(read(TEN[1] + truthful + TEN[3])) == urls(0, 1, 2)
    assert told(read(TEN[1] + truthful + b"noise\n" + TEN[3])) == [*urls(0, 1), "garbage", *urls(2)]


@pytest.mark.parametrize("length", ["", "x", "-5", "12 bytes", "9" * 30])
def test_a_record_without_a_length_is_listed_and_the_next_is_read(length: str) -> None:
    items = read(TEN[1] + made.record(b"something\r\n", length=length) + TEN[3])
    assert told(items) == [*urls(0), "bad_header", "garbage", *urls(2)]


def test_an_endless_header_is_passed_over() -> None:
    endless = b"WARC/1.0\r\nWARC-Type: response\r\n" + b"X-Field: and so on\r\n" * 200_000
    for pack in (PACKED["plain"], PACKED["gzip"]):
        assert told(read(pack([TEN[1], endless, TEN[3]])))[-1:] == urls(2)


@pytest.mark.parametrize("version", ["WARC/0.17", "WARC/0.18", "WARC/1.0", "WARC/1.1", "WARC/2.0", "WARC/1.0  "])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_versions_and_line_ends(version: str, line_end: bytes) -> None:
    one = made.record(b"block", version=version, line_end=line_end, trailer=line_end * 2)
    assert [item.block for item in read(one * 3)] == [b"block"] * 3


def test_names_in_any_case_values_that_go_on_and_a_line_without_a_colon() -> None:
    head = b"WARC/1.0\r\nwarc-type: response\r\nWARC-TARGET-URI: <http://x.example/\r\n  a>\r\nnothing\r\ncontent-length: 3\r\n"
    (item,) = read(head + b"Content-Length: 99\r\n\r\nabc\r\n\r\n")
    assert (item.block, item.head.url) == (b"abc", "http://x.example/ a")


def test_records_without_a_version_line() -> None:
    bare = [one.removeprefix(b"WARC/1.0\r\n") for one in TEN[1:4]]
    assert told(read(b"".join(bare))) == urls(0, 1, 2)
    assert told(read(made.gz(bare))) == urls(0, 1, 2)


@pytest.mark.parametrize("packed", ["plain", "gzip", "gzip in one"])
def test_arc_of_both_versions(packed: str) -> None:
    pages = [made.arc(url, made.http(made.page(number))) for number, url in enumerate(urls(0, 1, 2))]
    items = read(PACKED[packed]([made.filedesc(), *pages]))
    assert told(items) == ["filedesc://a.arc", *urls(0, 1, 2)]
    assert items[2].block == made.http(made.page(1))
    assert items[2].head.fields["warc-date"] == "20080430204825"
    second = [one.replace(b" text/html ", b" text/html 200 2WAXX5N - 1300 a.arc ", 1) for one in pages]
    items = read(PACKED[packed]([made.filedesc(2), *second]))
    assert told(items) == ["filedesc://a.arc", *urls(0, 1, 2)]
    assert (items[1].head.fields["content-type"], items[1].head.fields["arc-checksum"]) == ("text/html", "2WAXX5N")
    damaged = read(PACKED[packed]([made.filedesc(), pages[0], b"noise\n", pages[1]]))
    assert told(damaged)[0:1] + told(damaged)[-1:] == ["filedesc://a.arc", *urls(1)]


@pytest.mark.parametrize(
    ("line", "url", "length"),
    [
        (b"http://a/ 10.0.0.1 20080430204825 text/html 680\n", b"http://a/", 680),
        (b"http://a/b c d.html 10.0.0.1 20080430204825 text/html 680\r\n", b"http://a/b c d.html", 680),
        (b"http://a/ 0.0.0.0 200804302048 no-type 0\n", b"http://a/", 0),
        (b"http://a/ ::1 20080430204825 text/html; charset=utf-8 12\n", b"http://a/", 12),
    ],
)
def test_lines_of_arc(line: bytes, url: bytes, length: int) -> None:
    match = ARC.match(line)
    assert match is not None
    assert (match["url"], int(match["length"])) == (url, length)


def test_a_record_beyond_the_limit_is_not_held_and_the_next_is_read() -> None:
    big = made.record(b"x" * 3_000_000, url=urls(1)[0])
    for pack in PACKED.values():
        assert told(read(pack([TEN[1], big, TEN[3]]))) == [*urls(0), "too_large", *urls(2)]


def test_what_nobody_wants_is_found_without_its_block() -> None:
    big = made.record(b"x" * 3_000_000, type="request")
    items = list(records(io.BytesIO(big + TEN[1]), LIMIT, lambda head: head.type == "response"))
    assert [item.block is None for item in items] == [True, False]


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", gzip.compress(b"")], ids=["empty", "blank", "gzip"])
def test_nothing(data: bytes) -> None:
    assert read(data) == []


@pytest.mark.parametrize(
    "data",
    [b"x", b"WARC/1.0", b"Just a text.\n" * 99, gzip.compress(b"text"), b"\x1f\x8b\x08"],
    ids=["letter", "line", "text", "gzip", "cut"],
)
def test_no_archive_is_one_thing_lost(data: bytes) -> None:
    assert [item.reason for item in read(data)] in (["garbage"], ["damaged"])


def test_a_damaged_dictionary_is_said() -> None:
    data = made.zstd_with_dictionary(TEN)
    with pytest.raises(SourceError, match="dictionary"):
        read(data[:8] + b"\x28\xb5\x2f\xfd" + b"\xff" * 50 + data[62:])


@pytest.mark.parametrize(
    "dictionary", [b"\x37\xa4\x30\xec" + b"\xff" * 60, zstandard.compress(b"\x37\xa4\x30\xec" * 20)]
)
def test_a_dictionary_that_is_none_is_said(dictionary: bytes) -> None:
    data = b"\x5d\x2a\x4d\x18" + len(dictionary).to_bytes(4, "little") + dictionary + made.zstd_frames(TEN)
    with pytest.raises(SourceError, match="dictionary"):
        read(data)


def test_many_heads_without_an_end_take_linear_time() -> None:
    start = time.process_time()
    items = read(b"WARC/1.0\r\nA:\r\n" * 80_000 + b"\r\n" + TEN[1])
    assert told(items)[-1:] == urls(0)
    assert time.process_time() - start < 5


def test_what_begins_like_an_archive(tmp_path: Path) -> None:
    for name, pack in PACKED.items():
        path = tmp_path / name
        path.write_bytes(pack(TEN))
        assert is_archive(path)
    path.write_bytes(b"http://a/ 10.0.0.1 20080430204825 text/html 680\n")
    assert not is_archive(path)
    assert not is_archive(tmp_path / "missing")


def test_members_made_to_be_looked_into_at_every_byte_are_not() -> None:
    """Each begins a stored block that swallows 64 kB of the next ones, and fails behind them."""
    stored = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\0\xff\xff\0\0WARC/1.0\r\n"
    start = time.process_time()
    assert len(read(stored * 80_000)) < 1_000
    assert time.process_time() - start < 10


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(PACKED)),
    st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=12), st.integers(0, 30)), min_size=1, max_size=4),
    st.lists(st.integers(0, 10**4), max_size=4),
)
def test_damage_anywhere_raises_nothing_leaves_blocks_that_were_written_and_is_the_same_in_parts(
    packed: str, damage: list[tuple[int, bytes, int]], cuts: list[int]
) -> None:
    coded = [
        made.record(made.http(data, fields=[f"Content-Encoding: {name}", "Transfer-Encoding: chunked"]))
        for name, data in (
            ("gzip", made.chunked(gzip.compress(made.page()))),
            ("br", made.chunked(brotli.compress(made.page()))),
            ("zstd", zstandard.compress(made.page())),
            ("deflate", zlib.compress(made.page())),
        )
    ]
    data = PACKED[packed]([*TEN[:6], *coded] if packed != "gzip" else TEN[:6])
    for place, put, taken in damage:
        at = place % len(data)
        data = data[:at] + put + data[at + taken :] or b"x"
    try:
        items = read(data)
    except SourceError:
        assert packed == "zstd with a dictionary"
        return
    for item in items:
        if isinstance(item, Found):
            with contextlib.suppress(NoPageError):
                assert payload_of(item, (200,), LIMIT, verify=True).media in ("html", "text")
    numbers = [item.place.number for item in items]
    assert numbers == list(range(1, len(items) + 1))
    assert in_parts(data, [cut % (len(data) + 1) for cut in cuts]) == items
    if packed == "gzip":
        # What passes a member's checksum is what was written.
        whole = {made.http(made.page(number)) for number in range(5)} | {b"software: tests\r\n"}
        assert {item.block for item in items if isinstance(item, Found)} <= whole


@pytest.mark.parametrize("packed", PACKED)
def test_a_part_holds_the_records_that_begin_in_it(packed: str) -> None:
    data = PACKED[packed](TEN)
    starts = sorted({item.place.offset for item in read(data)})
    assert len(starts) == (1 if packed == "gzip in one" else len(TEN))
    for part in itertools.pairwise([*starts, len(data)]):
        items = records_of(io.BytesIO(data), LIMIT, lambda _: True, part)
        held = {item.place.offset for item in items if not isinstance(item, Earlier)}
        assert held == {part[0]}


def test_every_cut_of_a_small_archive_gives_the_records_before_it() -> None:
    members = [zlib.compress(one, wbits=31) for one in TEN[:3]]
    data = b"".join(members)
    ends = [sum(map(len, members[: count + 1])) for count in range(3)]
    for cut in range(1, len(data)):
        found = [item for item in read(data[:cut]) if isinstance(item, Found)]
        assert len(found) == sum(end <= cut for end in ends)
