"""Addresses of persons and machines, and telephone numbers."""

from __future__ import annotations

import random

from forms_shared import DIGITS, FIRST, HEX, LAST, MAIL_HOST, WORD, Made, Maker, around, digits, host, isbn13, some

# --- e-mail


def address(dice: random.Random) -> str:
    """An address."""
    first, last = dice.choice(FIRST), dice.choice(LAST)
    local = dice.choice(
        [
            f"{first}.{last}",
            f"{first[0]}{last}",
            f"{first}_{last}{dice.randint(1, 99)}",
            f"{last}{dice.randint(1950, 2010)}",
            f"{first}+{dice.choice(WORD)}",
            f"{first}-{last}",
            f"{first}",
            f"{first.title()}{last.title()}",
            "info",
            "o'" + last,
        ]
    )
    whole = f"{local}@{dice.choice(MAIL_HOST) if dice.random() < 0.4 else host(dice)}"
    return whole.upper() if dice.random() < 0.05 else whole


def email(dice: random.Random) -> Made:
    """As it stands."""
    return around(
        dice,
        address(dice),
        "E-mail: %",
        "write to %.",
        "<%>",
        "(%)",
        "contact me at % for details",
        "mailto:%",
        "%, ",
        "Author: " + dice.choice(FIRST).title() + " " + dice.choice(LAST).title() + " <%>",
        '{"email": "%"}',
        "[%](mailto:)",
        "From: %",
        "name;%;2020",
        "「%」",
        "邮箱：%，",
        "*%*",
        "`%`",
        "- %",
    )


def email_hidden(dice: random.Random) -> Made:
    """Written so that programs shall not find it."""
    local, name = address(dice).split("@")
    at = dice.choice([" [at] ", " (at) ", "[at]", "(at)", " AT ", " at ", "&#64;", "%40", " {at} "])
    dot = dice.choice([" [dot] ", " (dot) ", "[dot]", " DOT ", " dot "]) if at.strip() not in ("&#64;", "%40") else "."
    if at.strip() in ("[at]", "(at)") and dice.random() < 0.4:
        dot = "."
    return around(dice, local + at + name.replace(".", dot), "E-mail: %", "write to %", "(%)", "contact: %,", "%")


NOT_EMAIL: list[Maker] = [
    lambda d: ("", f"{d.choice(FIRST)}@example.{d.choice(['com', 'org', 'net'])}", ""),
    lambda d: ("", f"{d.choice(FIRST)}@{d.choice(WORD)}.{d.choice(['example', 'test', 'invalid', 'localhost'])}", ""),
    lambda d: ("", f"git@{d.choice(['github.com', 'gitlab.com'])}:{d.choice(WORD)}/{d.choice(WORD)}.git", ""),
    lambda d: ("npm install ", f"@{d.choice(WORD)}/{d.choice(WORD)}@{d.randint(0, 9)}.{d.randint(0, 20)}.1", ""),
    lambda d: ("", f"{d.choice(WORD)}@{d.randint(0, 9)}.{d.randint(0, 20)}.0", ""),
    lambda d: ("", f"{d.choice(WORD)}@2x.png", ""),
    lambda d: ("", f"root@localhost:~# {d.choice(WORD)}", ""),
    lambda d: ("follow ", f"@{d.choice(WORD)}_{d.choice(WORD)}", " now"),
    lambda d: ("", f"@{d.choice(WORD)}.{d.choice(WORD)}", ""),
    lambda d: ("loss = ", f"(A@{d.choice('BCX')}.T).sum()", ""),
    lambda d: ("docker pull ", f"{d.choice(WORD)}@sha256:{some(d, HEX, 64)}", ""),
    lambda d: ("open ", "10am - 5pm @ 12.50 each", ""),
    lambda d: ("", f"https://medium.com/@{d.choice(WORD)}/a-story-{some(d, HEX, 8)}", ""),
    lambda d: ("look ", f"at {d.choice(WORD)}. com", " is next"),
    lambda d: ("the product of a and b ", f"at {d.choice(WORD)} dot product", ""),
    lambda d: ("\\def\\", f"{d.choice(WORD)}@temp.a", "{}"),
    lambda d: ("", f"user@{d.choice(['localhost', 'host', 'HOST'])}", ""),
]


# --- addresses of machines


def public(dice: random.Random) -> str:
    """An IPv4 address that is anybody's: none that is reserved, private, or of a well-known resolver."""
    first = dice.choice(
        [5, 24, 31, 46, 62, 66, 78, 81, 87, 91, 95, 109, 128, 134, 151, 176, 185, 193, 194, 207, 212, 217]
    )
    return f"{first}.{dice.randint(1, 99)}.{dice.randint(0, 255)}.{dice.randint(1, 254)}"


V4_FRAMES = (
    "from %",
    "IP: %",
    "[%]",
    "(%)",
    "http://%/index.html",
    "%:8080",
    "Received: from mail ([%]) by mx; Tue, 3 Mar 2015",
    '% - - [10/Oct/2020:13:55:36 +0000] "GET / HTTP/1.0" 200',
    "ssh root@%",
    "server % is down.",
    "ping %",
    "Jan 12 03:04:05 host sshd[233]: Failed password for root from % port 4022 ssh2",
    "%, ",
    "address %.",
    '"ip": "%"',
    "X-Originating-IP: %",
)


def ipv4(dice: random.Random) -> Made:
    """Of a machine."""
    return around(dice, public(dice), *V4_FRAMES)


def ipv6(dice: random.Random) -> Made:
    """Whole, shortened, in brackets."""
    groups = [dice.choice(["2001", "2003", "2a00", "2a02", "2600", "2607", "2408"])]
    groups += [f"{dice.randint(0, 0xFFFF):x}" for _ in range(7)]
    groups[1] = f"{dice.randint(0x200, 0xCFF):x}"
    form = dice.random()
    if form < 0.35:
        value = ":".join(groups)
    elif form < 0.5:
        value = ":".join(group.zfill(4) for group in groups)
    else:
        keep = dice.randint(2, 4)
        value = ":".join(groups[:keep]) + "::" + ":".join(groups[8 - dice.randint(1, 3) :])
    value = value.upper() if dice.random() < 0.2 else value
    return around(
        dice, value, "IP: %", "[%]:443", "from % port 22", "(%)", "inet6 %/64 scope global", "%", "http://[%]/", "`%`"
    )


NOT_IP: list[Maker] = [
    lambda d: ("version ", f"{d.randint(1, 20)}.{d.randint(0, 30)}.{d.randint(0, 30)}.{d.randint(1, 90)}", " is out"),
    lambda d: ("", f"v{d.randint(1, 90)}.{d.randint(0, 30)}.{d.randint(0, 99)}.{d.randint(1, 200)}", ""),
    lambda d: (
        "",
        f"{d.choice(WORD)}-{d.randint(1, 20)}.{d.randint(0, 30)}.{d.randint(0, 9)}.{d.randint(1, 90)}.tar.gz",
        "",
    ),
    lambda d: ("\n", f"{d.randint(1, 20)}.{d.randint(1, 9)}.{d.randint(1, 9)}.{d.randint(1, 9)} Definitions", "\n"),
    lambda d: ("see section ", f"{d.randint(1, 20)}.{d.randint(1, 9)}.{d.randint(1, 9)}.{d.randint(1, 9)}", ""),
    lambda d: ("Chrome/", f"{d.randint(60, 120)}.0.{d.randint(1000, 5000)}.{d.randint(1, 200)}", " Safari/537.36"),
    lambda d: (
        d.choice(WORD) + " ",
        f"{d.randint(1, 9)}.{d.randint(0, 9)}.{d.randint(0, 9)}.{d.randint(0, 9)}",
        " or later",
    ),
    lambda d: ("", f"10.{d.randint(0, 255)}.{d.randint(0, 255)}.{d.randint(1, 254)}", ""),
    lambda d: ("", f"192.168.{d.randint(0, 255)}.{d.randint(1, 254)}", ""),
    lambda d: (
        "",
        d.choice(["127.0.0.1", "0.0.0.0", "255.255.255.0", "8.8.8.8", "1.1.1.1", "169.254.1.1", "224.0.0.1"]),
        "",
    ),
    lambda d: ("", f"{d.choice(['192.0.2', '198.51.100', '203.0.113'])}.{d.randint(1, 254)}", ""),
    lambda d: ("OID ", f"1.3.6.1.4.1.{d.randint(100, 9000)}.{d.randint(1, 9)}", ""),
    lambda d: ("", f"{d.randint(256, 999)}.{d.randint(256, 999)}.{d.randint(256, 999)}.{d.randint(256, 999)}", ""),
    lambda d: ("at ", f"{d.randint(10, 23)}:{d.randint(10, 59)}:{d.randint(10, 59)}", " sharp"),
    lambda d: ("MAC ", ":".join(some(d, HEX, 2) for _ in range(6)), ""),
    lambda d: ("fingerprint ", ":".join(some(d, HEX, 2) for _ in range(16)), ""),
    lambda d: ("", "std::vector::iterator", ""),
    lambda d: ("a[", d.choice(["::2", "1::2", "::-1"]), "]"),
    lambda d: ("", f"2001:db8:{some(d, HEX, 4)}::{d.randint(1, 99)}", ""),
    lambda d: ("", d.choice(["::1", "fe80::1", "::", "ff02::1", "fe80::dead:beef"]), ""),
    lambda d: ("", f"{d.choice(WORD)}::{some(d, 'abcdef', 4)}::{some(d, 'abcdef', 3)}", "()"),
]


# --- telephones

_AREA = "202 206 212 213 214 301 303 305 312 404 415 503 512 602 612 617 702 713 801 905 416 604 514".split()


def _us(d: random.Random) -> str:
    area, middle, last = d.choice(_AREA), digits(d, "N##"), digits(d, "####")
    while middle == "555" or middle[1:] == "11":
        middle = digits(d, "N##")
    form = d.choice(
        [
            "{}-{}-{}",
            "({}) {}-{}",
            "{}.{}.{}",
            "+1 {} {} {}",
            "+1-{}-{}-{}",
            "1-{}-{}-{}",
            "({}){}-{}",
            "{} {} {}",
            "+1{}{}{}",
            "{}-{}-{} ext. 23",
            "+1 ({}) {}-{}",
        ]
    )
    return form.format(area, middle, last)


_ABROAD = (
    ["020 7### ####", "+44 20 7### ####", "07#{3} ######", "+44 7911 ######", "+44 (0)20 7### ####", "0161 4## ####"],
    [
        "030 2#######",
        "+49 30 2#######",
        "0171 #######",
        "+49 171 #######",
        "0049 89 3#######",
        "+49 (0) 89 3#######",
        "030/2#######",
        "(089) 3#######",
        "089-3#######",
    ],
    [
        "01 4# ## ## ##",
        "06 1# ## ## ##",
        "+33 1 4# ## ## ##",
        "01.4#.##.##.##",
        "+33 6 1# ## ## ##",
        "01-4#-##-##-##",
        "+33 (0)1 4# ## ## ##",
    ],
    ["91 5## ## ##", "+34 91 5## ## ##", "+34 6## ### ###"],
    ["+39 06 6### ####", "+39 347 #######", "347 #######"],
    ["020-6######", "+31 20 6######", "06-1#######", "+31 6 1#######"],
    ["02 9### ####", "+61 2 9### ####", "0412 ### ###", "+61 412 ### ###", "(02) 9### ####"],
    ["+91 98### #####", "+91-98########", "098### #####"],
    ["+55 11 9#### ####", "(11) 9####-####", "+55 (11) 9####-####"],
    ["138 #### ####", "+86 138 #### ####", "138########", "010-6#######"],
    ["03-3###-####", "090-####-####", "+81 3-3###-####", "+81 90 #### ####"],
    ["044 2## ## ##", "+41 44 2## ## ##", "+41 79 4## ## ##"],
    ["01 5#######", "+43 1 5#######"],
    ["08-6## ### ##", "+46 8 6## ### ##", "070-2## ## ##"],
    ["22 6## ## ##", "+48 22 6## ## ##", "+48 601 ### ###"],
)


def _abroad(d: random.Random) -> str:
    form = d.choice(d.choice(_ABROAD))
    return digits(d, form.replace("07#{3}", "077" + d.choice("0123456789") + d.choice("0123456789")))


PHONE_FRAMES = (
    "Tel.: %",
    "Phone: %",
    "call %.",
    "call us at % or write",
    "Tel %",
    "T: %",
    "(phone %)",
    "mobile: %",
    "Fax: %",
    "☎ %",
    "tel:%",
    "Telefon: %",
    "Tél. : %",
    "电话：%",
    "WhatsApp %",
    "text me on %",
    "%, ",
    "reach me on % any time",
    "Contact: %",
    "| % |",
    "\n%\n",
)


def phone(dice: random.Random) -> Made:
    """Of twenty countries, with and without a word that says so."""
    return around(dice, _us(dice) if dice.random() < 0.4 else _abroad(dice), *PHONE_FRAMES)


NOT_PHONE: list[Maker] = [
    lambda d: ("call ", f"({d.choice(_AREA)}) 555-01{digits(d, '##')}", ""),
    lambda d: ("", f"555-01{digits(d, '##')}", ""),
    lambda d: ("ISBN ", isbn13(d), ""),
    lambda d: ("ISBN ", digits(d, "0-###-#####-#"), ""),
    lambda d: ("order ", digits(d, "N#########"), " shipped"),
    lambda d: ("https://doi.org/", digits(d, "10.1###/#######.####.#######"), ""),
    lambda d: (
        "",
        f"20{digits(d, '##')}-0{d.randint(1, 9)}-1{d.randint(0, 9)} 1{d.randint(0, 9)}:{d.randint(10, 59)}:{d.randint(10, 59)}",
        " INFO started",
    ),
    lambda d: ("", f"20{digits(d, '##')}0{d.randint(1, 9)}1{d.randint(0, 9)}", ""),
    lambda d: ("at ", f"{d.uniform(-90, 90):.6f}, {d.uniform(-180, 180):.6f}", ""),
    lambda d: ("ts=", str(d.randint(1_200_000_000, 1_700_000_000)), ""),
    lambda d: ("ISSN ", digits(d, "####-####"), ""),
    lambda d: ("population ", f"{d.randint(1, 900)},{digits(d, '###,###')}", ""),
    lambda d: ("about ", f"{d.randint(1, 900)} {digits(d, '### ###')}", " people"),
    lambda d: ("", f"19{digits(d, '##')}-19{digits(d, '##')}, 20{digits(d, '##')}-20{digits(d, '##')}", ""),
    lambda d: ("bug #", digits(d, "N######"), ""),
    lambda d: ("arXiv:", digits(d, "2#0#.1####"), ""),
    lambda d: ("part no. ", digits(d, "###-####-###-##"), ""),
    lambda d: ("ZIP ", digits(d, "9####-####"), ""),
    lambda d: ("", " ".join(str(d.randint(0, 99)) for _ in range(9)), ""),
    lambda d: ("", "\t".join(digits(d, "####") for _ in range(5)), ""),
    lambda d: ("sha1 ", some(d, HEX, 40), ""),
    lambda d: ("0x", some(d, HEX, 16), ""),
    lambda d: ("x = ", f"{d.random():.16f}", ""),
    lambda d: ("lines ", f"{digits(d, '1###')}-{digits(d, '2###')}", " of the file"),
    lambda d: ("pp. ", f"{digits(d, '1###')}-{digits(d, '2###')}", " (1998)"),
    lambda d: ("UPC ", digits(d, "0###########"), ""),
    lambda d: ("", digits(d, "1920x1080 60.00 59.94 50.00"), ""),
    lambda d: ("Version ", digits(d, "20##.#.###.####"), ""),
    lambda d: ("/item/", digits(d, "N#########"), "/view"),
    lambda d: (
        "id: ",
        f"{some(d, HEX, 8)}-{some(d, DIGITS, 4)}-4{some(d, DIGITS, 3)}-8{some(d, DIGITS, 3)}-{some(d, DIGITS, 12)}",
        "",
    ),
]
