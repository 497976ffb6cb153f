"""Pages that would take a process with them: bounded, refused by reason, and the next page comes through."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from web_pages import ENGLISH, page, paragraphs

from tamis.errors import SourceError
from tamis.extraction import Extraction, Extractor, Page, Refused, shared

GOOD = page(paragraphs()).encode()


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    # Two of the pages below take as long as they may.
    with Extractor(Extraction(page_seconds=3)) as one:
        yield one


def good(extractor: Extractor) -> None:
    found = extractor.extract(GOOD, url="https://news.example/a")
    assert isinstance(found, Page)
    assert all(one in found.text for one in ENGLISH)
    assert (found.title, found.language_hint, found.charset) == ("The boats come home", "en", "utf-8")


HOSTILE = {
    "100,000 elements inside each other": b"<div>" * 100_000 + GOOD,
    "100,000 with classes": b"<div class='content nav'>" * 100_000 + GOOD,
    "100,000 tables": b"<table><tr><td>" * 33_000 + GOOD,
    "100,000 bold": b"<b>" * 100_000 + GOOD,
    "100,000 lists": b"<ul><li>" * 50_000 + GOOD,
    "entities that grow": b"<!DOCTYPE lolz [<!ENTITY a 'lol'>"
    + b"".join(b"<!ENTITY %c '%s'>" % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
    + b"]>"
    + GOOD.replace(b"boats had", b"boats had &j;"),
    "a million entities": GOOD.replace(b"</article>", b"<p>" + b"&amp;" * 1_000_000 + b"</article>"),
    "one line of five million letters": GOOD.replace(b"</article>", b"<p>" + b"x" * 5_000_000 + b"</article>"),
    "100,000 attributes": GOOD.replace(b"<article", b"<article " + b" ".join(b"a%d=1" % i for i in range(100_000))),
    "one attribute of five million": GOOD.replace(b"<article", b"<article title='" + b"y" * 5_000_000 + b"'"),
    "nulls": GOOD.replace(b"<p>", b"\0<p>\0\0"),
    "a million links": GOOD.replace(b"</article>", b"<a href=x>y</a>" * 500_000 + b"</article>"),
    "cut in the middle": GOOD[: GOOD.index(ENGLISH[3].encode()) + len(ENGLISH[3])],
    "a script that is not closed": GOOD.replace(b"</footer>", b"</footer><script>"),
    "comments that are not closed": GOOD + b"<!-- <!-- <!--",
    "nine million line feeds": GOOD.replace(b"</article>", b"</article><pre>" + b"\n" * 9_000_000 + b"</pre>"),
    "500,000 closing tags": GOOD + b"</div>" * 500_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_go_through_or_are_refused_by_reason(name: str, extractor: Extractor) -> None:
    found = extractor.extract(HOSTILE[name])
    if isinstance(found, Page):
        assert "\0" not in found.text
        assert ENGLISH[1] in found.text
    else:
        assert found.reason in {"page_timeout", "page_memory", "page_crashed", "no_main_content"}
        assert found.detail
    good(extractor)


@pytest.mark.parametrize(
    "name",
    ["nulls", "cut in the middle", "a script that is not closed", "entities that grow", "comments that are not closed"],
)
def test_what_is_only_damaged_goes_through(name: str, extractor: Extractor) -> None:
    assert isinstance(extractor.extract(HOSTILE[name]), Page)


def test_a_page_that_is_too_large_never_reaches_a_parser(extractor: Extractor) -> None:
    found = extractor.extract(GOOD + b" " * 50_000_000)
    assert found == Refused("page_too_large", f"{len(GOOD) + 50_000_000} bytes, limit 10000000")


def test_a_page_that_takes_too_long_is_stopped_inside_the_parser_and_the_next_is_read() -> None:
    # Resiliparse's own rules take the square of the depth: minutes for this page, in one call of C code.
    with Extractor(Extraction(extractor="resiliparse", page_seconds=0.3)) as bounded:
        start = time.monotonic()
        found = bounded.extract(b"<div>" * 50_000 + b"deep text")
        assert found == Refused("page_timeout", "more than 0.3 seconds of CPU")
        assert time.monotonic() - start < 60
        good(bounded)


def test_a_page_that_takes_too_much_memory_is_refused() -> None:
    with Extractor(Extraction(max_page_bytes=200_000_000, page_memory_mb=500)) as bounded:
        found = bounded.extract(b"<p>" + b"<i>x</i>" * 12_000_000)
        assert isinstance(found, Refused)
        assert found.reason in {"page_memory", "page_crashed"}
        good(bounded)


def test_a_process_that_somebody_kills_costs_no_page() -> None:
    with Extractor() as killed:
        good(killed)
        assert killed.pid is not None
        os.kill(killed.pid, signal.SIGKILL)
        good(killed)


def test_a_process_that_does_not_start_is_no_fault_of_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with Extractor() as broken, pytest.raises(SourceError, match=r"does not start \(status 1\)"):
        broken.extract(GOOD)


def test_the_outcome_does_not_depend_on_pages_before(extractor: Extractor) -> None:
    first = extractor.extract(GOOD)
    for data in HOSTILE["100,000 with classes"], HOSTILE["nulls"]:
        extractor.extract(data)
    assert extractor.extract(GOOD) == first


def test_small_files_share_one_process() -> None:
    one = shared(Extraction(page_seconds=3.0))
    assert shared(Extraction(page_seconds=3.0)) is one
    good(one)
    assert one.pid is not None
    other = shared(Extraction(page_seconds=4.0))
    assert other is not one
    # That of other settings is ended.
    assert one.pid is None
    other.close()


def test_the_process_ends_with_its_owner() -> None:
    owned = Extractor()
    good(owned)
    process = owned._child._process
    assert process is not None
    threading.Timer(0.0, owned.close).start()
    assert process.wait(10) != 0
