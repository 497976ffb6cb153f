"""Marks: they add nothing but themselves, and pair as the containers do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tamis.extraction.marks import FIRST, GROUPS, LAST, marked

NAMES = [name for name, _ in GROUPS]
TAGS = ["<div>", "</div>", '<div class="main-nav">', "<nav>", "</nav>", "<ul id=menu>", "</ul>", "<footer>", "</footer>", "<DIV CLASS='comments'>", "</DIV>", "text", "<p>", "<", "<div", "<!-- <nav> -->", "<script>'</div>'</script>", "<div aria-hidden=true>"]  # fmt: skip


def without(html: str) -> str:
    return "".join(one for one in html if not FIRST <= ord(one) <= LAST)


def read(html: str) -> str:
    """Marks as names in brackets."""
    marks = {chr(FIRST + 2 * i): f"[{name}]" for i, name in enumerate(NAMES)}
    marks |= {chr(FIRST + 2 * i + 1): f"[/{name}]" for i, name in enumerate(NAMES)}
    return "".join(marks.get(one, one) for one in html)


def test_containers_are_marked_by_tag_class_id_role_and_style() -> None:
    assert read(marked("<nav>a</nav>")) == "<nav>[nav]a[/nav]</nav>"
    assert (
        read(marked('<div class="page-footer" id=x>a</div>'))
        == '<div class="page-footer" id=x>[footer]a[/footer]</div>'
    )
    assert read(marked("<div id='comments'>a</div>")) == "<div id='comments'>[comment]a[/comment]</div>"
    assert read(marked("<div role=navigation>a</div>")) == "<div role=navigation>[nav]a[/nav]</div>"
    assert read(marked('<div style="display: none">a</div>')) == '<div style="display: none">[hidden]a[/hidden]</div>'
    assert read(marked("<div class=ads>a</div>")) == "<div class=ads>[promo]a[/promo]</div>"
    assert read(marked("<div class=loads>a</div>")) == "<div class=loads>a</div>"


def test_what_is_left_open_is_closed_by_what_stands_around_it() -> None:
    assert (
        read(marked("<nav><ul class=menu><div>a</nav>b")) == "<nav>[nav]<ul class=menu>[nav]<div>a[/nav][/nav]</nav>b"
    )
    # A tag that closes nothing closes nothing.
    assert read(marked("<nav></div>a</nav>")) == "<nav>[nav]</div>a[/nav]</nav>"


@given(st.lists(st.sampled_from(TAGS), max_size=40))
def test_marks_add_nothing_but_themselves_and_pair(parts: list[str]) -> None:
    html = "".join(parts)
    found = marked(html)
    assert without(found) == html
    for group in range(len(GROUPS)):
        depth = 0
        for one in found:
            depth += (ord(one) == FIRST + 2 * group) - (ord(one) == FIRST + 2 * group + 1)
            assert depth >= 0
