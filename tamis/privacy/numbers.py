"""Payment cards, bank accounts and the numbers that states give persons.

A card has an issuer's prefix, its length and Luhn's check digit; an IBAN its country's length and ISO 13616's check
digits. Of numbers of persons those with a form of their own and a strong check count wherever they stand; where one of
ten numbers by chance would pass, a word before must say what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from tamis.privacy import check_digits
from tamis.privacy.kinds import Found, Place

CONTEXT = 48
"""Bytes before a number in which a word may say what it is."""


class Groups(NamedTuple):
    """Groups of digits in a run of numbers: their first bytes, their digits, and the separators between."""

    starts: tuple[int, ...]
    digits: tuple[str, ...]
    separators: tuple[bytes, ...]

    def end(self, group: int) -> int:
        """The byte after a group."""
        return self.starts[group] + len(self.digits[group])


_GROUP = re.compile(rb"[0-9]+")


def groups_of(place: Place) -> Groups:
    """The groups of a run."""
    found = list(_GROUP.finditer(place.text, place.start, place.end))
    between = tuple(place.text[one.end() : two.start()] for one, two in pairwise(found))
    return Groups(tuple(one.start() for one in found), tuple(one[0].decode() for one in found), between)


# --- cards

TEST_CARDS = frozenset(
    """4111111111111111 4242424242424242 4000056655665556 5555555555554444 2223003122003222 5200828282828210
    5105105105105100 378282246310005 371449635398431 378734493671000 6011111111111117 6011000990139424 6011981111111113
    3056930009020004 36227206271667 30569309025904 38520000023237 3530111333300000 3566002020360505 6200000000000005
    4012888888881881 4222222222222 4000000000000002 4000000000009995 4000000000000077 4005519200000004 4009348888881881
    4012000033330026 4012000077777777 4217651111111119 4500600000000061 4917610000000000 5431111111111111 2222400070000005
    6011000000000012 3088000000000017 370000000000002 5424000000000015 4007000000027 4222222222222220 5610591081018250
    6331101999990016 4988438843884305 4166676667666746 4646464646464644 5555341244441115 374251018720018""".split()
)
"""Of processors' manuals; they stand for any card."""

_BRANDS = (
    (re.compile(r"4"), (16,)),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"6011|64[4-9]|65"), (16, 19)),
    (re.compile(r"3(?:0[0-5]|095|6|8|9)"), (14,)),
    (re.compile(r"35(?:2[89]|[3-8])"), (16,)),
    (re.compile(r"62|81"), (16, 17, 18, 19)),
    (re.compile(r"5018|5020|5038|5893|6304|6759|676[1-3]|220[0-4]|60|6521"), (16,)),
)
_NAMED_BRANDS = (
    (re.compile(r"4"), (13, 19)),
    (re.compile(r"5[06-8]|6"), (12, 13, 14, 15, 16, 17, 18, 19)),
    (re.compile(r"2131|1800"), (15,)),
    (re.compile(r"3(?:0|5|6|8)"), (14, 16)),
)
"""What counts only behind a word for a card."""
_CARD_WORD = re.compile(
    rb"card|visa|mastercard|maestro|amex|american express|credit|debit|cc\b|pan\b|karte|carte|tarjeta|cart\xc3\xa3o|carta|"
    rb"kort|\xe5\x8d\xa1|\xd0\xba\xd0\xb0\xd1\x80\xd1\x82|payment"
)
_NO_CARD_WORD = re.compile(
    rb"(?:imei|isbn|issn|doi|ean|upc|gtin|tracking|serial|sha\d*|md5|hash|uuid|guid|status|tweet|epoch|timestamp|"
    rb"\bts\b|\bid)\W{0,4}\Z"
)
_FORMS = {
    (4, 4, 4, 4),
    (4, 6, 5),
    (4, 6, 4),
    (4, 4, 4, 4, 3),
    (4, 4, 4, 4, 2),
    (4, 4, 4, 4, 1),
    (4, 4, 5),
    (4, 4, 4, 3),
    (4, 4, 4),
}


def _of_brand(digits: str, *, named: bool) -> bool:
    brands = _BRANDS + (_NAMED_BRANDS if named else ())
    return any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in brands)


def cards(place: Place, groups: Groups) -> list[Found]:
    """Payment cards."""
    found: list[Found] = []
    count = len(groups.digits)
    first = 0
    while first < count:
        last = first
        if len(groups.digits[first]) == 4:
            by = groups.separators[first] if first < len(groups.separators) else b""
            while (
                by in (b" ", b"-", b"\xc2\xa0", b".")
                and last + 1 < count
                and groups.separators[last] == by
                and last - first < 5
            ):
                last += 1
        # What stands behind a blank is another number.
        for until in range(last, first - 1, -1):
            if _is_card(place, groups, first, until):
                found.append(Found(groups.starts[first], groups.end(until), "payment_card"))
                last = until
                break
        else:
            last = first
        first = last + 1
    return found


def _is_card(place: Place, groups: Groups, first: int, last: int) -> bool:
    shape = tuple(len(digits) for digits in groups.digits[first : last + 1])
    number = "".join(groups.digits[first : last + 1])
    if not 12 <= len(number) <= 19 or (last > first and shape not in _FORMS) or number in TEST_CARDS:
        return False
    if not check_digits.luhn(number) or len(set(number)) < 4:
        return False
    start, end = groups.starts[first], groups.end(last)
    around = place.text[end : end + 1]
    if around.isalnum() or around in (b"_", b"@") or place.text[start - 1 : start] in (b"_", b"."):
        return False
    before = place.text[max(0, start - CONTEXT) : start].lower()
    # In the path of an address it is a number of something.
    if re.search(rb"://\S*\Z|[\w-]/\Z", before):
        return False
    named = _CARD_WORD.search(before) is not None
    # Part of a fraction, or of a row of groups of four.
    for neighbour, between in ((first - 1, first - 1), (last + 1, last)):
        if 0 <= neighbour < len(groups.digits):
            by = groups.separators[between]
            row = last > first and not named and by == groups.separators[first] and len(groups.digits[neighbour]) == 4
            if row or (b" " not in by and b"\xa0" not in by):
                return False
    if not named and _NO_CARD_WORD.search(before):
        return False
    return _of_brand(number, named=named)


# --- accounts

LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
    "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
    "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
    "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
"""Letters and digits of an IBAN (SWIFT's registry, release 98)."""
EXAMPLE_IBANS = frozenset(
    """DE89370400440532013000 GB82WEST12345698765432 GB29NWBK60161331926819 FR1420041010050500013M02606
    GB33BUKB20201555555555 GB94BARC10201530093459 DE91100000000123456789 DE75512108001245126199 ES9121000418450200051332
    IT60X0542811101000000123456 NL91ABNA0417164300 CH9300762011623852957 AT611904300234573201 BE68539007547034
    PL61109010140000071219812874 SE4550000000058398257466 NO9386011117947 FI2112345600000785 DK5000400440116243
    FR7630006000011234567890189 DE12500105170648489890 BE71096123456769 LU280019400644750000 IE29AIBK93115212345678
    PT50000201231234567890154 TR330006100519786457841326 SA0380000000608010167519 AE070331234567890123456
    BR1800360305000010009795493C1""".split()
)
"""Of the registry, of banks' manuals and of encyclopedias."""
_ACCOUNT = re.compile(rb"[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}")


def ibans(place: Place) -> list[Found]:
    """The account at a suspect."""
    match = _ACCOUNT.match(place.text, place.start)
    if match is None:
        return []
    length = LENGTHS.get(match[0][:2].decode().upper())
    if length is None:
        return []
    end, letters = place.start, []
    for end in range(place.start, match.end()):
        if place.text[end : end + 1].isalnum():
            letters.append(place.text[end : end + 1])
            if len(letters) == length:
                break
    account = b"".join(letters).decode().upper()
    if len(account) != length or place.text[end + 1 : end + 2].isalnum() or place.text[end + 1 : end + 2] == b"_":
        return []
    if account in EXAMPLE_IBANS or not check_digits.mod_97(account):
        return []
    return [Found(place.start, end + 1, "iban")]


# --- numbers of persons


class Scheme(NamedTuple):
    """How a state numbers persons.

    form: lengths of the groups as they are written.
    by: separators between them.
    check: whether digits are such a number.
    word: what must stand before; None: nothing, the form and the check say enough.
    """

    form: tuple[int, ...]
    by: tuple[bytes, ...]
    check: Callable[[str], bool]
    word: re.Pattern[bytes] | None


def _words(*some: str) -> re.Pattern[bytes]:
    return re.compile(b"|".join(rb"(?<![a-z])" + word.encode() for word in some))


_SSN = _words("ssn", "ss#", "ss no", "social security", "soc sec", r"social sec\.")
_TAX = _words("steuer", r"idnr", r"tin\b", "identifikationsnummer", "tax id")
_BSN = _words("bsn", "burgerservice", "sofi")
_SIN = _words(r"sin\b", "social insurance", r"nas\b")
_NHS = _words(r"nhs\b", "health service")
_PESEL = _words("pesel")
_AADHAAR = _words("aadh?aa?r", r"uid\b", "uidai", r"आधार")
_CPF = _words(r"cpf\b")
BLANK, HYPHEN, DOT = b" ", b"-", b"."

SCHEMES: tuple[Scheme, ...] = (
    Scheme((3, 2, 4), (HYPHEN, HYPHEN), check_digits.us_ssn, None),
    Scheme((3, 2, 4), (BLANK, BLANK), check_digits.us_ssn, _SSN),
    Scheme((9,), (), check_digits.us_ssn, _SSN),
    Scheme((3, 3, 3, 2), (DOT, DOT, HYPHEN), check_digits.br_cpf, None),
    Scheme((11,), (), check_digits.br_cpf, _CPF),
    Scheme((1, 2, 2, 2, 3, 3, 2), (BLANK,) * 6, check_digits.fr_nir, None),
    Scheme((13, 2), (BLANK,), check_digits.fr_nir, None),
    Scheme((15,), (), check_digits.fr_nir, _words("s\u00e9curit\u00e9 sociale", "securite sociale", r"nir\b", "insee")),
    Scheme((18,), (), check_digits.cn_resident, None),
    Scheme((17,), (), lambda _: False, None),  # with an X behind
    Scheme((6, 4), (HYPHEN,), check_digits.se_personnummer, None),
    Scheme((10,), (), check_digits.se_personnummer, _words("personn")),
    Scheme((6, 7), (HYPHEN,), check_digits.kr_rrn, None),
    Scheme((11,), (), check_digits.pl_pesel, _PESEL),
    Scheme((3, 3, 4), (BLANK, BLANK), check_digits.uk_nhs, _NHS),
    Scheme((3, 3, 4), (HYPHEN, HYPHEN), check_digits.uk_nhs, _NHS),
    Scheme((10,), (), check_digits.uk_nhs, _NHS),
    Scheme((4, 4, 4), (BLANK, BLANK), check_digits.in_aadhaar, _AADHAAR),
    Scheme((4, 4, 4), (HYPHEN, HYPHEN), check_digits.in_aadhaar, _AADHAAR),
    Scheme((12,), (), check_digits.in_aadhaar, _AADHAAR),
    Scheme((9,), (), check_digits.nl_bsn, _BSN),
    Scheme((4, 2, 3), (DOT, DOT), check_digits.nl_bsn, _BSN),
    Scheme((3, 3, 3), (BLANK, BLANK), check_digits.ca_sin, _SIN),
    Scheme((3, 3, 3), (HYPHEN, HYPHEN), check_digits.ca_sin, _SIN),
    Scheme((9,), (), check_digits.ca_sin, _SIN),
    Scheme((11,), (), check_digits.de_steuer_id, _TAX),
    Scheme((2, 3, 3, 3), (BLANK,) * 3, check_digits.de_steuer_id, _TAX),
)  # fmt: skip
_BY_FORM: dict[tuple[int, ...], list[Scheme]] = {}
for _scheme in SCHEMES:
    _BY_FORM.setdefault(_scheme.form, []).append(_scheme)
_LONGEST = max(map(len, _BY_FORM))


def persons(place: Place, groups: Groups) -> list[Found]:
    """Numbers of persons in a run of numbers."""
    found = []
    count = len(groups.digits)
    shape = tuple(len(digits) for digits in groups.digits)
    first = 0
    while first < count:
        last = next(
            (
                first + length
                for length in range(min(_LONGEST, count - first), 0, -1)
                if shape[first : first + length] in _BY_FORM and _is_person(place, groups, first, first + length)
            ),
            0,
        )
        if last:
            end = groups.end(last - 1)
            found.append(Found(groups.starts[first], end + (place.text[end : end + 1] in (b"X", b"x")), "national_id"))
        first = last or first + 1
    found += _dni(place, groups)
    return found


def _is_person(place: Place, groups: Groups, first: int, last: int) -> bool:
    start, end = groups.starts[first], groups.end(last - 1)
    behind = place.text[end : end + 2]
    if place.text[start - 1 : start] in (b"-", b"_", b".", b"/", b"+") or (
        first and groups.separators[first - 1] not in (b" ", b"\xc2\xa0", b" (")
    ):
        return False
    if (last < len(groups.digits) and groups.separators[last - 1] in (b"-", b".", b"/")) or behind[:1] == b"_":
        return False
    digits = "".join(groups.digits[first:last])
    between = groups.separators[first : last - 1]
    around: bytes | None = None
    for scheme in _BY_FORM[tuple(len(one) for one in groups.digits[first:last])]:
        if scheme.by != tuple(BLANK if by == b"\xc2\xa0" else by for by in between) or behind[:1].isalnum():
            continue
        if scheme.word is not None:
            around = place.text.lower() if around is None else around
            if not scheme.word.search(around, max(0, start - CONTEXT), start):
                continue
        if scheme.check(digits):
            return True
    # China's ends in an X where that is the check digit.
    return (
        len(digits) == 17
        and last - first == 1
        and behind[:1] in (b"X", b"x")
        and not behind[1:].isalnum()
        and (check_digits.cn_resident(digits + "X"))
    )


_DNI = _words(r"d\.?\s?n\.?\s?i\b", r"n\.?\s?i\.?\s?[ef]\b", "documento", "identidad")
_LETTER = re.compile(rb"-?([A-Za-z])(?![A-Za-z0-9_])")


def _dni(place: Place, groups: Groups) -> list[Found]:
    """Spain's: a letter behind seven or eight digits."""
    last = len(groups.digits) - 1
    if not 7 <= len(groups.digits[last]) <= 8:
        return []
    letter = _LETTER.match(place.text, groups.end(last))
    start = groups.starts[last]
    if letter is None or not _DNI.search(place.text[max(0, start - CONTEXT) : start].lower()):
        return []
    right = check_digits.es_dni(groups.digits[last], letter[1].decode())
    return [Found(start, letter.end(), "national_id")] if right else []


_CODICE = re.compile(rb"[A-Za-z]{6}[0-9]{2}[ABCDEHLMPRSTabcdehlmprst][0-9]{2}[A-Za-z][0-9]{3}[A-Za-z](?![A-Za-z0-9_])")
_NIE = re.compile(rb"([XYZ])-?([0-9]{7})-?([A-Z])(?![A-Za-z0-9_])")


def codes(place: Place) -> list[Found]:
    """Italy's code and Spain's number of foreigners, at letters before digits."""
    if match := _CODICE.match(place.text, place.start):
        if check_digits.it_codice_fiscale(match[0].decode().upper()):
            return [Found(place.start, match.end(), "national_id")]
    elif match := _NIE.match(place.text, place.start):
        number = str("XYZ".index(match[1].decode())) + match[2].decode()
        if check_digits.es_dni(number, match[3].decode()):
            return [Found(place.start, match.end(), "national_id")]
    return []
