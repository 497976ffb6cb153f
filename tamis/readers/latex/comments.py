"""Comments of TeX taken out, and what is verbatim set aside, so that nothing that follows reads it as TeX."""

from __future__ import annotations

import re

OPEN, CLOSE = "\x02", "\x03"
"""Around the number of a piece that is set aside; the two characters are taken out of every source first."""

VERB = 1_000
"""Characters inside `\\verb`, at most."""

_VERBATIM = r"(?:[BL]?[Vv]erbatim|lstlisting|minted|alltt|Highlighting|CodeInput|CodeOutput|Sinput|Soutput)\*?"
_TOKEN = re.compile(
    rf"\\begin[ \t]*\{{(?P<verbatim>{_VERBATIM}|comment|filecontents\*?)\}}"
    r"|\\(?:verb|lstinline)\*?(?P<delimiter>[^A-Za-z\s{*\[%\\])"
    r"|\\(?:url|path|nolinkurl|href)[ \t]*\{[^{}\n]*\}"
    r"|\\[\s\S]"
    r"|(?P<comment>%[^\n]*\n?)"
)
_DROPPED = frozenset({"comment", "filecontents", "filecontents*"})
_SET_ASIDE = re.compile(f"{OPEN}(\\d+){CLOSE}")
_CONTROL_WORD_LAST = re.compile(r"\\[A-Za-z@]+\Z")
_CONDITIONAL = re.compile(r"\\(?:(if(?!thenelse|f\b)[A-Za-z@]*)|(fi)\b|(else)\b)")
_NEVER = re.compile(r"\\if(?:false\b|0(?!\d))")


class Aside:
    """Pieces of one paper that are no TeX, by number."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def put(self, piece: str) -> str:
        """What stands for a piece."""
        self._pieces.append(piece)
        return f"{OPEN}{len(self._pieces) - 1}{CLOSE}"

    def back(self, text: str) -> str:
        """A text with all pieces in their places."""
        return _SET_ASIDE.sub(lambda found: self._pieces[int(found[1])], text)


def without_comments(text: str, aside: Aside) -> str:
    r"""A source without its comments: `%` (not `\\%`), `comment` environments, `\\iffalse … \\fi`.

    Args:
        text: of one file, line ends are line feeds.
        aside: takes what is verbatim, and URLs.
    """
    text = text.replace(OPEN, "").replace(CLOSE, "")
    pieces: list[str] = []
    endless: set[str] = set()
    at = 0
    while found := _TOKEN.search(text, at):
        start, end = found.span()
        if (name := found["verbatim"]) and name not in endless:
            stop = text.find(f"\\end{{{name}}}", end)
            if stop < 0:
                endless.add(name)
            if stop >= 0:
                end = stop + len(name) + 6
                pieces += [text[at:start], "" if name in _DROPPED else aside.put(text[start:end])]
                at = end
                continue
        elif delimiter := found["delimiter"]:
            stop = text.find(delimiter, end, end + VERB)
            if stop >= 0 and "\n" not in text[end:stop]:
                end = stop + 1
                pieces += [text[at:start], aside.put(text[start:end])]
                at = end
                continue
        elif found["comment"]:
            line = text.rfind("\n", 0, start) + 1
            if not text[line:start].strip():
                # Nothing else stands on the line.
                pieces.append(text[at : max(line, at)])
            else:
                pieces += [text[at:start], "" if _joins(text, start, end) or end == len(text) else "\n"]
            at = end
            continue
        elif "%" in found[0] and len(found[0]) > 2:
            pieces += [text[at:start], aside.put(found[0])]
            at = end
            continue
        pieces.append(text[at:end])
        at = end
    pieces.append(text[at:])
    joined = "".join(pieces)
    return _without_never(joined) if _NEVER.search(joined) else joined


def _joins(text: str, start: int, end: int) -> bool:
    """Whether a comment stands inside a word, which goes on in the next line."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return before.isalpha() and after.isalpha() and not _CONTROL_WORD_LAST.search(text, max(0, start - 40), start)


def _without_never(text: str) -> str:
    r"""A text without what `\\iffalse` and `\\if0` hide; the other half, after `\\else`, stays."""
    pieces: list[str] = []
    at = hidden = shown = 0
    for found in _CONDITIONAL.finditer(text):
        opens, closes, turns = found[1] is not None, found[2] is not None, found[3] is not None
        if hidden:
            hidden += opens - closes
            if not hidden or (turns and hidden == 1):
                hidden, shown, at = 0, int(turns), found.end()
        elif shown:
            shown += opens - closes
            if not shown:
                pieces.append(text[at : found.start()])
                at = found.end()
        elif opens and _NEVER.match(text, found.start()):
            pieces.append(text[at : found.start()])
            hidden, at = 1, found.start()
    # What nothing closes hides nothing.
    return "".join(pieces) + text[at:]
