"""Marks in a page that say which containers its text stands in: navigation, footer, article, comments.

The text of the whole page is taken out in one pass of C code, which forgets the elements around it. So before the page
is parsed, each container whose tag, class or id says what it is gets a character in front of its content and one
behind, from a private plane of Unicode; they come out with the text. Tags are found as they stand and paired by a
stack (`tamis.kernels.markup`): in a parsed tree each element would be a Python object, which took a third of the time
of a page. Where tags do not pair, or a script holds some, marks are misplaced, which the model has seen.
"""

from __future__ import annotations

import re

import numpy as np

from tamis.kernels.markup import (
    CONTAINERS,
    EDGE,
    MARK,
    NO_LETTER,
    NO_NOTE,
    Words,
    insert_marks,
    tags_of,
    words_of,
)

GROUPS = (
    ("nav", "nav menu crumb pagin pager |toc| |tabs| |tab|"),
    ("header", "header masthead topbar top-bar logo"),
    ("footer", "foot!note copyright legal disclaim"),
    ("aside", "sidebar side-bar aside widget rail| |side| secondary rightcol right-col"),
    ("article", "article post entry story blog"),
    ("main", "content main primary body"),
    ("comment", "comment disqus respond reply replies"),
    ("share", "share sharing social follow twitter facebook button btn toolbar tools print rating"),
    ("related", "relat recommend popular trending teaser latest more also next prev"),
    (
        "promo",
        (
            "promo newsletter subscri sponsor advert ~ads~ ~ad~ cookie consent popup modal banner signup sign-up "
            "signin sign-in login log-in donat"
        ),
    ),
    ("hidden", "hidden hide visually sr-only screen-reader collaps"),
    ("meta", "meta author byline date time tags| tag| categor info credit caption"),
    ("list", "list grid gallery carousel slider feed items| item| product card"),
    ("forum", "thread forum topic message question answer"),
)
"""Name and words in class or id of each kind of container; at one place the first word counts. Beside `|` a word must
begin or end, beside `~` no letter may stand, and what follows `!` not behind."""

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

LAST = MARK + 0x1FF
"""Of the code points that marks and tags take. A page's own characters among them are taken out before: they mean
nothing, and could pass for marks."""

OWN = re.compile(
    f"[{chr(MARK)}-{chr(LAST)}]|&#(?:x0*10f[01][0-9a-f]{{2}}|0*1110(?:0[1-9]|[1-4][0-9]|5[0-2])[0-9]);?", re.IGNORECASE
)
"""What would pass for marks."""

_BITS = {name: 1 << i for i, (name, _) in enumerate(GROUPS)}
_CONDITIONS = {"": 0, "|": EDGE, "~": NO_LETTER, "!note": NO_NOTE}
_WORD = re.compile(r"([|~]?)([a-z-]+)([|~]|!note|)")


def _table() -> Words:
    words = []
    for name, patterns in GROUPS:
        for pattern in patterns.split():
            before, word, after = _WORD.fullmatch(pattern).groups()  # type: ignore[union-attr]
            words.append((word, _CONDITIONS[before], _CONDITIONS[after], _BITS[name]))
    return words_of(words)


_WORDS = _table()
_ROLES = words_of([(role, 0, 0, _BITS[name]) for role, name in ROLES.items()])
_OF_TAGS = np.array([_BITS[TAGS[tag]] if tag in TAGS else 0 for tag in CONTAINERS], np.int64)


def marked(html: str) -> str:
    """A page with marks in it."""
    data = np.frombuffer(html.encode("utf-8", "replace"), np.uint8)
    places = np.flatnonzero(data == ord("<"))
    found = np.empty((len(places), 4), np.int64)
    count, bits = tags_of(data, *_WORDS, *_ROLES, _OF_TAGS, _BITS["hidden"], places, found)
    out = np.empty(len(data) + 8 * bits, np.uint8)
    return out[: insert_marks(data, found, count, np.empty(count, np.int64), out)].tobytes().decode()
