"""IP addresses of machines that the world can reach.

What is reserved, private, for documentation or of a public resolver stays (`ipaddress`, RFC 6890, RFC 5737, RFC 3849).
Four small numbers with dots are a version or the number of a section unless the words around speak of a machine.
"""

from __future__ import annotations

import ipaddress
import re
from itertools import pairwise

from tamis.privacy.kinds import Found, Place

RESOLVERS = frozenset(
    """1.1.1.1 1.0.0.1 8.8.8.8 8.8.4.4 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220 4.2.2.2 4.2.2.1
    2001:4860:4860::8888 2001:4860:4860::8844 2606:4700:4700::1111 2606:4700:4700::1001 2620:fe::fe""".split()
)
"""Of services that everybody uses; other values that stand for any address."""
EXAMPLES = frozenset({"1.2.3.4", "4.3.2.1", "5.6.7.8", "11.22.33.44", "12.34.56.78", "123.123.123.123"})
"""So do numbers with equal steps between them (7.6.5.4, 66.66.66.66), which one address of 10^5 has by chance."""
SMALL = 64
"""Of addresses by chance 4 in 1,000 have no larger number; nearly all versions have none."""

_FOUR = re.compile(rb"(?<![0-9])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9])")
_VERSION = re.compile(
    rb"(?:\b(?:versions?|ver|v|rev|releases?|sections?|sec|chapters?|clauses?|articles?|paragraphs?|para|oid|firmware|"
    rb"builds?|drivers?|updates?|upgraded?|since|before|tables?|fig(?:ure)?s?|assembly)\b[.:#= ]{0,3}|\xc2\xa7 ?|[<>=~^]=? ?)\Z"
)
_LATER = re.compile(rb"\+| (?:or|and) (?:later|newer|above|higher|up|earlier|older|below|greater)\b")
_MACHINE = re.compile(
    rb"\b(?:ip|ips|ipv4|address(?:es)?|hosts?|servers?|from|ping|ssh|port|nameserver|received|subnet|route|gateway|dns|"
    rb"client|remote|listen|inet|peer|connect(?:ed|ion)?|proxy|login|telnet|@)\b|://|\[\Z|@\Z"
)


def four_numbers(place: Place) -> list[Found]:
    """IPv4 addresses in a run of numbers."""
    text, found = place.text, []
    for match in _FOUR.finditer(text, place.start, place.end):
        start, end = match.span()
        previous, following = text[start - 1 : start], text[end : end + 2]
        # A part of something longer: v1.2.3.4, a-1.2.3.4, name/1.2.3.4, 1.2.3.4.5, 1.2.3.4-rc1, 1.2.3.4b2.
        if previous and (previous.isalnum() or previous in b"._-"):
            continue
        if previous == b"/" and text[start - 2 : start - 1].isalnum():
            continue
        if following[:1].isalnum() or following[:1] == b"_" or (following[:1] in b".-+" and following[1:].isalnum()):
            continue
        value = match[0].decode()
        try:
            address = ipaddress.IPv4Address(value)
        except ipaddress.AddressValueError:
            continue
        if not address.is_global or address.is_multicast or value in RESOLVERS or value in EXAMPLES:
            continue
        if len({second - first for first, second in pairwise(address.packed)}) == 1:
            continue
        before = text[max(0, start - 24) : start].lower()
        if _VERSION.search(before) or _LATER.match(text, end):
            continue
        if max(address.packed) < SMALL and not _MACHINE.search(before):
            continue
        found.append(Found(start, end, "ip_address"))
    return found


def colons(place: Place) -> list[Found]:
    """The IPv6 address at a suspect."""
    text = place.text
    value = text[place.start : place.end].rstrip(b".")
    # A port, or the end of a sentence.
    if not value.endswith(b"::"):
        value = value.rstrip(b":")
    if text[place.start + len(value) : place.start + len(value) + 1].isalnum():
        return []
    # "In Python 3000::" and "the year 2262::" are prose in reStructuredText.
    if sum(map(bool, value.split(b":"))) < 3:
        return []
    try:
        address = ipaddress.IPv6Address(value.decode())
    except ipaddress.AddressValueError:
        return []
    # 2000::/3 is all that was ever given to anybody.
    if not address.is_global or address.packed[0] >> 5 != 1 or str(address) in RESOLVERS:
        return []
    return [Found(place.start, place.start + len(value), "ip_address")]
