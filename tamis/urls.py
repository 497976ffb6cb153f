"""URL keys: two addresses with one key are one page.

Web addresses: scheme http and https count as one; host in lower case and in punycode; default ports, user
names, fragments (but not `#!` routes), dot segments and tracking parameters (courlan's list: utm_*, fbclid …)
go; parameters are sorted; percent-encoding is made canonical; an empty path is `/`. `www.` and a final slash
stay: whether they name the same page is the site's choice, and a key that is too coarse would drop one of two pages.
Where two that are one page by mistake cost less than one that stays, `listed_key` leaves them out.

Package URLs (`pkg:type/namespace/name@version?qualifiers#subpath`, the purl specification): type in lower
case, PyPI names normalised, version and subpath kept as they are.

Anything else (urn:, file:, a bare name) is only trimmed.
"""

from __future__ import annotations

import re

_PURL = re.compile(r"pkg:/{0,2}(?P<type>[^/]+)/(?P<name>[^@?#]+)(?P<rest>.*)", re.DOTALL | re.IGNORECASE)
_WEB = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_PLAIN = re.compile(
    r"https?://((?!(?:[a-z0-9-]+\.)*xn--)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+(?=/)(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*/?)"
)
"""Addresses in which there is nothing to change but the scheme: most, and a twentieth of the time."""

_BARE_HOST = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?(/|$)")


def _purl_key(match: re.Match[str]) -> str:
    kind = match["type"].lower()
    name = match["name"].strip("/")
    if kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()
    return f"pkg:{kind}/{name}{match['rest']}"


def url_key(url: str) -> str:
    """The canonical form under which captures of one page meet.

    Args:
        url: an address as found, any string.

    Returns:
        The key; for an address that cannot be parsed, the address itself, trimmed.
    """
    if match := _PLAIN.fullmatch(url):
        return f"https://{match[1]}"
    return _full_key("".join(url.split()))


def _full_key(url: str) -> str:
    from courlan import normalize_url
    from w3lib.url import canonicalize_url

    if match := _PURL.fullmatch(url):
        return _purl_key(match)
    if _WEB.match(url):
        url = _WEB.sub("https://", url, count=1)
    elif _BARE_HOST.match(url):
        url = f"https://{url}"
    else:
        return url
    try:
        hashbang = "#!" in url
        # courlan knows the default port of the scheme written, w3lib none at all.
        url = re.sub(r"^(https://[^/?#]*):(?:80|443)(?=[/?#]|$)", r"\1", url)
        url = re.sub(r"^https://[^/?#@]*@", "https://", url)
        return canonicalize_url(normalize_url(url), keep_fragments=hashbang, keep_blank_values=True)
    except ValueError:
        return url


_LISTED = re.compile(r"https://(?:www\.)?(?P<host>[^/?#]*?)\.?(?P<port>:\d+)?(?P<path>/[^?#]*)(?P<rest>.*)", re.DOTALL)


def listed_key(key: str) -> str:
    """A URL key for lists of addresses that must go: with or without `www.` and a final slash it is one address.

    Whoever asks for a page to be taken away writes down one spelling of it; the site answers to the others as well.

    Args:
        key: from `url_key`.

    Returns:
        The key without `www.`, a full stop after the host, and slashes at the end of the path (but the first); package
        URLs and other names as they are. Routes (`#!`) are kept.
    """
    match = _LISTED.fullmatch(key)
    if not match:
        return key
    path = match["path"].rstrip("/") or "/"
    return f"https://{match['host']}{match['port'] or ''}{path}{match['rest']}"
