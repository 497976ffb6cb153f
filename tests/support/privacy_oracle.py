"""What `privacy` replaces in one text, worked out plainly: expressions over the whole text instead of the kernel.

Where something may stand is said here once more, without the kernel's classes, prefixes and passes; what decides on such
a place is the same (check digits, `ipaddress`, `phonenumbers`, lists of domains and prefixes). Spans, their joining and
the placeholders are made again, from text to text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tamis.privacy import machines, mail, numbers, phones, secrets
from tamis.privacy.kinds import PRIVATE_KINDS, Found, Place, PrivateKind
from tamis.privacy.streets import streets
from tamis.stages.privacy import NAMES, Config

BEFORE, AFTER = 80, 40
MOST_ARMOUR = 16_384

_BETWEEN = rb"(?:[ ()./-]|\xc2\xa0|\xe2\x80[\x87-\x94\xaf])"
_NUMBERS = re.compile(
    rb"(?<=[A-Za-z_])[0-9]+"  # a part of a name
    rb"|[0-9]{4}-[01][0-9]-[0-3][0-9](?![0-9-])"  # a date
    rb"|(?P<run>[0-9]+(?:(?!  [0-9])" + _BETWEEN + rb"{1,3}[0-9]+)*)"
)
_LETTERED = re.compile(
    rb"(?<![A-Za-z0-9_])(?:[A-Za-z]{2}(?=[0-9]{2})|[XYZ](?=[0-9]{7})|[A-Za-z]{6}(?=[0-9]{2}[A-Za-z]))"
)
_GROUPS = re.compile(rb"[0-9A-Fa-f]{0,5}:[0-9A-Fa-f:.]*")
_RUN = re.compile(rb"[A-Za-z0-9_+/=.~-]+")
_LOCAL = re.compile(rb"[A-Za-z0-9_+/=.~'%\x80-\xff-]{1,64}\Z")
_HOST = re.compile(rb"[A-Za-z0-9.\x80-\xff-]{1,254}")
_WITH_USER = re.compile(rb"://[^\x00- /\"<>:]*:[^\x00- /\"<>@]*@")
_NAMED = re.compile(rb"(?:key|token|secret|password|passwd|pwd|passphrase)[ \"']{0,4}(?=[:=])", re.IGNORECASE)
_SIGNS = re.compile(rb"(?i:[\[({] ?at(?=[ )\]}]))|&#64;|&#x40;|&commat;|%40")
_DOT = re.compile(rb"(?<=[ (\[{])dot(?=[ )\]}])", re.IGNORECASE)


class Private(NamedTuple):
    """A private span of a text, by characters."""

    start: int
    end: int
    kind: PrivateKind


Decider = Callable[[Place], list[Found]]


def _armours(text: bytes) -> Iterator[tuple[int, int, bool]]:
    """Beginnings of armours, as far as one is looked through, and whether all of its marks are there."""
    at = text.find(b"-----BEGIN ")
    while at >= 0:
        end = at + 11
        for _ in range(3):
            mark = text.find(b"-----", end)
            if not 0 <= mark < at + MOST_ARMOUR:
                yield at, min(len(text), at + MOST_ARMOUR), False
                end = at + 11
                break
            end = mark + 5
        else:
            yield at, end, True
        at = text.find(b"-----BEGIN ", end)


def _runs(text: bytes) -> Iterator[tuple[int, int]]:
    """Numbers with separators between; of long rows the pieces between blanks."""
    for match in _NUMBERS.finditer(text):
        if match["run"] is None:
            continue
        groups = re.findall(rb"[0-9]+", match["run"])
        if sum(map(len, groups)) <= 40 and len(groups) <= 9:
            yield match.span()
            continue
        at = match.start()
        for piece in match["run"].split(b" "):
            if len(piece) <= 80 and 7 <= len(re.findall(rb"[0-9]", piece)) <= 40:
                yield at, at + len(piece)
            at += len(piece) + 1


def _colons(text: bytes) -> Iterator[tuple[int, int]]:
    """Hexadecimal groups between colons, at most 46 bytes at once."""
    at = 0
    while match := _GROUPS.search(text, at):
        end = min(match.end(), match.start() + 46)
        if re.match(rb"[0-9A-Fa-f]{4}:", match[0]) and not text[max(0, match.start() - 1) : match.start()].isalnum():
            yield match.start(), end
        at = max(end, match.start() + 1)


def _addresses(text: bytes, rest: bytes) -> Iterator[tuple[int, int, Decider]]:
    for sign in re.finditer(b"@", rest):
        local, host = _LOCAL.search(text[: sign.start()]), _HOST.match(text, sign.end())
        if local and host and b"." in host[0]:
            yield local.start(), host.end(), mail.plain
    yield from ((match.start() - 66, match.start() + 120, mail.hidden) for match in _SIGNS.finditer(rest))
    yield from ((match.start() - 120, match.start() + 80, mail.hidden) for match in _DOT.finditer(rest))


def _secrets(_: bytes, rest: bytes) -> Iterator[tuple[int, int, Decider]]:
    for match in _RUN.finditer(rest):
        if 20 <= len(match[0]) <= 2_048 and re.search(rb"[0-9_]", match[0]):
            yield *match.span(), secrets.tokens
    yield from ((match.end(), match.end() + 200, secrets.assigned) for match in _NAMED.finditer(rest))


def _credentials(_: bytes, rest: bytes) -> Iterator[tuple[int, int, Decider]]:
    for match in _WITH_USER.finditer(rest):
        if len(match[0]) <= 255:
            yield match.start() - 24, match.end() + 254, secrets.credentials


OF_ONE_KIND = {"email": _addresses, "secret": _secrets, "url_credentials": _credentials}


def _of_several(config: Config) -> tuple[Decider, Decider]:
    """What decides on a row of numbers, and on letters before digits."""
    kinds = set(config.kinds)

    def numeric(place: Place) -> list[Found]:
        groups = numbers.groups_of(place)
        found = machines.four_numbers(place) if "ip_address" in kinds else []
        found = found + (numbers.cards(place, groups) if "payment_card" in kinds else [])
        found = found + (numbers.persons(place, groups) if "national_id" in kinds else [])
        return found or (phones.phones(place, groups, config.phone_regions) if "phone_number" in kinds else [])

    def lettered(place: Place) -> list[Found]:
        found = numbers.ibans(place) if "iban" in kinds else []
        return found or (numbers.codes(place) if "national_id" in kinds else [])

    return numeric, lettered


def _places(text: bytes, config: Config) -> Iterator[tuple[int, int, Decider]]:
    """Places where something may stand: first byte, byte after the last, what decides."""
    # What stands in an armour is looked at as an armour only.
    rest = text
    if "secret" in config.kinds:
        for start, end, whole in _armours(text):
            yield start, end, secrets.private_key
            if whole:
                rest = rest[:start] + b"\n" * (end - start) + rest[end:]
    numeric, lettered = _of_several(config)
    yield from ((*run, numeric) for run in _runs(rest))
    for match in _LETTERED.finditer(rest):
        yield match.start(), match.end() + 48, lettered
    if "ip_address" in config.kinds:
        yield from ((*groups, machines.colons) for groups in _colons(rest))
    for kind, places in OF_ONE_KIND.items():
        if kind in config.kinds:
            yield from places(text, rest)


def private(text: str, config: Config) -> list[Private]:
    """The private spans of a text, by place; what overlaps is one, of the kind that comes first."""
    data = text.encode()
    found: set[tuple[int, int, int]] = set()
    for start, end, decide in _places(data, config):
        low, high = max(0, start), min(len(data), end)
        first = max(0, low - BEFORE)
        place = Place(data[first : high + AFTER], low - first, high - first)
        found |= {(first + one.start, first + one.end, PRIVATE_KINDS.index(one.kind)) for one in decide(place)}
    if "street_address" in config.kinds:
        found |= {(start, end, PRIVATE_KINDS.index("street_address")) for start, end in streets(data)}
    # By characters: one whose last bytes only are in a span belongs to it.
    first_byte, at = [], 0
    for letter in text:
        first_byte.append(at)
        at += len(letter.encode())
    owner = [place for place, letter in enumerate(text) for _ in letter.encode()]
    spans: list[Private] = []
    for start, end, kind in sorted(found):
        one = Private(owner[start], owner[end - 1] + 1, PRIVATE_KINDS[kind])
        if spans and one.start < spans[-1].end:
            both = (spans[-1].kind, one.kind)
            spans[-1] = Private(spans[-1].start, max(spans[-1].end, one.end), min(both, key=PRIVATE_KINDS.index))
        else:
            spans.append(one)
    return spans


def replaced(text: str, config: Config) -> str:
    """The text with placeholders."""
    numbers_of: dict[tuple[str, str], int] = {}
    count: dict[str, int] = {}
    pieces, at = [], 0
    for start, end, kind in private(text, config):
        value = kind, text[start:end]
        if value not in numbers_of:
            count[kind] = count.get(kind, 0) + 1
            numbers_of[value] = count[kind]
        number = f"_{numbers_of[value]}" if config.placeholder == "numbered" else ""
        pieces += [text[at:start], f"[{NAMES[kind]}{number}]"]
        at = end
    return "".join(pieces) + text[at:]
