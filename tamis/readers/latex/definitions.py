r"""Definitions of macros in TeX: what each defines, and where it ends.

Known are `\newcommand` and its relatives, `\def` without delimiters, `\let`, `\DeclareMathOperator`, `\newenvironment`
without arguments and `\NewDocumentCommand` with mandatory ones. What is not simple is a definition all the same, of no
macro: those that program (conditions, `@` names, counters), and those that give another meaning to a name of LaTeX's
structure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tamis.readers.latex.scanning import Arguments, skip_space

BODY = 4_000
"""Characters of a macro's body, at most."""

CONTROL = re.compile(r"\\(?:[A-Za-z@]+|[^A-Za-z@])", re.DOTALL)
PARAMETER = re.compile(r"#(\d)")
ENVIRONMENT = re.compile(r"\s{0,9}\{\s{0,9}([A-Za-z@]+\*?)\s{0,9}\}")
_NAME = re.compile(r"\s{0,9}\{?\s{0,9}\\([A-Za-z@]+)\s{0,9}\}?")
_NAME_ONLY = re.compile(r"\s{0,9}\\([A-Za-z@]+)")
_ALIAS = re.compile(r"\s{0,9}\\([A-Za-z@]+)\s{0,9}=?\s{0,9}(\\[A-Za-z@]+|\\?[^\\\s])")
_PARAMETERS = re.compile(r"[ \t]*((?:#\d[ \t]*)*)(?=\{)")
_PROGRAMS = re.compile(
    r"@|##|\\(?:if[A-Za-z]*|else|fi|or|csname|expandafter|futurelet|let|[gex]?def|(?:re)?newcommand|newenvironment"
    r"|catcode|the|write|openout|read|advance|multiply|divide|setcounter|addtocounter|stepcounter|refstepcounter"
    r"|setlength|addtolength|global|afterassignment|aftergroup|begingroup|endgroup|loop|repeat|count|dimen|toks"
    r"|everypar|output|shipout|input|include|usepackage|documentclass|document|enddocument)(?![A-Za-z])"
)
_COMMANDS = frozenset({"newcommand", "renewcommand", "providecommand", "DeclareRobustCommand", "newrobustcmd"})
_DEFS = frozenset({"def", "gdef", "edef", "xdef"})
_DOCUMENT_COMMANDS = frozenset(
    {"NewDocumentCommand", "RenewDocumentCommand", "ProvideDocumentCommand", "DeclareDocumentCommand"}
)
_ENVIRONMENTS = frozenset({"newenvironment", "renewenvironment"})
_PREFIXES = frozenset({"long", "global", "outer", "protected"})
DEFINING = (
    _COMMANDS | _DEFS | _DOCUMENT_COMMANDS | _ENVIRONMENTS | {"let", "DeclareMathOperator", "newtheorem"} | _PREFIXES
)

_STRUCTURE = """begin end item caption label ref eqref pageref cite citep citet citeauthor citeyear footnote
    footnotetext title author date maketitle section subsection subsubsection paragraph subparagraph chapter part
    appendix input include subfile import document documentclass documentstyle usepackage bibliography bibitem
    bibliographystyle par includegraphics left right frac sqrt sum int prod mathrm mathbf mathit text textbf textit
    emph url href verb abstract keywords hline cline multicolumn multirow over atop hskip vskip hbox mbox and"""
STRUCTURE = frozenset(_STRUCTURE.split())
"""Names that keep their meaning, whatever a paper makes of them."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro.

    Attributes:
        body: with `#1` … for its arguments.
        arguments: how many it takes.
        default: of the first where that is optional, else None.
    """

    body: str
    arguments: int = 0
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """What a definition says.

    Attributes:
        end: where it ends.
        name: what it defines, without a backslash.
        macro: what a command becomes; None: nothing simple.
        ending: of an environment, what its end becomes; None for commands and where that is nothing simple.
        alias: the command that it is another name of.
        environment: whether it defines one.
    """

    end: int
    name: str = ""
    macro: Macro | None = None
    ending: str | None = None
    alias: str | None = None
    environment: bool = False


def definition(arguments: Arguments, command: str, text: str, end: int) -> Definition | None:
    """The definition that a command makes; None where it is none.

    Args:
        arguments: of the text.
        command: one of `DEFINING`.
        text: where it stands.
        end: past the command.
    """
    if command in _PREFIXES:
        found = CONTROL.match(text, skip_space(text, end))
        if found is None or found[0][1:] not in DEFINING - _PREFIXES:
            return None
        command, end = found[0][1:], found.end()
    starred = text[end : end + 1] == "*"
    if command in _DEFS:
        return _def(arguments, command, text, end)
    if command == "let":
        return _let(text, end)
    if command in _ENVIRONMENTS:
        return _environment(arguments, text, end + starred)
    if command == "newtheorem":
        return _theorem(arguments, text, end + starred)
    return _command(arguments, command, text, end + starred, starred=starred)


def _command(arguments: Arguments, command: str, text: str, end: int, *, starred: bool) -> Definition | None:
    named = _NAME.match(text, end)
    if not named:
        return None
    count: int | None = 0
    default, at = None, named.end()
    if command in _DOCUMENT_COMMANDS:
        wanted = arguments.argument(text, at)
        if wanted is None:
            return None
        kinds = wanted[0].split()
        count, at = (len(kinds) if set(kinds) <= {"m"} else None), wanted[1]
    elif command in _COMMANDS:
        number, at = arguments.option(text, at)
        if number is not None:
            count = int(number) if re.fullmatch(r"\s*\d\s*", number, re.ASCII) else None
            default, at = arguments.option(text, at)
    got = arguments.argument(text, at)
    if got is None:
        return None
    body = got[0]
    if command == "DeclareMathOperator":
        body = f"\\operatorname{'*' * starred}{{{body}}}"
    return Definition(got[1], named[1], _simple(named[1], body, count, default))


def _def(arguments: Arguments, command: str, text: str, end: int) -> Definition | None:
    named = _NAME_ONLY.match(text, end)
    if not named:
        return None
    parameters = _PARAMETERS.match(text, named.end())
    at = parameters.end() if parameters else text.find("{", named.end(), named.end() + 200)
    got = arguments.argument(text, at) if at >= 0 else None
    if got is None:
        return None
    simple = parameters is not None and command in ("def", "gdef")
    count = len(PARAMETER.findall(parameters[1])) if parameters is not None and simple else None
    return Definition(got[1], named[1], _simple(named[1], got[0], count, None))


def _let(text: str, end: int) -> Definition | None:
    found = _ALIAS.match(text, end)
    if not found:
        return None
    return Definition(found.end(), found[1], _simple(found[1], found[2], 0, None), alias=found[2].removeprefix("\\"))


def _environment(arguments: Arguments, text: str, end: int) -> Definition | None:
    found = ENVIRONMENT.match(text, end)
    if not found:
        return None
    number, at = arguments.option(text, found.end())
    at = arguments.option(text, at)[1]
    first = arguments.argument(text, at)
    second = arguments.argument(text, first[1]) if first else None
    if first is None or second is None:
        return None
    opening = _simple(found[1], first[0], 0 if number is None else None, None)
    closing = _simple(found[1], second[0], 0, None)
    whole = opening is not None and closing is not None
    return Definition(
        second[1], found[1], opening if whole else None, second[0] if whole else None, environment=True
    )  # fmt: skip


def _theorem(arguments: Arguments, text: str, end: int) -> Definition | None:
    found = ENVIRONMENT.match(text, end)
    if not found:
        return None
    got = arguments.argument(text, arguments.option(text, found.end())[1])
    return None if got is None else Definition(arguments.option(text, got[1])[1])


def _simple(name: str, body: str, count: int | None, default: str | None) -> Macro | None:
    """A macro that can be expanded, or None."""
    if count is None or name in STRUCTURE or "@" in name or len(body) > BODY or _PROGRAMS.search(body):
        return None
    itself = re.search(rf"\\{re.escape(name)}(?![A-Za-z@])", body)
    return None if itself else Macro(body, count, default)
