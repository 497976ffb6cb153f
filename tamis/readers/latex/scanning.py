"""Arguments of commands in TeX: `{…}` with braces inside, `[…]`, or one token."""

from __future__ import annotations

import re

LONGEST = 40_000
"""Characters of an argument that are looked at for its end, so that a brace that nothing closes costs no more."""

_BRACE = re.compile(r"[{}]|\\[\s\S]")
_BRACKET = re.compile(r"[\[\]{}]|\\[\s\S]")
_SPACE = re.compile(r"[ \t]*(?:\n[ \t]*)?(?!\n)")
_TOKEN = re.compile(r"\\(?:[A-Za-z@]+|[^A-Za-z@])|[^\\{}%&\s]")


SPARE, TIMES = 1_000_000, 20
"""Characters that are looked at for arguments in all: so many, and so many times a text's own."""


class Arguments:
    """Arguments of commands in one text; where looking for them goes on for too long, there are none any more."""

    def __init__(self, characters: int) -> None:
        self._left = SPARE + TIMES * characters

    @property
    def spent(self) -> bool:
        """Whether none are looked for any more."""
        return self._left < 0

    def argument(self, text: str, at: int) -> tuple[str, int] | None:
        """As the function of this name."""
        if self._left < 0:
            return None
        found = argument(text, at)
        self._left -= LONGEST if found is None else found[1] - at
        return found

    def option(self, text: str, at: int) -> tuple[str | None, int]:
        """As the function of this name."""
        if self._left < 0:
            return None, at
        found = option(text, at)
        if found[0] is not None:
            self._left -= found[1] - at
        elif text[at : at + 80].lstrip()[:1] == "[":
            self._left -= LONGEST
        return found


def skip_space(text: str, at: int) -> int:
    """Past the space between a command and its argument: no empty line."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def argument(text: str, at: int, longest: int = LONGEST) -> tuple[str, int] | None:
    """The argument that stands at a place, and where it ends; None where there is none."""
    at = skip_space(text, at)
    if text[at : at + 1] != "{":
        found = _TOKEN.match(text, at)
        return (found[0], found.end()) if found else None
    depth = 0
    for found in _BRACE.finditer(text, at, at + longest):
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
            if not depth:
                return text[at + 1 : found.start()], found.end()
    return None


def option(text: str, at: int) -> tuple[str | None, int]:
    """The optional argument that stands at a place, or None, and where it ends."""
    start = skip_space(text, at)
    if text[start : start + 1] != "[":
        return None, at
    depth = 0
    for found in _BRACKET.finditer(text, start + 1, start + LONGEST):
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
            if depth < 0:
                return None, at
        elif found[0] == "]" and not depth:
            return text[start + 1 : found.start()], found.end()
    return None, at


def balanced_end(text: str, name: str, at: int) -> int | None:
    r"""Where the environment ends that began before a place, past its `\\end`; None where nothing ends it."""
    depth = 1
    for found in re.compile(rf"\\(begin|end)[ \t]*\{{{re.escape(name)}\}}").finditer(text, at):
        depth += 1 if found[1] == "begin" else -1
        if not depth:
            return found.end()
    return None
