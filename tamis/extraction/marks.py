"""Marks in a page that say which containers its text stands in: navigation, footer, article, comments.

The text of the whole page is taken out in one pass of C code, which forgets the elements around it. So before the page
is parsed, each container whose tag, class or id says what it is gets a character in front of its content and one
behind, from a private plane of Unicode; they come out with the text. Tags are found by a pattern and paired by a
stack: in a parsed tree each element would be a Python object, which took a third of the time of a page. Where tags do
not pair, or a script holds some, marks are misplaced, which the model has seen.
"""

from __future__ import annotations

import re
from functools import cache

GROUPS = (
    ("nav", r"nav|menu|crumb|pagin|pager|\btoc\b|\btabs?\b"),
    ("header", r"header|masthead|top-?bar|logo"),
    ("footer", r"foot(?!note)|copyright|legal|disclaim"),
    ("aside", r"side-?bar|aside|widget|rail\b|\bside\b|secondary|right-?col"),
    ("article", r"article|post|entry|story|blog"),
    ("main", r"content|main|primary|body"),
    ("comment", r"comment|disqus|respond|reply|replies"),
    ("share", r"shar(?:e|ing)|social|follow|twitter|facebook|button|btn|toolbar|tools|print|rating"),
    ("related", r"relat|recommend|popular|trending|teaser|latest|more|also|next|prev"),
    (
        "promo",
        r"promo|newsletter|subscri|sponsor|advert|(?<![a-z])ads?(?![a-z])|cookie|consent|popup|modal|banner|sign-?(?:up|in)|log-?in|donat",
    ),
    ("hidden", r"hidden|hide|visually|sr-only|screen-reader|collaps"),
    ("meta", r"meta|author|byline|date|time|tags?\b|categor|info|credit|caption"),
    ("list", r"list|grid|gallery|carousel|slider|feed|items?\b|product|card"),
    ("forum", r"thread|forum|topic|message|question|answer"),
)
"""Name and words in class, id or role, of each kind of container."""

TAGS = {
    "nav": "nav",
    "header": "header",
    "footer": "footer",
    "aside": "aside",
    "article": "article",
    "main": "main",
    "time": "meta",
    "figcaption": "meta",
    "address": "meta",
}

ROLES = {
    "navigation": "nav",
    "menu": "nav",
    "menubar": "nav",
    "banner": "header",
    "contentinfo": "footer",
    "complementary": "aside",
    "main": "main",
    "article": "article",
    "dialog": "promo",
    "search": "nav",
}

FIRST = 0x10F000
"""Code point that opens the first group; the next one closes it."""

LAST = FIRST + 0x1FF
"""Of the code points that marks and tags take. A page's own characters among them are taken out before: they mean
nothing, and could pass for marks."""

_OWN = re.compile(
    f"[{chr(FIRST)}-{chr(LAST)}]|&#(?:x0*10f[01][0-9a-f]{{2}}|0*1110(?:0[1-9]|[1-4][0-9]|5[0-2])[0-9]);?", re.IGNORECASE
)


def without_marks(html: str, small: bytes, charset: str) -> str:
    """The HTML of a page without characters that would pass for marks.

    Args:
        html: the page.
        small: its bytes, letters of ASCII in small.
        charset: in which it was read.
    """
    own = b"\xf4\x8f" in small if charset.startswith("utf") else not html.isascii() and bool(_OWN.search(html))
    return _OWN.sub("", html) if own or b"&#1110" in small or b"&#x10f" in small else html


NUMBER = {name: i for i, (name, _) in enumerate(GROUPS)}
_WORDS = re.compile("|".join(f"({words})" for _, words in GROUPS))
_TAG_BITS = {tag: 1 << NUMBER[group] for tag, group in TAGS.items()}
_ROLE_BITS = {role: 1 << NUMBER[group] for role, group in ROLES.items()}
_HIDDEN = 1 << NUMBER["hidden"]

_COUNTED = "|".join(dict.fromkeys(("div", "section", "ul", "ol", "dl", "form", *TAGS)))
"""Not tables and their parts, where the parser moves text out, and not paragraphs, which nothing must close."""

_TAG, _ANY_TAG = (re.compile(rf"<(/?)({_COUNTED})\b([^>]*)>", flag) for flag in (0, re.IGNORECASE))
_NAMES = re.compile(r"""\b(?:class|id)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ROLE = re.compile(r"""\brole\s*=\s*["']?([\w-]+)""", re.IGNORECASE)
_UNSEEN = re.compile(
    r"""display\s*:\s*none|aria-hidden\s*=\s*["']?true|(?:^|\s)hidden(?:\s|$|=["']?(?:hidden|true|["']))""",
    re.IGNORECASE,
)
_LONGEST = 2_000
"""Characters of a tag that are looked at."""

_KNOWN_MOST = 200_000
_known: dict[str, int] = {}
"""Names seen before in this process → bits of their groups; most pages share theirs with others."""


def _groups_of(name: str) -> int:
    """Bits of the groups that a class or id names."""
    bits = _known.get(name)
    if bits is None:
        if len(_known) > _KNOWN_MOST:
            _known.clear()
        bits = 0
        for found in _WORDS.finditer(name.lower()):
            bits |= 1 << ((found.lastindex or 1) - 1)
        _known[name] = bits
    return bits


@cache
def _characters(bits: int) -> tuple[str, str]:
    """What stands before and behind the content of a container of some groups."""
    groups = [FIRST + 2 * i for i in range(len(GROUPS)) if bits >> i & 1]
    return "".join(map(chr, groups)), "".join(chr(one + 1) for one in groups)


def _bits(tag: str, attributes: str) -> int:
    """Bits of the groups of a container."""
    bits = _TAG_BITS.get(tag, 0)
    if not attributes:
        return bits
    attributes = attributes[:_LONGEST]
    for found in _NAMES.finditer(attributes):
        for name in (found[1] or found[2] or found[3] or "").split():
            bits |= _groups_of(name)
    if "role" in attributes and (role := _ROLE.search(attributes)):
        bits |= _ROLE_BITS.get(role[1], 0)
    if ("hidden" in attributes or "none" in attributes) and _UNSEEN.search(attributes):
        bits |= _HIDDEN
    return bits


def marked(html: str) -> str:
    """A page with marks in it."""
    pieces: list[str] = []
    stack: list[tuple[str, int]] = []
    tags: dict[str, tuple[str, int]] = {}
    at = 0
    pattern = _ANY_TAG if "<DIV" in html or "<UL" in html else _TAG
    for found in pattern.finditer(html):
        if not found[1]:
            whole = found[0]
            known = tags.get(whole)
            if known is None:
                tag = found[2].lower()
                known = tags[whole] = tag, _bits(tag, found[3])
            stack.append(known)
            bits = known[1]
            if bits:
                pieces += (html[at : found.end()], _characters(bits)[0])
                at = found.end()
            continue
        tag = found[2].lower()
        # A tag that nothing opened closes nothing; one that was opened closes what is still open inside.
        depth = len(stack) - 1
        while depth >= 0 and stack[depth][0] != tag and depth > len(stack) - 20:
            depth -= 1
        if depth < 0 or stack[depth][0] != tag:
            continue
        closers = "".join(_characters(bits)[1] for _, bits in stack[depth:] if bits)
        del stack[depth:]
        if closers:
            pieces += (html[at : found.start()], closers)
            at = found.start()
    pieces.append(html[at:])
    return "".join(pieces)
