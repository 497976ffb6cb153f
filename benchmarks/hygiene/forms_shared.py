"""What the makers of values share: chance, names, hosts, frames and the check digit of Luhn."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

Made = tuple[str, str, str]
Maker = Callable[[random.Random], Made]

DIGITS, HEX = string.digits, "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
BASE64 = ALNUM + "+/"
FIRST = "anna ben carla david elena felix greta henry irene jonas katja liam maria nils olga paul quinn rosa sven tina".split()
LAST = "almeida baker chen duarte evans fischer garcia huber ivanova jensen kowalski lopez meyer nowak olsen petrov".split()
WORD = "north river stone maple bright atlas cedar orbit falcon harbor lumen pixel quartz summit tundra vertex willow".split()
TLD = "com com com org net de fr co.uk io edu it nl ch com.br ac.jp info".split()
MAIL_HOST = (
    "gmail.com yahoo.com hotmail.com outlook.com web.de gmx.net orange.fr mail.ru qq.com proton.me aol.com".split()
)


def some(dice: random.Random, letters: str, count: int) -> str:
    """Letters by chance."""
    return "".join(dice.choice(letters) for _ in range(count))


def digits(dice: random.Random, pattern: str) -> str:
    """A pattern with its `#` as digits by chance, `N` as digits from 2 to 9."""
    return "".join(dice.choice(DIGITS) if c == "#" else dice.choice("23456789") if c == "N" else c for c in pattern)


def host(dice: random.Random) -> str:
    """A host name of nobody in particular."""
    name = dice.choice(WORD) + dice.choice(["", "-", ""]) + dice.choice(WORD)
    return dice.choice(["", "", "", "mail.", "cs."]) + name + "." + dice.choice(TLD)


def around(dice: random.Random, value: str, *frames: str) -> Made:
    """A value in one of some frames, each with one `%`."""
    before, after = dice.choice(frames).split("%")
    return before, value, after


def luhn(body: str) -> str:
    """Digits and their check digit by Luhn."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        number = int(digit) * (2 if place % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    return body + str(-total % 10)


def isbn13(dice: random.Random) -> str:
    """An ISBN of thirteen digits."""
    body = "978" + some(dice, DIGITS, 9)
    check = -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10
    return f"{body[:3]}-{body[3]}-{body[4:7]}-{body[7:]}-{check}" if dice.random() < 0.6 else body + str(check)
