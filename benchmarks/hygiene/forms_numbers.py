"""Cards, accounts and numbers of persons, with their check digits."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

from forms_shared import ALNUM, DIGITS, HEX, Made, Maker, around, digits, isbn13, luhn, some

# --- cards

_CARDS = (
    ("4", 16),
    ("4", 16),
    ("4", 16),
    ("51", 16),
    ("53", 16),
    ("55", 16),
    ("2221", 16),
    ("2560", 16),
    ("34", 15),
    ("37", 15),
    ("6011", 16),
    ("65", 16),
    ("36", 14),
    ("38", 14),
    ("3530", 16),
    ("62", 16),
    ("5018", 16),
    ("6304", 16),
)


def card_number(dice: random.Random) -> str:
    """Digits of a card that an issuer may have given."""
    prefix, length = dice.choice(_CARDS)
    return luhn(prefix + some(dice, DIGITS, length - len(prefix) - 1))


def card(dice: random.Random) -> Made:
    """Plain, in groups, with words or without."""
    number = card_number(dice)
    if dice.random() < 0.6:
        by = dice.choice([" ", "-", " "])
        parts = (4, 6, 5) if len(number) == 15 else (4, 6, 4) if len(number) == 14 else (4, 4, 4, 4)
        pieces, at = [], 0
        for part in parts:
            pieces.append(number[at : at + part])
            at += part
        number = by.join(pieces)
    return around(
        dice,
        number,
        "card %",
        "Visa: %",
        "% exp 12/27",
        "cc=%",
        "charged to %.",
        "Kreditkarte %",
        "Card number: %, CVV 123",
        "%",
        '"pan":"%"',
        "my card is %",
        "卡号：%",
        "| % |",
        "(%)",
    )


TEST_CARDS = "4111111111111111 4242424242424242 5555555555554444 5105105105105100 378282246310005 371449635398431 6011111111111117 30569309025904 3530111333300000 4012888888881881 4000056655665556".split()


def _no_luhn(d: random.Random, length: int) -> str:
    body = luhn(d.choice("456") + some(d, DIGITS, length - 2))
    return body[:-1] + str((int(body[-1]) + d.randint(1, 9)) % 10)


NOT_CARD: list[Maker] = [
    lambda d: ("card ", d.choice(TEST_CARDS), ""),
    lambda d: ("", (lambda n: " ".join(n[i : i + 4] for i in range(0, len(n), 4)))(d.choice(TEST_CARDS[:4])), ""),
    lambda d: ("id ", _no_luhn(d, 16), ""),
    lambda d: ("", (lambda n: "-".join(n[i : i + 4] for i in range(0, 16, 4)))(_no_luhn(d, 16)), ""),
    lambda d: ("IMEI ", luhn("35" + some(d, DIGITS, 12)), ""),
    lambda d: ("ISBN ", isbn13(d), ""),
    lambda d: ("x = 0.", some(d, DIGITS, 16), ""),
    lambda d: ("https://twitter.com/a/status/1", some(d, DIGITS, 18), ""),
    lambda d: ("ts ", "15" + some(d, DIGITS, 11), ""),
    lambda d: (
        "",
        some(d, HEX, 8)
        + "-"
        + some(d, HEX, 4)
        + "-4"
        + some(d, HEX, 3)
        + "-a"
        + some(d, HEX, 3)
        + "-"
        + some(d, HEX, 12),
        "",
    ),
    lambda d: ("pi = 3.", "14159265358979" + some(d, DIGITS, 4), ""),
    lambda d: ("img_", some(d, DIGITS, 16), "_n.jpg"),
    lambda d: ("", " ".join(some(d, DIGITS, 4) for _ in range(9)), ""),
    lambda d: ("md5 ", some(d, DIGITS, 16) + some(d, HEX, 16), ""),
    lambda d: ("0x", some(d, DIGITS, 16), ""),
    lambda d: ("", some(d, DIGITS, 40), ""),
    lambda d: (
        "",
        f"20{digits(d, '##')}0{d.randint(1, 9)}1{d.randint(0, 9)}{some(d, '0123', 1)}{some(d, DIGITS, 1)}{d.randint(10, 59)}{d.randint(10, 59)}",
        ".log",
    ),
    lambda d: ("1/", "7 = 0.142857142857142857", ""),
]


# --- IBAN

_IBANS = {
    "DE": "#" * 18,
    "FR": "#" * 10 + "@" * 11 + "##",
    "GB": "AAAA" + "#" * 14,
    "ES": "#" * 20,
    "IT": "A" + "#" * 10 + "@" * 12,
    "NL": "AAAA" + "#" * 10,
    "CH": "#" * 5 + "@" * 12,
    "AT": "#" * 16,
    "BE": "#" * 12,
    "PL": "#" * 24,
    "SE": "#" * 20,
    "NO": "#" * 11,
    "PT": "#" * 21,
    "IE": "AAAA" + "#" * 14,
    "TR": "#" * 6 + "@" * 16,
    "BR": "#" * 23 + "A" + "@",
    "SA": "##" + "@" * 18,
    "AE": "#" * 19,
    "FI": "#" * 14,
    "DK": "#" * 14,
}


def _iban(d: random.Random, off: int = 0) -> str:
    country = d.choice(list(_IBANS))
    body = "".join(
        d.choice(DIGITS)
        if c == "#"
        else d.choice(string.ascii_uppercase)
        if c == "A"
        else d.choice(DIGITS + "ABCDEFGH")
        for c in _IBANS[country]
    )
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    check = (98 - number % 97 - 2 + off) % 97 + 2
    return f"{country}{check:02d}{body}"


def iban(dice: random.Random) -> Made:
    """In groups of four, without blanks, in small letters."""
    value = _iban(dice)
    form = dice.random()
    if form < 0.5:
        value = " ".join(value[at : at + 4] for at in range(0, len(value), 4))
    elif form < 0.56:
        value = value.lower()
    elif form < 0.6:
        value = "-".join(value[at : at + 4] for at in range(0, len(value), 4))
    return around(
        dice,
        value,
        "IBAN: %",
        "IBAN %",
        "transfer to % please",
        "account %.",
        "%",
        "Konto % bei der Bank",
        "IBAN:%",
        "(%)",
        '"iban": "%"',
        "| % |",
        "% (BIC ABCDDEFF)",
    )


NOT_IBAN: list[Maker] = [
    lambda d: ("IBAN ", _iban(d, d.randint(1, 95)), ""),
    lambda d: (
        "",
        d.choice(
            [
                "DE89 3704 0044 0532 0130 00",
                "GB82 WEST 1234 5698 7654 32",
                "GB29NWBK60161331926819",
                "FR1420041010050500013M02606",
            ]
        ),
        "",
    ),
    lambda d: ("VIN ", "WV" + some(d, "ABCDEFGHJKLMNPRSTUVWXYZ" + DIGITS, 15), ""),
    lambda d: ("", some(d, string.ascii_uppercase, 2) + some(d, DIGITS, 16), ""),
    lambda d: ("tracking ", "RR" + some(d, DIGITS, 9) + "DE", ""),
    lambda d: ("1Z", some(d, ALNUM.upper(), 16), ""),
    lambda d: ("sha ", some(d, HEX.upper(), 40), ""),
    lambda d: ("", "SE" + some(d, DIGITS, 2) + some(d, "QXYZ" + DIGITS, 22), ""),
    lambda d: ("key ", "-".join(some(d, string.ascii_uppercase + DIGITS, 5) for _ in range(5)), ""),
    lambda d: ("VAT ", "DE" + some(d, DIGITS, 9), ""),
]


# --- numbers of persons


def _weighted(body: str, weights: list[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(body, weights, strict=False))


def _ssn(d: random.Random) -> str:
    return f"{d.choice([*range(1, 666), *range(667, 900)]):03d}-{d.randint(1, 99):02d}-{d.randint(1, 9999):04d}"


def _cpf(d: random.Random) -> str:
    body = some(d, DIGITS, 9)
    for length in (10, 11):
        left = 11 - _weighted(body, list(range(length, 1, -1))) % 11
        body += str(0 if left > 9 else left)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def _nhs(d: random.Random) -> str:
    while True:
        body = some(d, "456789", 1) + some(d, DIGITS, 8)
        check = 11 - _weighted(body, list(range(10, 1, -1))) % 11
        if check != 10:
            body += str(check % 11)
            return f"{body[:3]} {body[3:6]} {body[6:]}"


def _dni(d: random.Random) -> str:
    number = d.randint(1_000_000, 99_999_999)
    return f"{number:08d}{d.choice(['', '-', ''])}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def _nir(d: random.Random) -> str:
    body = (
        d.choice("12") + digits(d, "##") + f"{d.randint(1, 12):02d}" + f"{d.randint(1, 95):02d}" + digits(d, "######")
    )
    check = 97 - int(body) % 97
    return f"{body[0]} {body[1:3]} {body[3:5]} {body[5:7]} {body[7:10]} {body[10:]} {check:02d}"


def _resident(d: random.Random) -> str:
    body = (
        d.choice(["110101", "310104", "440305", "510107"])
        + f"{d.randint(1950, 2005)}{d.randint(1, 12):02d}{d.randint(1, 28):02d}"
        + some(d, DIGITS, 3)
    )
    total = _weighted(body, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
    return body + "10X98765432"[total % 11]


def _pesel(d: random.Random) -> str:
    body = f"{d.randint(40, 99):02d}{d.randint(1, 12):02d}{d.randint(1, 28):02d}" + some(d, DIGITS, 4)
    return body + str(-_weighted(body, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)


def _personnummer(d: random.Random) -> str:
    body = luhn(f"{d.randint(40, 99):02d}{d.randint(1, 12):02d}{d.randint(1, 28):02d}" + some(d, DIGITS, 3))
    return f"{body[:6]}-{body[6:]}"


_ODD = dict(
    zip(
        DIGITS + string.ascii_uppercase,
        [
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            2,
            4,
            18,
            20,
            11,
            3,
            6,
            8,
            12,
            14,
            16,
            10,
            22,
            25,
            24,
            23,
        ],
        strict=True,
    )
)


def _codice(d: random.Random) -> str:
    body = (
        some(d, "BCDFGLMNPRSTVZ", 6)
        + digits(d, "##")
        + d.choice("ABCDEHLMPRST")
        + f"{d.randint(1, 28):02d}"
        + d.choice("ABFHL")
        + digits(d, "###")
    )
    total = sum(_ODD[c] if place % 2 == 0 else int(c, 36) - (10 if c.isalpha() else 0) for place, c in enumerate(body))
    return body + string.ascii_uppercase[total % 26]


_D5 = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
]
_P8 = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
]


def _aadhaar(d: random.Random) -> str:
    body = d.choice("23456789") + some(d, DIGITS, 10)
    check = 0
    for place, digit in enumerate(reversed(body)):
        check = _D5[check][_P8[(place + 1) % 8][int(digit)]]
    body += str(_D5[check].index(0))
    return f"{body[:4]} {body[4:8]} {body[8:]}"


def _bsn(d: random.Random) -> str:
    while True:
        body = d.choice("123456789") + some(d, DIGITS, 7)
        check = _weighted(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
        if check < 10:
            return body + str(check)


def _sin(d: random.Random) -> str:
    body = luhn(d.choice("1234567") + some(d, DIGITS, 7))
    return f"{body[:3]} {body[3:6]} {body[6:]}"


def _steuer(d: random.Random) -> str:
    left = d.sample(DIGITS, 9)
    body = [*left, left[0]]
    d.shuffle(body)
    while body[0] == "0":
        d.shuffle(body)
    product = 10
    for digit in body:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return "".join(body) + str((11 - product) % 10)


_NATIONAL: tuple[tuple[Callable[[random.Random], str], tuple[str, ...]], ...] = (
    (_ssn, ("SSN: %", "social security number %", "% ", "his SSN is %.", "SS# %")),
    (_cpf, ("CPF: %", "CPF %", "inscrito no CPF sob o nº %", "%")),
    (_nhs, ("NHS number: %", "NHS No. %")),
    (_dni, ("DNI %", "con DNI %", "D.N.I. n.º %", "NIF: %")),
    (_nir, ("n° de sécurité sociale : %", "NIR %", "%")),
    (_resident, ("身份证号：%", "ID card %", "%")),
    (_pesel, ("PESEL: %", "nr PESEL %")),
    (_personnummer, ("personnummer %", "personnr: %", "%")),
    (_codice, ("codice fiscale %", "C.F. %", "%")),
    (_aadhaar, ("Aadhaar: %", "Aadhaar number %", "aadhar no. %")),
    (_bsn, ("BSN: %", "burgerservicenummer %")),
    (_sin, ("SIN: %", "Social Insurance Number %")),
    (_steuer, ("Steuer-ID: %", "Steueridentifikationsnummer %", "IdNr. %")),
)


def national_id(dice: random.Random) -> Made:
    """Of thirteen countries; those of the United States are a quarter."""
    maker, frames = _NATIONAL[0] if dice.random() < 0.25 else dice.choice(_NATIONAL)
    return around(dice, maker(dice), *frames)


NOT_NATIONAL_ID: list[Maker] = [
    lambda d: (
        "SSN ",
        d.choice(["000-12-3456", "666-12-3456", "912-12-3456", "123-00-4567", "123-45-0000", "078-05-1120"]),
        "",
    ),
    lambda d: ("", digits(d, "19##-0#-1#"), ""),
    lambda d: ("part ", digits(d, "##-###-####"), ""),
    lambda d: ("CPF ", digits(d, "###.###.###-") + "xx", ""),
    lambda d: ("", digits(d, "9###.###.###,##"), ""),
    lambda d: ("ISO ", digits(d, "####-##-####"), ""),
    lambda d: ("row ", digits(d, "### ### ####"), ""),
    lambda d: ("id ", digits(d, "###########"), ""),
    lambda d: ("model ", digits(d, "########") + "I", ""),
    lambda d: ("", digits(d, "2### #### 3###"), ""),
]
