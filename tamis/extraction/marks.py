"""Marks in a page's text that say which containers it stands in: navigation, footer, article, comments.

The text of the whole page is taken out in one pass of C code, which forgets the elements around it. So before that,
each container whose tag, class or id says what it is gets a character in front and one behind, from a private plane of
Unicode; they come out with the text.
"""

from __future__ import annotations

import re
from typing import Any

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
    ("table", r"(?!)"),
)
"""Name and words in class, id or role, of each kind of container."""

TAGS = {
    "nav": "nav",
    "header": "header",
    "footer": "footer",
    "aside": "aside",
    "article": "article",
    "main": "main",
    "table": "table",
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


def without_marks(text: str, data: bytes, charset: str) -> str:
    """The HTML of a page without characters that would pass for marks.

    Args:
        text: the HTML.
        data: as it came; a search in UTF-8 takes a hundredth of one in characters.
        charset: in which it was read.
    """
    own = b"\xf4\x8f" in data if charset == "utf-8" else not text.isascii() and bool(_OWN.search(text))
    if own or "&#1110" in text or "&#x10f" in text or "&#X10F" in text or "&#x10F" in text or "&#X10f" in text:
        return _OWN.sub("", text)
    return text


NUMBER = {name: i for i, (name, _) in enumerate(GROUPS)}
_WORDS = re.compile("|".join(f"({words})" for _, words in GROUPS))
_TAG_BITS = {tag: 1 << NUMBER[group] for tag, group in TAGS.items()}
_ROLE_BITS = {role: 1 << NUMBER[group] for role, group in ROLES.items()}
_HIDDEN = 1 << NUMBER["hidden"]

_NAMED = ("div", "section", "ul", "ol", "dl", "p", "form", "td")
"""Elements that count by what they are called."""

_QUERY = ",".join(
    [*(f"{tag}[{name}]" for tag in _NAMED for name in ("class", "id")), *TAGS, "[hidden]", "[style*=none]"]
)
_COUNTED = frozenset((*_NAMED, *TAGS, "span"))
_NO_DISPLAY = re.compile(r"display\s*:\s*none")

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


def _characters(bits: int) -> tuple[str, str]:
    """What stands before and behind a container of some groups."""
    groups = [FIRST + 2 * i for i in range(len(GROUPS)) if bits >> i & 1]
    return "".join(map(chr, groups)), "".join(chr(one + 1) for one in groups)


def mark(tree: Any) -> None:
    """Put marks into a parsed page."""
    create = tree.create_text_node
    # A slice: to iterate over a live collection asks for each element from the start.
    for element in tree.document.query_selector_all(_QUERY)[:]:
        tag = element.tag
        if tag not in _COUNTED:
            continue
        get = element.getattr
        bits = _TAG_BITS.get(tag, 0)
        for name in f"{get('class') or ''} {get('id') or ''}".split():
            bits |= _groups_of(name)
        bits |= _ROLE_BITS.get(get("role") or "", 0)
        style = get("style")
        if (style and _NO_DISPLAY.search(style)) or get("hidden") is not None or get("aria-hidden") == "true":
            bits |= _HIDDEN
        if bits and (first := element.first_child) is not None:
            before, behind = _characters(bits)
            element.insert_before(create(before), first)
            element.append_child(create(behind))
