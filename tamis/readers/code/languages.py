"""The language of a file, by its name, its extension, its first line and, where these leave several, its content.

Names are linguist's, which The Stack and its users have. The table below settles what is common; of the 52 extensions
that several languages share, a few marks decide, as in linguist's own heuristics; what the table lacks is asked of
Pygments, and files without an extension of their first line, by `identify`'s list of interpreters.
"""

from __future__ import annotations

import re
from functools import cache

from tamis.readers.code.language_tables import (
    ABOVE,
    BY_CONTENT,
    BY_EXTENSION,
    BY_NAME,
    INTERPRETERS,
    KINDS,
    PYGMENTS,
)
from tamis.section import Kind

HEAD_CHARACTERS = 8_192
"""Of a text that are looked at where its name leaves several languages."""


MODE = re.compile(
    r"-\*-[ \t]*(?:.*?mode:[ \t]*)?(?P<emacs>[\w+#-]+)[ \t]*(?:;.*)?-\*-"
    r"|\b(?:vim|vi|ex):.*?\b(?:ft|filetype|syntax)=(?P<vim>\w+)"
)
CAPITALS = {".C": "C++", ".H": "C++", ".S": "Assembly"}
"""Extensions that mean another language than in small letters."""

OPENINGS = {"<?php": "PHP", "<?xml": "XML"}

SHEBANG = re.compile(r"#!\s*(?P<path>\S+)(?:[ \t]+(?:-S[ \t]+)?(?P<argument>\S+))?")


def language_of(path: str, text: str) -> str | None:
    """The language of a file; None where nothing says it.

    Args:
        path: of the file, with `/`; its last part counts.
        text: its text, or the first `HEAD_CHARACTERS` of it.
    """
    name = path.rpartition("/")[2]
    lowered = name.lower()
    if found := BY_NAME.get(lowered) or _by_extension(name, text):
        return found
    if lowered.startswith(("dockerfile.", "makefile.")):  # not `dockerfile.vim`
        return BY_NAME[lowered.partition(".")[0]]
    return _by_first_line(text) or _by_pygments(name, text)


def language_named(path: str) -> str | None:
    """The language that a name alone says, by the tables; None where it says none.

    Args:
        path: as for `language_of`.
    """
    name = path.rpartition("/")[2]
    return BY_NAME.get(name.lower()) or _by_extension(name, "")


def _by_extension(name: str, text: str) -> str | None:
    """The language that the extension of a name says, with the text where it has several."""
    stem, dot, extension = name.lower().rpartition(".")
    while extension in ABOVE and "." in stem:
        stem, dot, extension = stem.rpartition(".")
    if not dot:
        return None
    if name.endswith(tuple(CAPITALS)):
        return CAPITALS[name[-2:]]
    double = f"{stem.rpartition('.')[2]}.{extension}"
    if found := BY_EXTENSION.get(double) or BY_EXTENSION.get(extension):
        return found
    if extension not in BY_CONTENT:
        return None
    rules, otherwise = BY_CONTENT[extension]
    head = text[:HEAD_CHARACTERS]
    return next((rule.language for rule in rules if rule.marks(head)), otherwise)


def kind_of_language(language: str | None) -> Kind | None:
    """The kind of texts in a language; None where their lines decide."""
    if language is None or language == "Text":
        return None
    return KINDS.get(language, "code")


def _by_first_line(text: str) -> str | None:
    """The language that a shebang or an editor's mode line names."""
    head = text[:400]
    first = head.partition("\n")[0]
    if shebang := SHEBANG.match(first):
        called = shebang["path"].rpartition("/")[2]
        if called == "env" and shebang["argument"]:
            called = shebang["argument"]
        if found := _by_interpreter(called):
            return found
    if mode := MODE.search("\n".join(head.split("\n")[:2])):
        return _by_alias((mode["emacs"] or mode["vim"]).lower())
    return next((language for opening, language in OPENINGS.items() if first.startswith(opening)), None)


@cache
def _by_interpreter(called: str) -> str | None:
    from identify.identify import tags_from_interpreter

    return next((INTERPRETERS[tag] for tag in sorted(tags_from_interpreter(called)) if tag in INTERPRETERS), None)


@cache
def _by_alias(alias: str) -> str | None:
    from pygments.lexers import find_lexer_class_by_name
    from pygments.util import ClassNotFound

    if (spelled := BY_EXTENSION.get(alias)) is not None:
        return spelled
    try:
        name = str(find_lexer_class_by_name(alias).name)
    except ClassNotFound:
        return None
    return PYGMENTS.get(name, name)


@cache
def _patterns() -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Pygments' file names: extension → lexers, and the other patterns with theirs."""
    from pygments.lexers import get_all_lexers

    extensions: dict[str, list[str]] = {}
    others: list[tuple[str, str]] = []
    for name, _, patterns, _ in get_all_lexers(plugins=False):
        for pattern in patterns:
            if re.fullmatch(r"\*\.[^*?\[\]]+", pattern):
                extensions.setdefault(pattern[2:].lower(), []).append(name)
            else:
                others.append((pattern, name))
    return extensions, others


@cache
def _named_by_pygments(name: str) -> tuple[str, ...]:
    from fnmatch import fnmatchcase

    extensions, others = _patterns()
    extension = name.lower().rpartition(".")[2]
    found = [lexer for pattern, lexer in others if fnmatchcase(name, pattern)]
    return tuple(dict.fromkeys(found or (extensions.get(extension, []) if "." in name else [])))


def _by_pygments(name: str, text: str) -> str | None:
    """The language that Pygments gives a name, or, of several, the one whose lexer finds its own in the text."""
    # Of names with an extension only that counts, so that one look serves all of them.
    called = f"a.{name.rpartition('.')[2]}" if "." in name[1:] else name
    lexers = _named_by_pygments(called)
    if not lexers:
        return None
    best = lexers[0] if len(lexers) == 1 else max(lexers, key=lambda lexer: (_analysed(lexer, text), lexer))
    return PYGMENTS.get(best, best)


def _analysed(lexer: str, text: str) -> float:
    from pygments.lexers import find_lexer_class

    found = find_lexer_class(lexer)
    return 0.0 if found is None else float(found.analyse_text(text[:HEAD_CHARACTERS]))
