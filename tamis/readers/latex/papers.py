"""The files of a paper: which is the main one, and what it includes, joined.

Names are names: `../../etc/passwd` is looked for among the paper's own files and nowhere else.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tamis.readers.latex.comments import Aside, without_comments
from tamis.readers.values import invalid_utf8, unix_lines
from tamis.readers.written_encodings import ENCODINGS

SOURCES = (".tex", ".ltx", ".latex")
"""Endings of what may be a main file."""

BESIDE = (".sty", ".bbl")
"""Endings of what a main file may take besides."""

DEPTH = 30
"""Files that include each other, at most."""

INCLUSIONS = 10_000
MISSING = 100
"""Files that a paper does not bring, of which more are not named."""

README = re.compile(r"00README(?:\.(?:XXX|txt|json|ya?ml))?", re.IGNORECASE)

_CLASS = re.compile(
    rb"^[^%\n]*?\\document(?:class|style)\s{0,9}(?:\[[^\]]{0,2000}\])?\s{0,9}\{\s{0,9}([^{}\s]{0,100})", re.MULTILINE
)
_BEGINS = re.compile(rb"^[^%\n]*?\\begin\s{0,9}\{document\}", re.MULTILINE)
_PLAIN = re.compile(
    rb"^[^%\n]*?(?:\\bye\b|\\end\s{0,9}\Z|\\magnification\b|\\input\s{0,9}\{?(?:amstex|harvmac|lanlmac|phyzzx|jytex|eplain)\b)",
    re.MULTILINE,
)
_NO_PAPERS = frozenset({b"standalone", b"subfiles", b"minimal"})
"""Classes of files that are a picture, or a part of another."""

_USUAL = ("main", "ms", "paper", "article", "manuscript", "root", "00", "arxiv")

_INCLUDE = re.compile(
    r"\\(?:input|include|subfile|subfileinclude|InputIfFileExists)\s{0,9}\{([^{}\n]{1,300})\}"
    r'|\\input[ \t]{1,9}"?([^\s\\{}%$"]{1,300})"?'
    r"|\\(?:sub)?(?:import|inputfrom|includefrom)\*?\s{0,9}\{([^{}\n]{0,300})\}\s{0,9}\{([^{}\n]{1,300})\}"
    r"|\\(endinput)\b"
    r"|(\\bibliography)\s{0,9}\{[^{}]{0,2000}\}"
)
_DISTRIBUTED_NAMES = """amstex amssym amssym.def amssym.tex mssymb epsf epsfx psfig eplain harvmac lanlmac phyzzx jytex
    tcilatex xy xypic pictex prepictex postpictex pstricks pst-node graphicx color colordvi rotate diagrams miniltx tikz
    insbox amsppt texdraw glyphtounicode supp-pdf supp-mis babel pgf catchfile ifpdf fontmath cyracc"""
_DISTRIBUTED = frozenset(_DISTRIBUTED_NAMES.split())
"""What TeX's distributions have and papers do not bring."""

_NO_TEXT = (
    ".sty",
    ".cls",
    ".def",
    ".cfg",
    ".clo",
    ".fd",
    ".pgf",
    ".tikz",
    ".pstex_t",
    ".pdf_t",
    ".pdf_tex",
    ".eps_tex",
)
_ENCODING = re.compile(
    rb"\\usepackage\s{0,9}\[([A-Za-z0-9_, -]{1,99})\]\s{0,9}\{inputenc\}"
    rb"|\\inputencoding\s{0,9}\{([A-Za-z0-9_-]{1,40})\}"
)
_NAMED = {
    "ansinew": "cp1252",
    "applemac": "mac-roman",
    "macce": "mac-latin2",
    **{f"latin{number}": f"iso-8859-{number}" for number in (1, 2, 3, 4)},
    "latin5": "iso-8859-9",
    "latin9": "iso-8859-15",
    "latin10": "iso-8859-16",
    "koi8-ru": "koi8-u",
    "utf8x": "utf-8",
    "cp437de": "cp437",
    "decmulti": "latin-1",
}
"""Encodings as `inputenc` names them, where Python has another name."""


class Paper:
    """The files of a paper, by name; decoded and without comments, each once."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.aside = Aside()
        self.guessed: set[str] = set()
        """Encodings that no file names."""
        self._texts: dict[str, str] = {}

    def text(self, name: str, declared: str | None = None) -> str:
        """A file without its comments."""
        if name not in self._texts:
            self._texts[name] = without_comments(self._decoded(self.files[name], declared), self.aside)
        return self._texts[name]

    def _decoded(self, data: bytes, declared: str | None) -> str:
        """Text in UTF-8 where it is that, else in what the file or its main file says, else in what its bytes show."""
        if invalid_utf8(data) is None:
            return unix_lines(data.decode().removeprefix("\ufeff"))
        for name in (encoding_of(data), declared):
            if name is not None:
                try:
                    return unix_lines(data.decode(name))
                except UnicodeDecodeError:
                    continue
        from resiliparse.parse.encoding import bytes_to_str, detect_encoding

        found = detect_encoding(data) or "windows-1252"
        self.guessed.add(found)
        return unix_lines(str(bytes_to_str(data, found)))


def encoding_of(data: bytes) -> str | None:
    """The encoding that a source says it has; None where it says none, or one that nobody knows."""
    found = _ENCODING.search(data[:100_000])
    if not found:
        return None
    name = (found[1] or found[2]).split(b",")[-1].strip().decode().lower()
    name = _NAMED.get(name, name)
    return name if name in ENCODINGS or name in _NAMED.values() else None


def mains(files: Mapping[str, bytes]) -> list[str]:
    """The main files of a paper, the first of them its own; empty where there is none.

    As arXiv does: what a 00README names; else each file of a document class that no other includes; else one that
    begins a document; else one of plain TeX.
    """
    sources = [name for name in sorted(files) if name.lower().endswith(SOURCES)]
    named, ignored = _readme(files)
    if named := [name for name in named if name in files]:
        return named
    sources = [name for name in sources if name not in ignored]
    classes = {name: found[1] for name in sources if (found := _CLASS.search(files[name]))}
    candidates = [name for name in sources if name in classes and classes[name] not in _NO_PAPERS]
    candidates = candidates or list(classes)
    for pattern in (_BEGINS, _PLAIN):
        candidates = candidates or [name for name in sources if pattern.search(files[name])]
    if len(candidates) > 1:
        included = {found for name in sources for found in _names_in(files[name], name, files)}
        candidates = [name for name in candidates if name not in included] or candidates
    if not candidates and len(sources) == 1 and b"\\" in files[sources[0]]:
        candidates = sources
    return sorted(candidates, key=lambda name: (name.count("/"), _usual(name), -len(files[name]), name))


def _usual(name: str) -> int:
    stem = posixpath.basename(name).lower().rpartition(".")[0]
    return next((place for place, word in enumerate(_USUAL) if stem.startswith(word)), len(_USUAL))


def _readme(files: Mapping[str, bytes]) -> tuple[list[str], set[str]]:
    """The main files that arXiv's 00README names, and the files that it says to ignore."""
    uses: list[tuple[str, str]] = []
    for name in sorted(files):
        if not README.fullmatch(name):
            continue
        text = files[name][:50_000].decode("utf-8", "replace")
        if name.lower().endswith(("json", "yaml", "yml")):
            uses += _structured(text)
        else:
            uses += [(words[0], words[1].lower()) for line in text.splitlines() if len(words := line.split()) > 1]
    named = [name for name, use in uses if use in ("toplevelfile", "toplevel")]
    return named, {name for name, use in uses if use == "ignore"}


def _structured(text: str) -> list[tuple[str, str]]:
    import yaml

    try:
        value = json.loads(text) if text.lstrip()[:1] == "{" else yaml.safe_load(text)
        pairs = [(one["filename"], one.get("usage")) for one in value["sources"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, yaml.YAMLError):
        return []
    # Only strings: a short file of aliases may stand for a text without end.
    return [(name, use) for name, use in pairs if isinstance(name, str) and isinstance(use, str)]


def _names_in(data: bytes, name: str, files: Mapping[str, bytes]) -> set[str]:
    text = re.sub(r"(?<!\\)%[^\n]*", "", data.decode("latin-1"))
    return {
        file
        for found in _INCLUDE.finditer(text)
        if (asked := _asked(found)) and (file := _found(asked, (posixpath.dirname(name), ""), files)) and file != name
    }


def _asked(found: re.Match[str]) -> tuple[str, str] | None:
    """The folder and the file that an inclusion names."""
    if found[4] is not None:
        return found[3].strip().strip("/"), found[4].strip()
    name = found[1] if found[1] is not None else found[2]
    return None if name is None else ("", name.strip().strip('"'))


def _found(asked: tuple[str, str], folders: tuple[str, ...], files: Mapping[str, bytes]) -> str | None:
    for folder in dict.fromkeys(folders):
        path = posixpath.normpath(posixpath.join("/", folder, asked[0], asked[1]))[1:]
        for one in (path, *(path + ending for ending in SOURCES)):
            if one in files:
                return one
    return None


@dataclass(slots=True)
class Joined:
    """A main file with all that it includes.

    Attributes:
        text: without comments.
        used: names of the files in it, in order.
        missing: what is included and not there, as it is named.
        loops: files that include themselves.
        too_large: whether it is longer than allowed, and so not whole.
    """

    text: str = ""
    used: dict[str, None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)
    loops: dict[str, None] = field(default_factory=dict)
    too_large: bool = False


def joined(paper: Paper, main: str, limit: int, *, bibliography: bool) -> Joined:
    r"""Join a main file with what it includes.

    Args:
        paper: the files.
        main: name of one.
        limit: characters of the whole, at most.
        bibliography: whether the file of references takes the place of `\bibliography`.
    """
    joining = _Joining(paper, main, limit, bibliography=bibliography)
    joining.take(main, posixpath.dirname(main), ())
    joining.found.text = "".join(joining.pieces)
    return joining.found


class _Joining:
    """A main file and what has been joined to it so far."""

    def __init__(self, paper: Paper, main: str, limit: int, *, bibliography: bool) -> None:
        self.found = Joined()
        self.pieces: list[str] = []
        self._paper, self._files, self._left = paper, paper.files, limit
        self._declared, self._home = encoding_of(paper.files[main]), posixpath.dirname(main)
        self._references = f"{main.rpartition('.')[0]}.bbl" if bibliography else None
        self._inclusions = 0

    def _add(self, piece: str) -> None:
        self._left -= len(piece)
        if self._left < 0:
            self.found.too_large = True
        else:
            self.pieces.append(piece)

    def take(self, name: str, folder: str, above: tuple[str, ...]) -> None:
        """Add a file, with what it includes.

        Args:
            name: of the file.
            folder: in which it looks for others first.
            above: the files that include it.
        """
        self._inclusions += 1
        self.found.used[name] = None
        text = self._paper.text(name, self._declared)
        if above:
            text = _part(text)
        at = 0
        for one in _INCLUDE.finditer(text):
            if self.found.too_large:
                return
            self._add(text[at : one.start()])
            at = one.end()
            if one[5]:  # \endinput
                return
            if one[6] is None:
                self._include(_asked(one), name, folder, above)
            elif self._references in self._files:
                self._add(self._paper.text(str(self._references), self._declared))
        self._add(text[at:])

    def _include(self, asked: tuple[str, str] | None, name: str, folder: str, above: tuple[str, ...]) -> None:
        if asked is None:
            return
        inner = _found(asked, (folder, self._home, ""), self._files)
        if inner is None:
            _miss(asked, self.found)
        elif inner in above or inner == name:
            self.found.loops[inner] = None
        elif len(above) < DEPTH and self._inclusions < INCLUSIONS:
            self.take(inner, posixpath.join(folder, asked[0]) if asked[0] else folder, (*above, name))


def _miss(asked: tuple[str, str], found: Joined) -> None:
    if len(found.missing) >= MISSING or "\\" in asked[1]:
        return
    name = posixpath.basename(asked[1])
    if name.removesuffix(".tex") not in _DISTRIBUTED and "#" not in name and not name.lower().endswith(_NO_TEXT):
        found.missing[posixpath.join(*asked)] = None


def _part(text: str) -> str:
    """What an included file adds: of one that is a document of its own, its body."""
    start = text.find("\\begin{document}")
    if start < 0 or not re.search(r"\\document(?:class|style)", text[:start]):
        return text
    end = text.rfind("\\end{document}")
    return text[start + 16 : end if end > start else len(text)]
