"""E-mail addresses: as they stand, and written so that programs shall not find them.

A domain ends in a top-level domain of the Public Suffix List (of the package `tld`), so that `logo@2x.png`, `A@B.T` and
`pkg@1.2.3` are none. What RFC 2606 and RFC 6761 reserve stays, and domains that manuals use for examples.
"""

from __future__ import annotations

import functools
import html
import re
from importlib import resources

from tamis.privacy.kinds import Found, Place

RESERVED_TLDS = frozenset({"example", "test", "invalid", "localhost", "local", "localdomain", "lan", "internal"})
"""RFC 2606, RFC 6761 and RFC 6762; those of networks at home."""
EXAMPLES = frozenset(
    """example.com example.net example.org example.edu domain.com domain.org domain.tld yourdomain.com your-domain.com
    mydomain.com youremail.com foo.com bar.com foobar.com foo.org bar.org baz.com foo.bar bar.baz yourcompany.com company.com
    yoursite.com mysite.com site.com host.com somewhere.com test.com email.com xyz.com abc.com
    users.noreply.github.com""".split()
)
"""Domains whose addresses stand for any address."""
SERVICES = frozenset({b"git", b"hg", b"svn"})
"""Users of hosts of code, who are nobody: git@github.com:a/b.git."""

_LOCAL = rb"(?:[A-Za-z0-9_]|\xc3[\x80-\xbf])(?:(?:[A-Za-z0-9_.+'~-]|\xc3[\x80-\xbf]){0,63})"
_LABEL = rb"(?:[A-Za-z0-9]|[\xc3-\xf4][\x80-\xbf]{1,3})(?:(?:[A-Za-z0-9-]|[\xc3-\xf4][\x80-\xbf]{1,3}){0,62})"
_DOMAIN = re.compile(_LABEL + rb"(?:\." + _LABEL + rb"){1,8}")
_NO_HOST = re.compile(rb"(?<!xn)--", re.IGNORECASE)
"""No host has two hyphens but one in Punycode: what begins with them is a line, a signature, an armour."""
_LAST_LOCAL = re.compile(_LOCAL + rb"\Z")
_DOT = rb"(?:\.|\s?[\[({]\s?(?:dot|punkt|punto|point)\s?[\])}]\s?|\s(?:dot|punkt|punto|point)\s)"
_HIDDEN = re.compile(
    rb"(?<![A-Za-z0-9.])(?P<local>[A-Za-z0-9_][A-Za-z0-9_.+'-]{0,63})(?:"
    rb"\s?[\[({]\s?at\s?[\])}]\s?(?P<in_brackets>" + _LABEL + rb"(?:" + _DOT + _LABEL + rb"){1,6})"
    rb"|\sat\s(?P<in_words>" + _LABEL + rb"(?:" + _DOT + _LABEL + rb"){1,6})"
    rb"|(?P<sign>&#64;|&#x40;|&commat;|%40)(?P<by_sign>" + _LABEL + rb"(?:\." + _LABEL + rb"){1,6}))",
    re.IGNORECASE,
)
_DOTS = re.compile(_DOT, re.IGNORECASE)
_MESSAGE = rb"(?:message-?id|references|in-reply-to)[\"']?[:/= ]{1,3}[<\"']{0,2}\Z"
_NOBODYS = re.compile(rb"(?<!mailto):/{2,3}[^\s/@\"'<>]{0,80}\Z|(?i:" + _MESSAGE + rb")")
"""Before the user of a URL, and before what names a message (RFC 5322)."""


@functools.cache
def top_level_domains() -> frozenset[str]:
    """All of them, in small letters, those of other scripts both ways."""
    text = resources.files("tld").joinpath("res/effective_tld_names.dat.txt").read_text(encoding="utf-8")
    rules = (line.strip() for line in text.split("===END ICANN DOMAINS===")[0].splitlines())
    found = {rule.rsplit(".", 1)[-1] for rule in rules if rule and not rule.startswith("//")}
    return frozenset(found | {name.encode("idna").decode() for name in found if not name.isascii()})


def real_domain(domain: str) -> bool:
    """Whether a host may be somebody's: its top-level domain exists, and it is reserved for no example."""
    labels = domain.lower().rstrip(".").split(".")
    if len(labels) < 2 or labels[-1] in RESERVED_TLDS or labels[-1] not in top_level_domains():
        return False
    return not any(".".join(labels[at:]) in EXAMPLES for at in range(len(labels) - 1))


def _shortest(domain: bytes) -> bytes | None:
    """The domain without labels at its end that make it none: `host.com.Next`, `host.com语`; None: there is no such."""
    while b"." in domain:
        text = domain.decode(errors="ignore").rstrip("-")
        if real_domain(text):
            return text.encode()
        # A script that runs on behind a domain of ASCII letters is no part of it.
        head, last = domain.rsplit(b".", 1)
        ascii_part = re.match(rb"[A-Za-z0-9-]+", last)
        if (
            ascii_part
            and len(ascii_part[0]) < len(last)
            and real_domain((head + b"." + ascii_part[0]).decode(errors="ignore"))
        ):
            return head + b"." + ascii_part[0]
        if not ascii_part or not last[:1].isupper() or domain.count(b".") < 2:
            return None
        domain = head
    return None


def plain(place: Place) -> list[Found]:
    """The address around an @."""
    text = place.text
    at = text.index(b"@", place.start)
    local = _LAST_LOCAL.search(text, max(place.start, at - 64), at)
    domain = _DOMAIN.match(text, at + 1, place.end)
    if local is None or domain is None:
        return []
    start = local.start()
    # What an address cannot begin with stands before it; a quote that opens is none of its letters.
    while start < at and text[start : start + 1] in b"'.-+~":
        start += 1
    name = text[start:at]
    if not name or name.endswith(b".") or name.lower() in SERVICES or _NOBODYS.search(text, 0, start):
        return []
    whole = _shortest(_NO_HOST.split(domain[0], maxsplit=1)[0])
    if whole is None or text[at + 1 + len(whole) : at + 2 + len(whole)] == b"(":
        return []
    # a@a.com, a@b.org: of hosts of one letter there are a few in the world.
    if len(name) == 1 and re.match(rb"[A-Za-z]\.[a-z]{2,3}\Z", whole):
        return []
    return [Found(start, at + 1 + len(whole), "email")]


def hidden(place: Place) -> list[Found]:
    """Addresses with words or entities for their signs."""
    found = []
    for match in _HIDDEN.finditer(place.text):
        if match["sign"] and re.search(rb"(?i:" + _MESSAGE + rb")", place.text[: match.start()]):
            continue
        for way in ("in_brackets", "in_words", "by_sign"):
            if match[way] is None:
                continue
            spelt = _DOTS.split(match[way])
            # "at host.com" is prose; "at host dot com" is an address.
            if way == "in_words" and match[way].count(b".") == len(spelt) - 1:
                continue
            # Words may follow: "dot com is". The longest beginning that is a domain counts.
            for count in range(len(spelt), 1, -1):
                if real_domain(html.unescape(b".".join(spelt[:count]).decode(errors="ignore"))):
                    end = match.start(way)
                    for label in spelt[:count]:
                        end = place.text.index(label, end) + len(label)
                    found.append(Found(match.start("local"), end, "email"))
                    break
    return found
