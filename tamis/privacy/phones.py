"""Telephone numbers: a shape, or a word before that says so, and then the library `phonenumbers` decides.

Numbers with + and a country are read wherever they stand; so are those of North America with its signs
((212) 664-7665), and those of `regions` that begin with 0 and are written in groups. Others count behind a word such as
"phone" or "Tel". 555-0100 to 555-0199, which are reserved for fiction, stay.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from tamis.privacy.kinds import Found, Place
from tamis.privacy.numbers import Groups

_PHONE = re.compile(
    rb"(?<![a-z])(?:phone|telephone|tel|t\xc3\xa9l|tele|fax|telefax|mobile|mob|cell|cellphone|calls?(?: us)?|calling|"
    # Names of programs, too: type="text", write_text("012"), answer/12345.
    rb"(?<!_)(?:call|text|txt|dial|contact|ring|reach|answer|desk)(?![\"'=_(/])|"
    rb"whatsapp|viber|sms|hotline|helpline|handy|telefon\w{0,3}|t\xc3\xa9l\xc3\xa9phone|"
    rb"tel\xc3\xa9fono|telefono|telefone|m\xc3\xb3vil|celular|portable|rufnummer|mobil\w{0,4}|voicemail|answering|"
    rb"phone number|toll[ -]free|pager|tlf|puh|ph|"
    rb"\xd1\x82\xd0\xb5\xd0\xbb\w{0,20})(?![a-z])[^0-9\n]{0,28}\Z"
    rb"|(?:\xe7\x94\xb5\xe8\xaf\x9d|\xe9\x9b\xbb\xe8\xa9\xb1|\xe6\x89\x8b\xe6\x9c\xba|\xe2\x98\x8e|\xe2\x98\x8f|"
    rb"\xf0\x9f\x93\x9e|\xf0\x9f\x93\xb1)[^0-9\n]{0,20}\Z"
)
"""Words that say a telephone follows; the last are 电话, 電話, 手机 and pictures of telephones."""
_OTHER = re.compile(
    rb"(?:isbn(?:-1[03])?|issn|doi|arxiv|order|part|part no|upc|ean|zip|lines?|pp?\.|pages?|bugs?|issue|ticket|ref|version|"
    rb"sha\d*|iso|serial|sku|id|no|nr|ts|case|item|patent|grant|rfc|pmid|ssn|iban|account|invoice|model|ip|oid|bsn|nhs|sin|"
    rb"[#$\xc2\xa3\xac\x82]|\xe2\x82\xac|usd|eur|=)[\s:.#=]{0,3}\Z|://\S*\Z|[\w-]/\Z|[-_.]\Z"
)
"""Words and signs that say another number follows."""
_ADDRESS = re.compile(rb"(?:://[^\s\"'<>()]*|[\w.-]/(?:[^\s\"'<>()]*[/=])?)\Z")
_IN_ADDRESS = re.compile(rb"(?:phone|tel|telephone|mobile|whatsapp|wa\.me|sms)[=/:]\Z")
"""Digits of a URL are none, but behind such a word."""
_EXTENSION = re.compile(rb"(?:,?\s?(?:x|ext\.?|extension|#)\s?[0-9]{1,6})(?![0-9])", re.IGNORECASE)
_NORTH_AMERICAN = re.compile(r"1?[2-9][0-8][0-9][2-9][0-9]{6}")
CONTEXT = 64


class _Region(NamedTuple):
    name: str
    trunk: str
    lengths: frozenset[int]
    pattern: re.Pattern[str]


@functools.cache
def _region(name: str) -> _Region:
    from phonenumbers import PhoneMetadata

    data: Any = PhoneMetadata.metadata_for_region(name)
    general = data.general_desc
    return _Region(
        name,
        data.national_prefix or "",
        frozenset(general.possible_length),
        re.compile(general.national_number_pattern),
    )


@functools.cache
def known_regions() -> frozenset[str]:
    """ISO 3166 codes that the library has numbers of."""
    from phonenumbers import SUPPORTED_REGIONS

    return frozenset(SUPPORTED_REGIONS)


def _valid(digits: str, region: str | None) -> bool:
    """Whether the library takes digits for a number: of a region, or with the code of a country."""
    from phonenumbers import NumberParseException, is_valid_number, parse

    try:
        number = parse(digits if region else f"+{digits}", region)
    except NumberParseException:
        return False
    return bool(is_valid_number(number))


def _possible(digits: str) -> bool:
    """Whether digits with the code of a country have a length that its numbers have."""
    from phonenumbers import NumberParseException, is_possible_number, parse

    try:
        return bool(is_possible_number(parse(f"+{digits}", None)))
    except NumberParseException:
        return False


def _in_regions(digits: str, regions: Sequence[str]) -> bool:
    """Whether digits are a number within one of the regions."""
    for name in regions:
        region = _region(name)
        national = digits[len(region.trunk) :] if region.trunk and digits.startswith(region.trunk) else digits
        # Asking the library takes 50 times as long.
        if len(national) in region.lengths and region.pattern.fullmatch(national) and _valid(digits, name):
            return True
    return False


def _fiction(digits: str) -> bool:
    """555-0100 to 555-0199, and 555-1212, which is a service and nobody's."""
    return digits[-7:-4] == "555" and (digits[-4:-2] == "01" or digits[-4:] == "1212")


class _Candidate(NamedTuple):
    digits: str
    shape: tuple[int, ...]
    by: tuple[bytes, ...]


def phones(place: Place, groups: Groups, regions: Sequence[str]) -> list[Found]:
    """Telephone numbers in a run of numbers."""
    text, found = place.text, []
    first, count = 0, len(groups.digits)
    while first < count:
        start = groups.starts[first]
        if (
            first
            and groups.separators[first - 1].strip(b" ()\xa0\xc2")
            and groups.separators[first - 1] not in (b" - ", b" / ", b"/")
        ):
            first += 1
            continue
        last = _longest(text, groups, first, regions)
        if last < 0:
            # Numbers in the middle of a run are looked at behind a blank only where the run is a row of them.
            first += 1
            continue
        end = groups.end(last)
        if extension := _EXTENSION.match(text, end):
            end = extension.end()
            while last + 1 < count and groups.starts[last + 1] < end:
                last += 1
        while start and text[start - 1 : start] in (b"+", b"("):
            start -= 1
        found.append(Found(start, end, "phone_number"))
        first = last + 1
    return found


def _longest(text: bytes, groups: Groups, first: int, regions: Sequence[str]) -> int:
    """The last group of the longest number that begins with a group; -1: none does."""
    start = groups.starts[first]
    before = text[max(0, start - CONTEXT) : start].lower()
    plus = before.endswith((b"+", b"+("))
    # The code of an area stands alone in its brackets: not POINT (1.7128 -2.006), (2-1)/(7-1).
    closed = first < len(groups.separators) and groups.separators[first].startswith(b")")
    bracket = before.endswith(b"(") and closed and (len(groups.digits[first]) > 1 or groups.digits[first] == "0")
    lead = before.rstrip(b"+(")
    digits = ""
    ends: list[tuple[int, str]] = []
    for last in range(first, min(first + 8, len(groups.digits))):
        digits += groups.digits[last]
        if len(digits) > 15:
            break
        if len(digits) >= 7:
            ends.append((last, digits))
    # 07:13:04.142 is a time.
    if not ends or lead[-1:].isalnum() or lead.endswith(b"_") or (lead.endswith(b":") and lead[-2:-1].isdigit()):
        return -1
    named = (_IN_ADDRESS if _ADDRESS.search(lead) else _PHONE).search(lead) is not None
    if not named and not plus and _OTHER.search(lead):
        return -1
    # In the middle of a row of numbers with the same signs between.
    if (
        not named
        and first
        and first + 1 < len(groups.digits)
        and groups.separators[first] == groups.separators[first - 1]
    ):
        return -1
    for last, digits in reversed(ends):
        end = groups.end(last)
        behind = text[end : end + 2]
        if last + 1 < len(groups.digits) and groups.separators[last] in (b"-", b".", b"\xe2\x80\x91"):
            continue
        if (behind[:1].isalnum() or behind[:1] in (b"_", b"%", b"@")) and not _EXTENSION.match(text, end):
            continue
        if (behind[:1] in (b",", b":") and behind[1:].isdigit()) or (
            behind[:1] in (b"-", b".") and behind[1:].isalnum()
        ):
            continue
        one = _Candidate(digits, tuple(map(len, groups.digits[first : last + 1])), groups.separators[first:last])
        if not plus and _other_number(groups.digits[first : last + 1], one.by, named=named):
            continue
        if not named and _citation(groups.digits[first : last + 1], one.by, bracket=bracket):
            continue
        if not _fiction(digits) and _is_phone(one, regions, plus=plus, bracket=bracket, named=named):
            return last
    return -1


def _other_number(parts: Sequence[str], by: Sequence[bytes], *, named: bool) -> bool:
    """Whether groups of digits are a date, an address of four numbers, or an American postal code (02110-1301)."""
    shape = tuple(map(len, parts))
    if len(parts) > 2 and by[0] == by[1] and by[0] in (b"-", b".", b"/", b". "):
        day, month, year = parts[:3] if shape[2] == 4 else parts[2::-1]
        if len(year) == 4 and year[:2] in ("19", "20") and max(len(day), len(month)) < 3:
            low, high = sorted((int(day), int(month)))
            if 0 < low <= 12 and high <= 31:
                return True
    if len(parts) == 4 and max(shape) < 4 and set(by) == {b"."}:
        return True
    return not named and shape == (5, 4) and by[0] == b"-"


_YEAR = re.compile(r"1[5-9][0-9]{2}|20[0-9]{2}")


def _citation(parts: Sequence[str], by: Sequence[bytes], *, bracket: bool) -> bool:
    """Whether groups are a year and pages: 18 (2001) 116-140, 4 (1978) 237--249, 532-563 (2007."""
    between = b"".join(by)
    if any(b"--" in one for one in by) or between.rfind(b"(") > between.rfind(b")"):
        return True
    return any(
        _YEAR.fullmatch(part) is not None and (by[place - 1].endswith(b"(") if place else bracket)
        for place, part in enumerate(parts)
    )


def _is_phone(one: _Candidate, regions: Sequence[str], *, plus: bool, bracket: bool, named: bool) -> bool:
    digits, shape, by = one
    if plus:
        # +44 (0)20: the zero is for calls within the country.
        bare = digits
        if len(shape) > 2 and shape[1] == 1 and digits[shape[0]] == "0":
            bare = digits[: shape[0]] + digits[shape[0] + 1 :]
        # With + and in groups it is meant for one, also where no number of its country has that form.
        return _valid(bare, None) or ((named or len(shape) > 2) and _possible(bare))
    grouped = len(shape) > 1
    american = _NORTH_AMERICAN.fullmatch(digits) is not None
    if american and shape[-1] == 4 and grouped and shape in ((3, 3, 4), (1, 3, 3, 4), (6, 4), (3, 7)):
        signs = bracket or any(mark in between for between in by for mark in (b"-", b".", b"(", b")"))
        # DFARS 252.227-7013 is none.
        signs &= not {b"-", b"."} <= set(by)
        if (signs or named) and _valid(digits, "US"):
            return True
    if digits.startswith("00") and (shape[0] > 2 or named) and _valid(digits[2:].removeprefix("0"), None):
        return True
    if grouped and digits[0] == "0" and digits[1] != "0" and len(digits) >= 9 and min(shape) > 1 and shape[0] < 6:
        return _in_regions(digits, regions)
    if bracket and grouped and shape[0] < 6 and len(digits) >= 9:
        return _in_regions(digits, regions)
    if not named or (shape == (4, 4) and digits[:2] in ("19", "20") and digits[4:6] in ("19", "20")):
        return False
    return (shape == (3, 4) and digits[0] not in "01") or _in_regions(digits, regions)
