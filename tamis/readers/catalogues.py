"""Translation catalogues (gettext `.po`): the translated messages of one language as a text.

Only the translations are taken, not the originals beside them: a document is then in one language, and the
catalogues of two languages share nothing. Fuzzy and obsolete entries are no translations. A catalogue of the
original's own language has empty translations and gives its originals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

STRING = re.compile(r'(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d{1,3}\])?)[ \t]*)?"((?:[^"\\]|\\.)*)"\s*')
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
LOCALE = re.compile(r"(?:^|/)(?:locales?|translations)/([A-Za-z]{2,3}(?:[_@-][A-Za-z]+){0,2})/")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[_@-][A-Za-z0-9]+){0,2}")


@dataclass(slots=True)
class _Entry:
    fields: dict[str, list[str]] = field(default_factory=dict)
    fuzzy: bool = False

    def text(self, name: str) -> str:
        return "".join(self.fields.get(name, ()))

    def translations(self) -> list[str]:
        """The translation, or its plural forms, each once; what has no letter (`{}.`) is none."""
        forms = (self.text(name) for name in self.fields if name.startswith("msgstr"))
        return list(dict.fromkeys(form for form in forms if any(map(str.isalpha, form))))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue as read.

    Attributes:
        text: the messages, one a line (those of several lines keep them), in the order of the file.
        language: code as the catalogue or its path writes it (`pt_BR`), or None.
        messages: how many messages the text holds.
    """

    text: str
    language: str | None
    messages: int


def parse(source: str, path: str) -> Catalogue:
    """Read a catalogue; lines that are none of its syntax are passed over.

    Args:
        source: text of the `.po` file.
        path: its path, which often names the language.
    """
    header, translated, originals = "", [], []
    for entry in _entries(source):
        if not entry.text("msgid"):
            header = header or entry.text("msgstr")
        elif not entry.fuzzy:
            forms = entry.translations()
            translated.extend(forms)
            originals.append(entry.text("msgid"))
    language = _language(header, path)
    if not translated and (language or "").split("_")[0].lower() == "en":
        translated = originals
    return Catalogue("".join(message.strip("\n") + "\n" for message in translated), language, len(translated))


def charset(data: bytes) -> str:
    """The encoding that the header of a catalogue names; UTF-8 when it names none."""
    match = re.search(rb"charset=([A-Za-z0-9_.:-]{1,40})", data[:20_000])
    return match[1].decode("ascii") if match else "utf-8"


def _entries(source: str) -> Iterator[_Entry]:
    entry, current = _Entry(), ""
    for raw in source.split("\n"):
        line = raw.strip()
        if line.startswith("#"):
            # A comment after strings opens the next entry; `#~` comments out a whole one.
            if "msgstr" in entry.fields or "msgstr[0]" in entry.fields:
                yield entry
                entry = _Entry()
            entry.fuzzy |= line.startswith("#,") and "fuzzy" in line
            current = ""
            continue
        match = STRING.fullmatch(line)
        if match is None:
            current = ""
            continue
        name, written = match[1], match[2]
        if name in ("msgctxt", "msgid") and any(known.startswith("msgstr") for known in entry.fields):
            yield entry
            entry = _Entry()
        current = name or current
        if current:
            plain = ESCAPE.sub(lambda found: ESCAPED.get(found[1], found[1]), written)
            entry.fields.setdefault(current, []).append(plain)
    if entry.fields:
        yield entry


def _language(header: str, path: str) -> str | None:
    match = re.search(r"^Language: *(\S+)", header, re.MULTILINE)
    if match and LANGUAGE.fullmatch(match[1]):
        return match[1]
    match = LOCALE.search(path)
    return match[1] if match else None
