"""Check digits of numbers, as their issuers define them; all take ASCII digits (and letters where it says so)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812: cards, Canada's SIN, Sweden's personnummer."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total += _DOUBLED[int(digit)] if place % 2 else int(digit)
    return total % 10 == 0


def _number(letters: str) -> int:
    return int("".join(str(int(letter, 36)) for letter in letters))


def mod_97(account: str) -> bool:
    """ISO 13616: IBANs, in capitals and without blanks."""
    return _number(account[4:] + account[:4]) % 97 == 1


def _sum(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def is_day(year: int, month: int, day: int) -> bool:
    """Whether there is such a day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _short_day(digits: str) -> bool:
    """Whether six digits are a day, year first, of some century."""
    return is_day(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


def us_ssn(digits: str) -> bool:
    """Social security number: no check digit; areas, groups and serials that are never given, and advertised ones."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if digits in ("078051120", "219099999", "123456789", "111223333", "123121234"):
        return False
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def br_cpf(digits: str) -> bool:
    """Brazil's CPF, eleven digits."""
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        left = 11 - _sum(digits[:length], range(length + 1, 1, -1)) % 11
        if int(digits[length]) != (0 if left > 9 else left):
            return False
    return True


def uk_nhs(digits: str) -> bool:
    """Number of the National Health Service, ten digits."""
    return (11 - _sum(digits[:9], range(10, 1, -1)) % 11) % 11 == int(digits[9])


def fr_nir(digits: str) -> bool:
    """France's number of social security, fifteen digits (Corsica's departments have letters and are not read)."""
    return digits[0] in "1278" and 1 <= int(digits[3:5]) <= 42 and 97 - int(digits[:13]) % 97 == int(digits[13:])


def cn_resident(digits: str) -> bool:
    """China's number of a resident, seventeen digits and a digit or X."""
    if not is_day(int(digits[6:10]), int(digits[10:12]), int(digits[12:14])) or digits[0] not in "12345678":
        return False
    total = _sum(digits[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    return digits[:2] != "00" and 1900 <= int(digits[6:10]) <= 2100 and "10X98765432"[total % 11] == digits[17]


def pl_pesel(digits: str) -> bool:
    """Poland's PESEL, eleven digits; the century is in the month."""
    if not 1 <= int(digits[2:4]) % 20 <= 12:
        return False
    return -_sum(digits[:10], (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10 == int(digits[10])


def se_personnummer(digits: str) -> bool:
    """Sweden's, ten digits."""
    return _short_day(digits) and luhn(digits)


def kr_rrn(digits: str) -> bool:
    """Korea's number of a resident, thirteen digits, as they were given until 2020."""
    total = _sum(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5))
    return _short_day(digits) and digits[6] in "12345678" and (11 - total % 11) % 10 == int(digits[12])


def nl_bsn(digits: str) -> bool:
    """The Netherlands' BSN, nine digits."""
    return (_sum(digits[:8], range(9, 1, -1)) - int(digits[8])) % 11 == 0 and digits != "000000000"


def ca_sin(digits: str) -> bool:
    """Canada's, nine digits."""
    return digits[0] not in "08" and luhn(digits)


def de_steuer_id(digits: str) -> bool:
    """Germany's number of taxpayers, eleven digits."""
    most = max(digits[:10].count(digit) for digit in set(digits[:10]))
    if digits[0] == "0" or most not in (2, 3):
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def es_dni(number: str, letter: str) -> bool:
    """Spain's DNI and NIE: a number (of a NIE with X, Y, Z as 0, 1, 2) and a letter."""
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == letter.upper()


_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURNED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def in_aadhaar(digits: str) -> bool:
    """India's Aadhaar, twelve digits, by Verhoeff's scheme."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_TIMES[check][int(_TURNED[place % 8][int(digit)])])
    return check == 0 and digits[0] not in "01"


_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22,
         25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def it_codice_fiscale(code: str) -> bool:
    """Italy's code of a taxpayer, sixteen capitals and digits."""
    total = sum(
        _ODD[letter] if place % 2 == 0 else int(letter, 36) - (10 if letter.isalpha() else 0)
        for place, letter in enumerate(code[:15])
    )
    return chr(ord("A") + total % 26) == code[15]
