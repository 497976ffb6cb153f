"""Macros of a paper, expanded where they are simple (`definitions`), as they would be by TeX and within bounds.

Definitions themselves go: what they say stands where they are used. Scopes of groups are not followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tamis.readers.latex.definitions import CONTROL, DEFINING, ENVIRONMENT, PARAMETER, Macro, definition
from tamis.readers.latex.scanning import Arguments, skip_space

DEPTH = 24
"""Macros inside each other."""

GROWTH, SPARE = 4, 200_000
"""A text may grow to so many times its characters, and so many more."""

_ENDS_IN_WORD = re.compile(r"\\[A-Za-z@]+\Z")
_PACKAGES = re.compile(r"\\(?:usepackage|RequirePackage)\s{0,9}(?:\[[^\]]{0,2000}\])?\s{0,9}\{([^{}]{0,2000})\}")
_WAITS: tuple[str, int] = ("", -1)


class _Grown(Exception):  # noqa: N818 - ends one expansion
    """More text, or more work, than is allowed."""


@dataclass(slots=True)
class Macros:
    """The macros of a paper, and the state of their expansion.

    Attributes:
        expanded: uses that were replaced.
        stopped: whether a bound was met, so that macros stay as they are.
    """

    expanded: int = 0
    stopped: bool = False
    _known: dict[str, Macro] = field(default_factory=dict)
    _begins: dict[str, str] = field(default_factory=dict)
    _ends: dict[str, str] = field(default_factory=dict)
    _left: int = 0
    _replaces: bool = True
    _arguments: Arguments = field(default_factory=lambda: Arguments(0))

    def learn(self, style: str) -> None:
        """Take the definitions of a style file that lies beside the paper."""
        self._begin(style)
        try:
            self._run(style, 0)
        except (_Grown, RecursionError):
            return

    def expand(self, text: str, *, replaces: bool = True) -> str:
        """A text without definitions, its macros replaced.

        Args:
            text: without comments.
            replaces: whether uses are replaced at all.
        """
        self._replaces = replaces
        self._begin(text)
        self.expanded = 0
        try:
            out, rest = self._run(text, 0)
        except (_Grown, RecursionError):
            self.stopped, self._replaces, self.expanded = True, False, 0
            self._begin(text)
            out, rest = self._run(text, 0)
        return out + rest

    def _begin(self, text: str) -> None:
        self._left = GROWTH * len(text) + SPARE
        self._arguments = Arguments(len(text))

    def _run(self, text: str, depth: int) -> tuple[str, str]:
        """The expansion of a text, and its last macro where that still wants arguments."""
        out: list[str] = []
        at = 0
        while found := CONTROL.search(text, at):
            start, end = found.span()
            name = text[start + 1 : end]
            if name in DEFINING and (after := self._define(name, text, end)) is not None:
                out.append(text[at:start])
                # The line of a definition goes with it.
                at = after + (not depth and text[after : after + 1] == "\n" and text[start - 1 : start] in ("", "\n"))
                continue
            replaced = self._replaced(name, text, end) if self._replaces else None
            if replaced is _WAITS and depth:
                out.append(text[at:start])
                return "".join(out), text[start:]
            if replaced is None or replaced is _WAITS:
                out.append(text[at:end])
                at = end
                continue
            if start > at:
                out.append(text[at:start])
            text, at = self._put(out, text, *replaced, depth)
        out.append(text[at:])
        return "".join(out), ""

    def _put(self, out: list[str], text: str, body: str, after: int, depth: int) -> tuple[str, int]:
        """Add what a use is replaced by, so that it runs into no word beside it; the text from there on, and where."""
        self.expanded += 1
        self._spend(len(body))
        if depth >= DEPTH:
            raise _Grown
        if "\\" in body:
            body, rest = self._run(body, depth + 1)
            if rest:
                # It takes its arguments from what follows.
                self._spend(len(text) - after)
                text, after = rest + text[after:], 0
        if body[:1].isalpha() and out and _ends_in_word(out[-1]):
            out.append(" ")
        out.append(body)
        if text[after : after + 1].isalpha() and _ends_in_word(body):
            out.append(" ")
        return text, after

    def _spend(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise _Grown

    def _replaced(self, name: str, text: str, end: int) -> tuple[str, int] | None:
        """What a use is replaced by, and where it ends; None: it is no macro's. `_WAITS`: its arguments are missing."""
        if name in ("begin", "end"):
            table = self._begins if name == "begin" else self._ends
            found = ENVIRONMENT.match(text, end) if table else None
            return (table[found[1]], found.end()) if found and found[1] in table else None
        macro = self._known.get(name)
        if macro is None:
            return None
        if not macro.arguments:
            return macro.body.removesuffix("\\xspace"), _after_word(text, end, macro.body)
        values: list[str] = []
        at = end
        if macro.default is not None:
            value, at = self._arguments.option(text, at)
            values.append(macro.default if value is None else value)
        while len(values) < macro.arguments:
            got = self._arguments.argument(text, at)
            if got is None:
                if self._arguments.spent:
                    raise _Grown
                return _WAITS if skip_space(text, at) >= len(text) else None
            value, at = got
            values.append(value)
            self._spend(len(value))
        return _filled(macro.body, values), at

    def _define(self, command: str, text: str, end: int) -> int | None:
        """Take a definition; where it ends, or None where it is none."""
        found = definition(self._arguments, command, text, end)
        if found is None:
            return None
        if found.environment:
            self._begins.pop(found.name, None)
            self._ends.pop(found.name, None)
            if found.macro is not None and found.ending is not None:
                self._begins[found.name], self._ends[found.name] = found.macro.body, found.ending
        elif found.name:
            self._known.pop(found.name, None)
            if macro := (found.macro and found.alias and self._known.get(found.alias)) or found.macro:
                self._known[found.name] = macro
        return found.end


def _ends_in_word(text: str) -> bool:
    return _ENDS_IN_WORD.search(text, max(0, len(text) - 40)) is not None


def _filled(body: str, values: list[str]) -> str:
    """A body with its arguments."""
    pieces: list[str] = []
    at = 0
    for found in PARAMETER.finditer(body):
        number = int(found[1])
        pieces.append(body[at : found.start()])
        value = values[number - 1] if 1 <= number <= len(values) else ""
        if value[:1].isalpha() and _ends_in_word(pieces[-1]):
            pieces.append(" ")
        pieces.append(value)
        at = found.end()
    pieces.append(body[at:])
    return "".join(pieces)


def _after_word(text: str, end: int, body: str) -> int:
    """Where a use of a macro without arguments ends: TeX takes the space after a word, and `{}` only ends it."""
    if text[end : end + 2] == "{}":
        return end + 2
    if text[end : end + 1] == " " and not body.endswith("\\xspace") and not _ends_in_word(body):
        return end + 1
    return end


def styles_named(text: str) -> list[str]:
    """The packages that a preamble asks for, in order."""
    named = [name.strip() for found in _PACKAGES.finditer(text) for name in found[1].split(",")]
    return list(dict.fromkeys(named))
