"""In which encoding the bytes of a page are, and its characters.

In this order: a byte order mark; UTF-8, where the bytes are valid UTF-8 beyond ASCII (text in another encoding hardly
ever is, while pages that declare another one are common); the HTTP header; `<meta>` or the XML declaration; what the
bytes look like. A declared encoding that the bytes contradict gives way to one that fits. Of what nothing declares
Resiliparse guesses the encoding, but it knows no Korean one, and says UTF-8 where it knows nothing: of bytes that are
none `_undeclared` says more.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

LOOKED_AT = 4_096
"""Bytes in which a declaration is looked for; browsers look at 1,024, pages with long scripts in front exceed that."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"""<meta[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""", re.IGNORECASE)
_TOLERATED = 1_000
"""A declared encoding may fail in one character of so many: the page was cut, or has a damaged byte."""

_WIDER = {"euc_kr": "cp949", "shift_jis": "cp932", "gbk": "gb18030"}
"""Codec of a label → what browsers read under it (https://encoding.spec.whatwg.org), which has all its characters and
those of the systems that wrote the pages."""

_JAPANESE = re.compile(rb"\x1b\$[@B](?:[\x21-\x7e]{2}){1,5000}\x1b\([BJ]")
"""Characters of ISO-2022-JP between the escapes that begin and end them; no other encoding has such bytes."""

_UKRAINIAN = re.compile(
    "[\u0400-\u045f][\u0491\u0454\u0456\u0457]|[\u0491\u0454\u0456\u0457][\u0400-\u045f]", re.IGNORECASE
)
"""A letter that KOI8-U has in place of a part of a box, beside another."""

_MARKUP = re.compile(rb"<(?:script|style)\b.*?</(?:script|style)|<[^>]{0,5000}>", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+")
_HANGUL = re.compile("[\uac00-\ud7a3]+")
_CYRILLIC = re.compile("[\u0400-\u04ff]+")
_FREQUENT = frozenset("оеаинтсрОЕАИНТСР")
"""More than half of the letters of a text in Cyrillic, whatever its language; which case they have differs."""

_MOST_WEIGHED = 100_000
"""Bytes, without markup, of which the encoding is told."""


def _codec(label: str | None) -> str | None:
    """Python's codec of a label of the web, None where it means none."""
    if not label:
        return None
    name = map_encoding_to_html5(label.strip().strip("\"'"), fallback_utf8=False)
    if name is None:
        return None
    try:
        name = codecs.lookup(name).name
    except LookupError:
        return None
    return _WIDER.get(name, name)


def _utf8(data: bytes) -> str | None:
    """The characters if the bytes are UTF-8; the last character may be cut off."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return None


def declared(data: bytes) -> str | None:
    """The encoding that a page itself names; `utf-16` there means UTF-8, as the declaration could be read."""
    found = _XML.match(data[:LOOKED_AT]) or _META.search(data[:LOOKED_AT])
    name = _codec(found[1].decode("ascii")) if found else None
    return "utf-8" if name and name.startswith("utf-16") else name


def _read(data: bytes, codec: str) -> str:
    """The characters, U+FFFD for what is none; KOI8-R is KOI8-U where a Ukrainian letter stands in a word."""
    text = data.decode(codec, "replace")
    if codec == "koi8-r" and _UKRAINIAN.search(wider := data.decode("koi8-u", "replace")):
        return wider
    return text


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(codec)().decode(data)
    except UnicodeDecodeError:
        return None


def _foreign(text: str) -> list[str]:
    """The words with a letter beyond ASCII."""
    return [word for word in _WORD.findall(text) if not word.isascii()]


def _share(script: re.Pattern[str], words: list[str]) -> float:
    return sum(bool(script.fullmatch(word)) for word in words) / max(len(words), 1)


def _cyrillic(words: list[str]) -> float:
    """How much like a text in Cyrillic the words are, 0 to 1."""
    letters = "".join(words)
    if _share(_CYRILLIC, words) < 0.9 or len(letters) < 2 * len(words):
        return 0.0
    regular = sum(word.islower() or word.isupper() or word[1:].islower() for word in words) / len(words)
    return regular * sum(letter in _FREQUENT for letter in letters) / len(letters)


def _undeclared(data: bytes) -> str:
    """The codec of bytes that the guess takes for UTF-8 and that are none; "utf-8" where nothing fits better.

    Held to be UTF-8 all the same where more of it stands in the bytes than of what is none. Else Korean where the
    words are Hangul, Cyrillic where they are regular in case and use its frequent letters, windows-1252 (what browsers
    take when nothing is said) where letters beyond ASCII stand in words with others.
    """
    bare = _MARKUP.sub(b" ", data)[:_MOST_WEIGHED]
    text = bare.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    if sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", text))) >= wrong:
        return "utf-8"
    korean = _strict(bare, "cp949")
    if korean is not None and _share(_HANGUL, _foreign(korean)) >= 0.9:
        return "cp949"
    readings = ((name, _strict(bare, name)) for name in ("cp1251", "koi8-u"))
    likeness = {name: _cyrillic(_foreign(reading)) for name, reading in readings if reading}
    if likeness and max(likeness.values()) >= 0.5:
        return max(likeness, key=likeness.__getitem__)
    western = _strict(bare, "cp1252")
    if western is not None:
        words = _foreign(western)
        if 2 * sum(any(map(str.isascii, word)) for word in words) >= len(words):
            return "cp1252"
    return "utf-8"


def _guessed(data: bytes) -> str:
    """The codec that the bytes look like, which neither declare one that fits nor are UTF-8."""
    name = _codec(detect_encoding(data)) or "utf-8"
    return _undeclared(data) if name == "utf-8" else name


def decoded(data: bytes, charset: str | None) -> tuple[str, str]:
    """Characters of a page and the name of the codec that they were read with.

    Args:
        data: the page.
        charset: from the HTTP header, or None.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace"), name
    if data.isascii() and _JAPANESE.search(data):
        return data.decode("iso2022_jp", "replace"), "iso2022_jp"
    whole = None if data.isascii() or _codec(charset) in {"utf-16-le", "utf-16-be"} else _utf8(data)
    if whole is not None:
        return whole, "utf-8"
    return _by_declaration(data, dict.fromkeys(filter(None, (_codec(charset), declared(data)))))


def _by_declaration(data: bytes, candidates: Iterable[str]) -> tuple[str, str]:
    """As `decoded`: the first candidate that fits, else what the bytes look like or what fits best."""
    best: tuple[int, str, str] | None = None
    for name in candidates:
        text = _read(data, name)
        wrong = text.count("\ufffd")
        if wrong * _TOLERATED <= len(text):
            return text, name
        if best is None or wrong < best[0]:
            best = wrong, text, name
    if data.isascii():
        return data.decode("ascii"), "utf-8"
    looks = _guessed(data)
    text = _read(data, looks)
    if best is not None and best[0] <= text.count("\ufffd"):
        return best[1], best[2]
    return text, looks
