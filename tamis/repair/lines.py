"""The repair of one line: what was damaged on its way is put back, what stands for nothing goes, all else stays.

Steps, each on what the one before has left: HTML entities, line breaks, mojibake, control characters, soft hyphens,
characters without a width, marks of direction, the normal form. They are repeated until nothing changes, at most
`ROUNDS` times: an entity may hide mojibake, and mojibake an entity.

What looks like damage and is none stays: joiners and non-joiners beside letters of scripts that are joined or stacked
(Persian, Indic, Khmer …) and in emoji, zero-width spaces between letters of scripts that are written without blanks,
marks of direction in lines that have letters of a right-to-left script.
"""

from __future__ import annotations

import functools
import operator
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np

from tamis.edits import Change, changed, then
from tamis.repair import marks
from tamis.repair.marks import Form

ROUNDS = 4
MANY_WORDS = 8
"""Words of a line that change, above which they are one change."""


class Steps(NamedTuple):
    """What is repaired; see the section of `text_repair`."""

    mojibake: bool = True
    html_entities: Literal["auto", "always", "never"] = "auto"
    line_breaks: bool = True
    control_characters: bool = True
    soft_hyphens: bool = True
    zero_width: bool = True
    bidi_marks: bool = True
    normal_form: Form | None = "NFC"

    @property
    def wanted(self) -> int:
        """Bits of `tamis.kernels.damage` that a line must show one of."""
        from tamis.kernels import damage

        bits = (
            (self.html_entities != "never", damage.ENTITY),
            (self.mojibake, damage.MOJIBAKE),
            (self.line_breaks, damage.BREAK),
            (self.control_characters, damage.CONTROL),
            (self.soft_hyphens, damage.SOFT_HYPHEN),
            (self.zero_width, damage.ZERO_WIDTH),
            (self.bidi_marks, damage.BIDI),
            (self.normal_form is not None, damage.FORM),
        )
        return sum(bit for on, bit in bits if on)


def _class(*codes: int) -> str:
    return "[" + "".join(f"\\U{code:08x}" for code in codes) + "]"


def _ranges(*ranges: tuple[int, int]) -> str:
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


# Every & that is written as &amp; again and again is one.
_ENTITY = re.compile(r"&(?:amp;)*#?[0-9A-Za-z]{1,24};")
_ESCAPES_AND_CONTROLS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|" + _class(*marks.CONTROLS) + "+")
_BREAK = re.compile(r"\r\n?|[\v\u2028\u2029]")
_SOFT_HYPHEN = re.compile(r"\xad+(?P<end>(?=[^\S\n]*\r?(?:\n|\Z)))?")
_BIDI = re.compile(_class(*marks.BIDIS) + "+")
_RIGHT_TO_LEFT = re.compile(
    "[" + _ranges((0x590, 0x8FF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFE), (0x10800, 0x10FFF), (0x1E800, 0x1EFFF)) + "]"
)
_ZERO_WIDTH = re.compile(_class(*marks.ZERO_WIDTHS, *marks.JOINERS) + "+")
_JOINERS = "".join(map(chr, marks.JOINERS))
_PLAIN = re.compile("[" + _ranges(*marks.PLAIN_RANGES) + "]")
_UNSPACED = re.compile(
    "["
    + _ranges(
        (0x0E00, 0x0FFF),
        (0x1000, 0x109F),
        (0x1780, 0x17FF),
        (0x1950, 0x19DF),
        (0x1A20, 0x1AAF),
        (0x1B00, 0x1B7F),
        (0xA980, 0xA9DF),
        (0xA9E0, 0xA9FF),
        (0xAA60, 0xAA7F),
    )
    + "]"
)
"""Thai, Lao, Tibetan, Burmese, Khmer, Tai, Balinese, Javanese: a zero-width space parts words there."""
_LINE = re.compile(r"[^\n]+\n?|\n")
_AGAIN = re.compile(r"(.)\1+")
_A_AND_BLANK = re.compile("[ÃÂ] ")


def differences(before: str, after: str, reason: str) -> Iterator[Change]:
    """Where two lines differ: by words where both have as many, without what a word begins and ends with in both.

    Where more than `MANY_WORDS` words do, what lies between the first and the last of them is one change: a row of the
    edits for each word of a text that is decomposed throughout takes more room and twenty times the time of the text.
    """
    words, others = before.split(" "), after.split(" ")
    if len(words) != len(others) or sum(map(operator.ne, words, others)) > MANY_WORDS:
        words, others = [before], [after]
    at = 0
    for word, other in zip(words, others, strict=True):
        if word != other:
            shorter = min(len(word), len(other))
            first = next((place for place in range(shorter) if word[place] != other[place]), shorter)
            same = next((n for n in range(shorter - first) if word[-1 - n] != other[-1 - n]), shorter - first)
            yield Change(at + first, at + len(word) - same, other[first : len(other) - same], reason)
        at += len(word) + 1


def _replaced(text: str, pattern: re.Pattern[str], put: Callable[[re.Match[str]], str], reason: str) -> list[Change]:
    """Changes of what a pattern finds; none where it is put back as it is."""
    found = ((match, put(match)) for match in pattern.finditer(text))
    return [Change(*match.span(), new, reason) for match, new in found if new != match[0]]


def _unescaped(match: re.Match[str]) -> str:
    from ftfy.fixes import unescape_html

    inner = match[0][1:]
    while inner.startswith("amp;"):
        if not (rest := inner[4:]):
            return "&"
        inner = rest
    return unescape_html(f"&{inner}")


def _zero_width(match: re.Match[str]) -> str:
    text, (start, end) = match.string, match.span()
    # What carries the meaning stands before and after; at an end of the line there is nothing to join.
    before, after = text[start - 1 : start] if start else " ", text[end : end + 1] or " "
    joiners = ""
    if not (_PLAIN.match(before) and _PLAIN.match(after)):
        joiners = _AGAIN.sub(r"\1", "".join(one for one in match[0] if one in _JOINERS))
    spaced = "\u200b" in match[0] and _UNSPACED.match(before) and _UNSPACED.match(after)
    return joiners or ("\u200b" if spaced else "")


def _decoded(text: str) -> str:
    from ftfy import fix_encoding
    from ftfy.fixes import fix_surrogates

    # Half of a pair, decoded, is no text.
    return fix_surrogates(fix_encoding(text))


def _is_bad(text: str, *, sure: bool) -> bool:
    """Whether a line holds mojibake; `Ã` before a blank, which is a word of several languages, is none alone."""
    from ftfy.badness import is_bad

    return is_bad(text) and (sure or is_bad(_A_AND_BLANK.sub(" ", text)))


def _mojibake(text: str, *, sure: bool) -> list[Change]:
    if text.isascii() or not _is_bad(text, sure=sure):
        return []
    return list(differences(text, _decoded(text), "mojibake"))


def _cut(_: re.Match[str]) -> str:
    return ""


Step = Callable[[str], list[Change]]


@functools.cache
def _steps(steps: Steps, *, tagged: bool, sure: bool) -> dict[int, Step]:
    """The steps in their order, by the sign (`tamis.kernels.damage`) of what they repair: a line → its changes."""
    from tamis.kernels import damage

    whole: dict[int, Step] = {}
    if steps.html_entities == "always" or (steps.html_entities == "auto" and not tagged):
        whole[damage.ENTITY] = lambda line: _replaced(line, _ENTITY, _unescaped, "html_entity") if "&" in line else []
    if steps.line_breaks:
        whole[damage.BREAK] = lambda line: _replaced(line, _BREAK, lambda _: "\n", "line_break")
    found: dict[int, Step] = {}
    if steps.mojibake:
        found[damage.MOJIBAKE] = lambda line: _mojibake(line, sure=sure)
    if steps.control_characters:
        found[damage.CONTROL] = lambda line: _replaced(line, _ESCAPES_AND_CONTROLS, _cut, "control_character")
    if steps.soft_hyphens:
        # At the end of a line it is seen, and the word goes on in the next.
        found[damage.SOFT_HYPHEN] = lambda line: _replaced(
            line, _SOFT_HYPHEN, lambda one: "" if one["end"] is None else "-", "soft_hyphen"
        )
    if steps.zero_width:
        found[damage.ZERO_WIDTH] = lambda line: _replaced(line, _ZERO_WIDTH, _zero_width, "zero_width")
    if steps.bidi_marks:
        found[damage.BIDI] = lambda line: (
            [] if _RIGHT_TO_LEFT.search(line) else _replaced(line, _BIDI, _cut, "bidi_mark")
        )
    if steps.normal_form is not None:
        found[damage.FORM] = functools.partial(_normalised, form=steps.normal_form)
    return whole | {sign: functools.partial(_by_line, step=step) for sign, step in found.items()}


def _by_line(text: str, step: Step) -> list[Change]:
    """A step on each of the lines into which earlier ones have parted a line."""
    if text.find("\n", 0, -1) < 0:
        return step(text)
    found: list[Change] = []
    at = 0
    for line in _LINE.findall(text):
        found += [change._replace(start=at + change.start, end=at + change.end) for change in step(line)]
        at += len(line)
    return found


def _normalised(text: str, form: Form) -> list[Change]:
    normalised = unicodedata.normalize(form, text)
    return [] if normalised == text else list(differences(text, normalised, "normal_form"))


def _signs(text: str, form: Form | None) -> int:
    from tamis.kernels.damage import signs

    return int(signs(np.frombuffer(text.encode(), np.uint8), *marks.tables(form)))


def repaired(line: str, bits: int, steps: Steps, *, tagged: bool, sure: bool = True) -> list[Change]:
    """The changes that repair a line.

    Args:
        line: with its line feed.
        bits: its signs of damage, of which only the steps of these are asked; most lines with some are sound.
        steps: what is repaired.
        tagged: whether its document holds a `<`: entities may stand there for what they are (`html_entities: auto`).
        sure: whether the document is known to hold mojibake: then also "Ã la" is some.

    Returns:
        Changes that rise and do not overlap.
    """
    found: list[Change] = []
    current = line
    for _ in range(ROUNDS):
        before = current
        for sign, step in _steps(steps, tagged=tagged, sure=sure).items():
            if bits & sign and (changes := step(current)):
                found = then(line, found, changes)
                current = changed(current, changes)
                # What one step has put in may be what another looks for.
                bits = _signs(current, steps.normal_form)
        if current == before:
            break
    return [change for change in found if line[change.start : change.end] != change.replacement]
