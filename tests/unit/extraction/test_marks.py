"""Marks: they add nothing but themselves, and pair as the containers do.

The patterns and the stack of `said_by_patterns` and `marked_by_patterns` are what the kernels must equal: those that
the model of lines was taught with.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.extraction.marks import GROUPS, LAST, marked
from tamis.kernels.markup import FORMULAS, MARK, MARKS, hints

NAMES = [name for name, _ in GROUPS]
TAGS = ["<div>", "</div>", '<div class="main-nav">', "<nav>", "</nav>", "<ul id=menu>", "</ul>", "<footer>", "</footer>", "<DIV CLASS='comments'>", "</DIV>", "text", "<p>", "<", "<div", "<!-- <nav> -->", "<script>'</div>'</script>", "<div aria-hidden=true>"]  # fmt: skip


SAID = (
    r"nav|menu|crumb|pagin|pager|\btoc\b|\btabs?\b",
    r"header|masthead|top-?bar|logo",
    r"foot(?!note)|copyright|legal|disclaim",
    r"side-?bar|aside|widget|rail\b|\bside\b|secondary|right-?col",
    r"article|post|entry|story|blog",
    r"content|main|primary|body",
    r"comment|disqus|respond|reply|replies",
    r"shar(?:e|ing)|social|follow|twitter|facebook|button|btn|toolbar|tools|print|rating",
    r"relat|recommend|popular|trending|teaser|latest|more|also|next|prev",
    r"promo|newsletter|subscri|sponsor|advert|(?<![a-z])ads?(?![a-z])|cookie|consent|popup|modal|banner|sign-?(?:up|in)|log-?in|donat",
    r"hidden|hide|visually|sr-only|screen-reader|collaps",
    r"meta|author|byline|date|time|tags?\b|categor|info|credit|caption",
    r"list|grid|gallery|carousel|slider|feed|items?\b|product|card",
    r"thread|forum|topic|message|question|answer",
)
WORDS = re.compile("|".join(f"({words})" for words in SAID))
IN_NAMES = [
    "nav", "toc", "tab", "tabs", "top-bar", "topbar", "foot", "note", "side", "bar", "post", "poster", "ad", "ads",
    "load", "sign-in", "login", "log", "item", "items", "tag", "tags", "share", "sharing", "rail", "-", "_", "x", "1", "é",
]  # fmt: skip
ATTRIBUTES = [
    'class="{}"', "class='{} a'", "class={}", 'CLASS = "{}"', "id={}", "data-class='{}'", "classes='{}'",
    "role=navigation", 'role="main"', "role='none'", "hidden", "hidden=''", "hidden=until", "aria-hidden=true",
    'aria-hidden="false"', "style='display: none'", 'style="display:block"', "unhidden", "class", 'class="{}', ">", "/",
]  # fmt: skip
ROLES = {"navigation": 0, "main": 5}
UNSEEN = re.compile(
    r"""display\s*:\s*none|aria-hidden\s*=\s*["']?true|(?:^|\s)hidden(?:\s|$|=["']?(?:hidden|true|["']))""",
    re.IGNORECASE,
)
TAG = re.compile(r"<(/?)(div|section|ul|nav|footer)\b([^>]*)>", re.IGNORECASE)


def said_by_patterns(attributes: str) -> set[int]:
    """Groups that the attributes of a container say."""
    found = set()
    for one in re.finditer(r"""\b(?:class|id)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", attributes, re.IGNORECASE):
        for name in (one[1] or one[2] or one[3] or "").split():
            found |= {(word.lastindex or 1) - 1 for word in WORDS.finditer(name.lower())}
    role = re.search(r"""\brole\s*=\s*["']?([\w-]+)""", attributes)
    if role and role[1] in ROLES:
        found.add(ROLES[role[1]])
    return found | ({10} if UNSEEN.search(attributes) else set())


def marked_by_patterns(html: str) -> str:
    """A page with marks, as names in brackets."""
    pieces, at = [], 0
    stack: list[tuple[str, list[str]]] = []
    for found in TAG.finditer(html):
        tag = found[2].lower()
        if not found[1]:
            groups = said_by_patterns(found[3]) | {"nav": {0}, "footer": {2}}.get(tag, set())
            stack.append((tag, [NAMES[group] for group in sorted(groups)]))
            pieces += (html[at : found.end()], *(f"[{name}]" for name in stack[-1][1]))
            at = found.end()
        elif tag in [one for one, _ in stack[-20:]]:
            depth = max(i for i, (one, _) in enumerate(stack) if one == tag)
            pieces += (html[at : found.start()], *(f"[/{name}]" for _, names in stack[depth:] for name in names))
            at = found.start()
            del stack[depth:]
    return "".join([*pieces, html[at:]])


def without(html: str) -> str:
    return "".join(one for one in html if not MARK <= ord(one) <= LAST)


def read(html: str) -> str:
    """Marks as names in brackets."""
    marks = {chr(MARK + 2 * i): f"[{name}]" for i, name in enumerate(NAMES)}
    marks |= {chr(MARK + 2 * i + 1): f"[/{name}]" for i, name in enumerate(NAMES)}
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
            depth += (ord(one) == MARK + 2 * group) - (ord(one) == MARK + 2 * group + 1)
            assert depth >= 0


tags = st.tuples(
    st.sampled_from(["div", "section", "ul", "NAV", "footer", "divide", "p"]),
    st.lists(
        st.tuples(st.sampled_from(ATTRIBUTES), st.lists(st.sampled_from(IN_NAMES), min_size=1, max_size=4)), max_size=4
    ),
).map(lambda tag: f"<{tag[0]}{''.join(' ' + one.format(''.join(name)) for one, name in tag[1])}>")
closing = st.sampled_from(["</div>", "</section>", "</ul>", "</Nav>", "</footer>", "</p>", "text", "<", "</"])


@given(st.lists(tags | closing, max_size=30))
def test_kernels_mark_what_patterns_and_a_stack_mark(parts: list[str]) -> None:
    html = "".join(parts)
    assert read(marked(html)) == marked_by_patterns(html)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<math display=block>", FORMULAS),
        ("<p>See <script type='math/tex; mode=display'>x</script>", FORMULAS),
        ("<p><span class='katex'>x</span></p>", FORMULAS),
        ('<p>is <img class="tex" alt="x"> and', FORMULAS),
        ("<p>is <IMG SRC='/LaTeX.php?x' alt='x'> and", FORMULAS),
        ("<script>Math.round(1)</script><style>a{transform:translateX(1px)}</style>", 0),
        ('<p class="text">Mathematics, he said, is an art.</p>', 0),
        ("<p>a &#x10F004; b&#9; and more", MARKS),
        ("<p>a &#0001110016; b and more", MARKS),
        (f"<p>a {chr(MARK)} b and more", MARKS),
        ("<p>&amp;&#10;&#x10a;&#111;😀 and more", 0),
        ("", 0),
        ("<math>", 0),
    ],
)
def test_most_pages_hold_neither_formulas_nor_marks(html: str, expected: int) -> None:
    assert hints(np.frombuffer(html.encode(), np.uint8)) == expected
