"""What of a paper's LaTeX is text: no preamble, no names of pictures, no commands of layout, references by choice.

What stays is LaTeX: headings, lists, tables, formulas, captions, citations. As in RedPajama's recipe for arXiv (and so
in Proof-Pile-2 and Dolma, which took it over), but for two things that it loses: what stands before the first section,
the abstract, and what follows the references, appendices.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tamis.readers.latex.accents import LETTERS, composed
from tamis.readers.latex.scanning import Arguments, argument, balanced_end

_BEGIN, _END = re.compile(r"\\begin[ \t]*\{document\}"), re.compile(r"\\end[ \t]*\{document\}")
_CONTROL = re.compile(r"\\([A-Za-z@]+)\*?")
_ENVIRONMENT = re.compile(r"\\begin[ \t]*\{([A-Za-z]+\*?)\}")
_LENGTH = re.compile(
    r"[ ]{0,9}(?:by\b)?[ ]{0,9}=?[ ]{0,9}[-+]?"
    r"(?:[\d.,]{1,20}[ ]{0,9}(?:true[ ]?)?(?:pt|mm|cm|in|ex|em|mu|sp|bp|pc|dd|cc)?|\\[A-Za-z]+)"
    r"(?:[ ]{0,9}(?:plus|minus)[ ]{0,9}[-+]?[\d.]{1,20}[ ]?(?:pt|mm|cm|in|ex|em|fil{1,3})?){0,2}"
)
_STRENGTH = re.compile(r"\[\d\]")
_EMPTY_LINES = re.compile(r"\n{3,}")

_PICTURES = "tikzpicture pgfpicture picture pspicture filecontents CCSXML comment asy feynmandiagram fmffile fmfgraph"
DROPPED_ENVIRONMENTS = frozenset(_PICTURES.split())
REFERENCES = frozenset({"thebibliography", "references", "chapthebibliography", "biblist", "bibdiv"})

_NOTHING = """maketitle tableofcontents listoffigures listoftables newpage clearpage cleardoublepage pagebreak
    nopagebreak linebreak nolinebreak smallskip medskip bigskip vfill vfil newblock printbibliography onecolumn
    onecolumngrid twocolumngrid frontmatter mainmatter backmatter balance raggedbottom sloppy fussy
    doublespacing singlespacing onehalfspacing linenumbers nolinenumbers makeatletter makeatother protect
    leavevmode widetext allowdisplaybreaks flushbottom IEEEpeerreviewmaketitle
    IEEEdisplaynontitleabstractindextext printindex makeindex phantomsection normalsize noindent xspace eject
    vfuzz hfuzz dotfill nobreak goodbreak filbreak allowbreak"""
_ONE = """includegraphics epsfig psfig epsfbox epsffile plotone figurenum vspace hspace addvspace
    bibliographystyle pagestyle thispagestyle pagenumbering hypersetup graphicspath usepackage RequirePackage
    index glossary nocite author affiliation affil address email thanks institute date altaffiliation
    altaffilmark ead orcid orcidlink authorrunning titlerunning correspondingauthor corref cortext fntext
    curraddr urladdr dedicatory received accepted published pacs preprint slugcomment shorttitle shortauthors
    shortauthor journal pubyear volume received tikzset pgfplotsset lstset lstdefinestyle captionsetup
    hyphenation addbibresource newcounter newlength newsavebox numberwithin theoremstyle usetikzlibrary setlist
    newcites IEEEoverridecommandlockouts acmConference acmYear acmDOI acmISBN copyrightyear setcopyright
    received renewcommand newcommand lhead rhead chead lfoot rfoot cfoot homepage pagecolor thesaurus offprints mail
    submitted revised geometry authornote authornotemark"""
_TWO = """plottwo altaffiltext setcounter addtocounter setlength addtolength settowidth markboth addcontentsline
    icmlauthor icmlaffiliation rule pdfbookmark titleformat titlespacing fancypagestyle counterwithin"""
_THREE = "definecolor"
ARGUMENTS = {
    **dict.fromkeys(_NOTHING.split(), 0),
    **dict.fromkeys(_ONE.split(), 1),
    **dict.fromkeys(_TWO.split(), 2),
    **dict.fromkeys(_THREE.split(), 3),
}
"""Commands that carry no text → how many arguments go with them."""

_LENGTHS_NAMES = """vskip hskip parskip parindent baselineskip textwidth textheight topmargin oddsidemargin
    evensidemargin hsize vsize voffset hoffset epsfxsize epsfysize tabcolsep columnwidth footskip headsep
    headheight topskip"""
LENGTHS = frozenset(_LENGTHS_NAMES.split())
"""Commands that a length follows."""


_NO_WORDS = """thanks footnote footnotemark inst altaffilmark vspace orcidlink today color textcolor href hypersetup
    label corref fnref cortext textsuperscript authorrefmark IEEEauthorrefmark footref orcid"""
NO_WORDS = frozenset(_NO_WORDS.split())
"""Commands whose argument says nothing in a title or a name."""

_LOGOS = {"TeX": "TeX", "LaTeX": "LaTeX", "LaTeXe": "LaTeX2e"}

INITIALS = frozenset({"IEEEPARstart", "lettrine"})
"""Commands that part the first letter of a text from its word."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a paper says of itself, as plain words.

    Attributes:
        title: None where there is none.
        authors: as one line.
        date: as written.
    """

    title: str | None
    authors: str | None
    date: str | None


def head_of(text: str) -> tuple[Head, str | None]:
    """Title, authors and date of a paper, and its title as TeX."""
    arguments = Arguments(len(text))
    found: dict[str, list[str]] = {"title": [], "author": [], "date": []}
    for one in re.finditer(r"\\(title|author|date)(?![A-Za-z])\*?", text):
        values = found[one[1]]
        if len(values) >= (200 if one[1] == "author" else 1):
            continue
        _, at = arguments.option(text, one.end())
        if text[at : at + 40].lstrip()[:1] == "{" and (got := arguments.argument(text, at)):
            values.append(got[0])
    title = found["title"][0].strip() if found["title"] else None
    authors = "; ".join(filter(None, map(plain_words, found["author"])))
    date = plain_words(found["date"][0]) if found["date"] else ""
    return Head(plain_words(title or "")[:500] or None, authors[:2_000] or None, date[:100] or None), title


def plain_words(value: str) -> str:
    """Words of a short piece of LaTeX on one line."""
    pieces: list[str] = []
    at = 0
    while found := _CONTROL.search(value, at):
        pieces.append(value[at : found.start()])
        at = found.end()
        if found[1] in NO_WORDS:
            got = argument(value, at) if value[at : at + 1] in "{[" else None
            at = got[1] if got else at
        elif found[1] in ("and", "And", "AND"):
            pieces.append("; ")
        elif found[1] in _LOGOS:
            pieces.append(_LOGOS[found[1]])
        elif found[1] in LETTERS:
            pieces.append(LETTERS[found[1]])
            at += value[at : at + 1] == " "
    pieces.append(value[at:])
    line = composed("".join(pieces)).replace("\\\\", " ").replace("~", " ")
    line = re.sub(r"\\([%&#$_{}])", r"\1", line)
    return " ".join(re.sub(r"[{}$\\]|\[[-.\d]+(?:pt|em|ex|mm|cm)\]", "", line).split()).replace(" ;", ";").strip(" ;,")


def body_of(text: str) -> str:
    """What stands between the beginning and the end of the document; all where it has none."""
    begin = _BEGIN.search(text)
    if begin is None:
        return text
    end = _END.search(text, begin.end())
    return text[begin.end() : end.start() if end else len(text)]


def cleaned(body: str, *, bibliography: bool) -> str:
    """The text of a body, as LaTeX.

    Args:
        body: without comments and macros.
        bibliography: whether references stay.
    """
    out: list[str] = []
    at = 0
    endless: set[str] = set()
    arguments = Arguments(len(body))
    while found := _CONTROL.search(body, at):
        name, start, end = found[1], found.start(), found.end()
        if start and body[start - 1] == "\\" and _is_escaped(body, start):
            out.append(body[at:end])
            at = end
            continue
        after: int | None = None
        if name == "begin":
            after = _environment_end(body, start, endless, bibliography=bibliography)
        elif name in LENGTHS:
            length = _LENGTH.match(body, end)
            after = length.end() if length else None
        elif name in INITIALS and (parts := _initial(arguments, body, end)) is not None:
            out.append(body[at:start] + parts[0])
            at = parts[1]
            continue
        elif name == "title" or (name == "bibliography" and not bibliography):
            after = _past(arguments, body, end, 1)
        elif name in ARGUMENTS:
            after = _past(arguments, body, end, ARGUMENTS[name])
        if after is None:
            out.append(body[at:end])
            at = end
        else:
            out.append(body[at:start])
            at = after
    out.append(body[at:])
    return spaced("".join(out))


def spaced(text: str) -> str:
    """A text without spaces at the ends of lines, with one empty line at most."""
    return _EMPTY_LINES.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip("\n")


def _is_escaped(text: str, start: int) -> bool:
    """Whether a backslash is the second of a line break."""
    count = 0
    while start > count and text[start - 1 - count] == "\\":
        count += 1
    return count % 2 == 1


def _environment_end(body: str, start: int, endless: set[str], *, bibliography: bool) -> int | None:
    """Where an environment ends that is dropped; None for others."""
    found = _ENVIRONMENT.match(body, start)
    if not found or found[1] in endless:
        return None
    name = found[1]
    if name not in DROPPED_ENVIRONMENTS and (bibliography or name not in REFERENCES):
        return None
    end = balanced_end(body, name, found.end())
    if end is None:
        endless.add(name)
    return end


def _initial(arguments: Arguments, text: str, at: int) -> tuple[str, int] | None:
    """A word whose first letter is set apart, and where it ends."""
    first = arguments.argument(text, arguments.option(text, at)[1])
    rest = arguments.argument(text, first[1]) if first and text[first[1] : first[1] + 1] == "{" else None
    return (first[0] + rest[0], rest[1]) if first and rest else None


def _past(arguments: Arguments, text: str, at: int, count: int) -> int | None:
    """Past the options and arguments of a command; None where they are not there."""
    if not count:
        return at + 3 if _STRENGTH.match(text, at) else at
    at = arguments.option(text, at)[1]
    for _ in range(count):
        at = arguments.option(text, at)[1]
        if text[at : at + 80].lstrip()[:1] not in ("{", "\\"):
            return None
        got = arguments.argument(text, at)
        if got is None:
            return None
        at = arguments.option(text, got[1])[1] if count > 1 else got[1]
    return at
