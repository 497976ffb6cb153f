"""Marks in a page's text that say which containers it stands in: navigation, footer, article, comments.

The text of the whole page is taken out in one pass of C code, which forgets the elements around it. So before that, each
container whose tag, class or id says what it is gets a character in front and one behind, from a private plane of
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

NUMBER = {name: i for i, (name, _) in enumerate(GROUPS)}
_WORDS = re.compile("|".join(f"({words})" for _, words in GROUPS))
CONTAINERS = frozenset(
    "div section ul ol dl nav header footer aside article main table form td p figure figcaption time address span h1 h2 "
    "h3 h4 blockquote".split()
)
_QUERY = "[class],[id],nav,header,footer,aside,article,main,table,time,figcaption,address,[hidden],[style*=none]"
_NO_DISPLAY = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden")
_known: dict[tuple[str, str, str], str] = {}
_KNOWN_MOST = 100_000


def _openers(tag: str, names: str) -> str:
    found = {NUMBER[TAGS[tag]]} if tag in TAGS else set()
    if names:
        found |= {one.lastindex - 1 for one in _WORDS.finditer(names.lower()) if one.lastindex}
    return "".join(chr(FIRST + 2 * i) for i in sorted(found))


def mark(tree: Any) -> None:
    """Put marks into a parsed page."""
    if len(_known) > _KNOWN_MOST:
        _known.clear()
    create = tree.create_text_node
    # A slice: to iterate over a live collection asks for each element from the start.
    for element in tree.document.query_selector_all(_QUERY)[:]:
        tag = element.tag
        if tag not in CONTAINERS:
            continue
        get = element.getattr
        key = (tag, get("class") or "", get("id") or "")
        openers = _known.get(key)
        if openers is None:
            openers = _known[key] = _openers(tag, key[1] + " " + key[2])
        role = get("role")
        if role in ROLES:
            openers += chr(FIRST + 2 * NUMBER[ROLES[role]])
        style = get("style")
        if (style and _NO_DISPLAY.search(style)) or get("hidden") is not None or get("aria-hidden") == "true":
            openers += chr(FIRST + 2 * NUMBER["hidden"])
        if not openers:
            continue
        first = element.first_child
        if first is None:
            continue
        element.insert_before(create(openers), first)
        element.append_child(create("".join(chr(ord(one) + 1) for one in openers)))
