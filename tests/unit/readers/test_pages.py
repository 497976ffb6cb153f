"""Text of HTML pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.readers.pages import charset, text_of


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>One <b>two</b>\n three.</p><p>Four&nbsp;&amp;&#102;ive</p>", "One two three.\n\nFour &five\n"),
        ("<h1>Head<a class='x headerlink'>.</a><a class=\"a headerlink\" href='#'>¶</a></h1>text", "Head.\n\ntext\n"),
        ("<ul><li>a<li><p>b</p><p>c</p></ul>", "- a\n- b\n\nc\n"),
        ("<table><tr><th>k<th>v<tr><td>1</td><td></td><td>2</td></table>", "k | v\n1 | 2\n"),
        ("<pre>if x:\n    y &lt; 2\n</pre>end", "if x:\n    y < 2\n\nend\n"),
        ("a<script>if (1<2) {'</p>'}</SCRIPT >b<style>p{}</style>c<svg><text>x</text></svg>", "abc\n"),
        ("a<!-- <p>no</p> -->b<!doctype html>c<?php x ?>d</>e", "abcde\n"),
        ("<nav>menu</nav>body<footer>foot</footer>", "body\n"),
        ("<div class='sphinxsidebar'><p>side</p></div><div role='navigation'>n</div>body", "body\n"),
        ("<div>out</div><main><p>in</p></main>", "in\n"),
        ("<div>out</div><div role=main>in <article>the article itself</article></div>", "the article itself\n"),
        ("<main>a long main text, the page itself, <article>teaser</article></main>",
         "a long main text, the page itself,\nteaser\n"),
        ("<header>head</header><p>no main at all", "head\n\nno main at all\n"),
        ("1 < 2 and 3 > 2 <<b>bold</b>", "1 < 2 and 3 > 2 <bold\n"),
        ("<p>a</div></span></p></p>b", "a\n\nb\n"),
        ("", "\n"),
    ],
)  # fmt: skip
def test_by_hand(page: str, text: str) -> None:
    assert text_of(page) == text


PIECES = [*"<>/!-= \"'abp\n&;\x01", "<p>", "</p>", "<pre>", "<li>", "<td>", "<script>", "<!--", "<main>", "</main>"]


@given(st.lists(st.sampled_from(PIECES)))
def test_no_page_breaks_it(pieces: list[str]) -> None:
    text = text_of("".join(pieces))
    assert "\n\n\n" not in text
    assert not set(text) & {"\x01", "\x02", "\x03"}


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<!--",
        "<a",
        "<p>",
        "</p>",
        "<script",
        "<script>",
        "<svg><",
        "&#",
        "<!",
        "<td class=",
        '<a class="headerlink">',
    ],
)
def test_malformed_pages_end(piece: str) -> None:
    # Linear time: a tenth of a second. Quadratic time, as in the standard library's parser: this test does not end.
    assert text_of(piece * 50_000).endswith("\n")
    assert text_of("<p " + piece * 50_000 + ">").endswith("\n")


def test_the_charset_of_the_page() -> None:
    assert charset(b'<html><meta charset="Shift_JIS">') == "Shift_JIS"
    assert charset(b"<meta http-equiv=x content='text/html; charset=ISO-8859-1'>") == "ISO-8859-1"
    assert charset(b"<p>charset=x</p>") == "utf-8"
