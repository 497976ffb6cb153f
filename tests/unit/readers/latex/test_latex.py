"""Papers in LaTeX: what a paper says, from the ways in which arXiv and people keep their sources."""

from __future__ import annotations

import gzip
import io
import itertools
import tarfile
from pathlib import Path

import pytest

from tamis.errors import SourceError
from tamis.readers import Passed, Record, Skip
from tamis.readers.latex.arxiv import paper_named
from tamis.readers.latex.cleaning import cleaned
from tamis.readers.latex.comments import Aside, without_comments
from tamis.readers.latex.macros import Macros
from tamis.readers.latex.source import LatexSource

MAIN = r"""% a comment
\documentclass[11pt]{article}
\usepackage[latin1]{inputenc}
\usepackage{ours}
\newcommand{\R}{\mathbb{R}}   % reals
\newcommand{\norm}[2][2]{\left\|#2\right\|_{#1}}
\def\be{\begin{equation}}\def\ee{\end{equation}}
\DeclareMathOperator*{\argmax}{arg\,max}
\newtheorem{thm}{Theorem}
\title{On Caf\'es\thanks{Money} of $n$ tables}
\author{A. Poincar{\'e} \and B. M\"uller}
\date{May 1905}
\begin{document}
\maketitle
\begin{abstract}We prove it.\end{abstract}
\input{parts/one}
\include{parts/two}
\input{gone}\input{epsf}
\begin{figure}\centering\includegraphics[width=3cm]{x.eps}\caption{A picture of 5\% of all.}\end{figure}
\begin{tikzpicture}\draw (0,0);\end{tikzpicture}
\begin{thebibliography}{9}\bibitem{a} Someone, Something.\end{thebibliography}
\end{document}
Nobody reads this.
"""
ONE = "\\section{First}\nna\xefve $x\\in\\R^n$, \\norm{y} and \\norm[1]{z}. % not this\n\n\\be a=\\argmax b \\ee \\half\n".encode(
    "latin-1"
)
TWO = b"\\section{Second}\n\\begin{verbatim}\n% stays, \\R too\n\\end{verbatim}\n\\input{main}\\verb|%| end.\n"
STYLE = b"\\ProvidesPackage{ours}\\newcommand{\\half}{\\ensuremath{\\frac12}}"
TEXT = r"""\title{On Caf\'es\thanks{Money} of $n$ tables}

\begin{abstract}We prove it.\end{abstract}
\section{First}
naïve $x\in\mathbb{R}^n$, \left\|y\right\|_{2} and \left\|z\right\|_{1}.

\begin{equation}a=\operatorname*{arg\,max} b \end{equation}\ensuremath{\frac12}

\section{Second}
\begin{verbatim}
% stays, \R too
\end{verbatim}
\verb|%| end.

\begin{figure}\centering\caption{A picture of 5\% of all.}\end{figure}
"""
FILES = {"main.tex": MAIN.encode(), "parts/one.tex": ONE, "parts/two.tex": TWO, "ours.sty": STYLE, "x.eps": b"%!PS"}


def tarred(files: dict[str, bytes], top: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(top + name)
            info.size, info.mtime = len(data), 1_000_000_000
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def read(path: Path, *, paths: str | None = None, **more: object) -> list[Record | Skip | Passed]:
    source = LatexSource.model_validate({"name": "p", "paths": [paths or str(path)], **more})
    return [item for file in source.input_files() for item in source.read(file)]


def told(items: list[Record | Skip | Passed]) -> list[object]:
    return [
        item.text if isinstance(item, Record) else (item.reason, item.detail) if isinstance(item, Skip) else item.what
        for item in items
    ]


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_a_paper_is_one_text_however_its_files_are_kept(tmp_path: Path) -> None:
    packed = tmp_path / "hep-th9901001v2.tar.gz"
    packed.write_bytes(gzip.compress(tarred(FILES, "../paper/")))
    missing, loop, record = read(packed)
    assert isinstance(missing, Skip)
    assert isinstance(loop, Skip)
    assert isinstance(record, Record)
    assert (missing.reason, loop.reason) == ("missing_include", "include_loop")
    assert "gone" in missing.detail
    assert record.text.split("\n\n") == TEXT.strip("\n").split("\n\n") or squeezed(record.text) == squeezed(TEXT)
    assert (record.url, record.date.isoformat()) == (
        "https://arxiv.org/abs/hep-th/9901001",
        "1999-01-01T00:00:00+00:00",
    )
    assert record.metadata == {
        "path": "hep-th9901001v2.tar.gz/main.tex",
        "title": "On Cafés of n tables",
        "authors": "A. Poincaré; B. Müller",
        "written": "May 1905",
        "arxiv_id": "hep-th/9901001",
        "arxiv_version": "v2",
        "files": 3,
        "missing": ["gone"],
        "macros_expanded": 7,
    }
    folder = tmp_path / "many" / "2101.00001"
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    again = read(folder, paths=str(tmp_path / "many"))
    assert [item.text for item in again if isinstance(item, Record)] == [record.text]
    assert [item.what for item in again if isinstance(item, Passed)] == ["included", "included"]
    source = LatexSource(name="p", paths=(str(tmp_path / "many"),))
    assert folder / "ours.sty" in source.governing([folder / "main.tex"])
    kept = read(packed, bibliography="keep", expand_macros=False)[-1]
    assert isinstance(kept, Record)
    assert "Someone" in kept.text
    assert "\\norm[1]{z}" in kept.text


def test_an_archive_of_many_papers(tmp_path: Path) -> None:
    paper = b"\\documentclass{article}\\begin{document}Paper %s.\\end{document}"
    bulk = {
        "0001/0001.0001.gz": gzip.compress(paper % b"one"),
        "0001/0001.0002.gz": gzip.compress(
            tarred({"a.tex": paper % b"two, of many words", "supp.tex": paper % b"two and a half"})
        ),
        "0001/0001.0003.pdf": b"%PDF-1.4\n",
        "0001/0001.0004.gz": gzip.compress(b"%auto-ignore\nWithdrawn."),
        "0001/0001.0005.gz": gzip.compress(paper * 20)[:-20],
        "0001/0001.0006.gz": gzip.compress(b"%!PS-Adobe-2.0 \n"),
        "0001/0001.0007.gz": gzip.compress(b"\\magnification=1200 Plain \\TeX. \\bye"),
        "0001/0001.0008.gz": gzip.compress(tarred({"fig.eps": b"%!PS"})),
        "0001/0001.0009.gz": gzip.compress(bytes(3_000_000)),
        "0001/0001.0010.gz": b"",
    }
    path = tmp_path / "arXiv_src_0001_001.tar"
    path.write_bytes(tarred(bulk))
    items = read(path, max_document_bytes=1_000_000)
    assert [item.text for item in items if isinstance(item, Record)] == [
        "Paper one.", "Paper two, of many words.", "Paper two and a half.", "\\magnification=1200 Plain \\TeX. \\bye",
    ]  # fmt: skip
    assert [(item.record, item.reason) for item in items if isinstance(item, Skip)] == [
        (3, "no_tex_pdf"), (4, "withdrawn"), (5, "damaged"), (6, "no_tex_postscript"), (8, "no_main_file"),
        (9, "too_large"), (10, "no_main_file"),
    ]  # fmt: skip
    assert [item.url for item in items if isinstance(item, Record)][1:3] == [
        "https://arxiv.org/abs/0001.0002", "https://arxiv.org/abs/0001.0002#supp.tex",
    ]  # fmt: skip
    path.write_bytes(path.read_bytes()[:3_000])
    with pytest.raises(SourceError, match="not a whole"):
        read(path)
    (tmp_path / "pictures.tar").write_bytes(tarred({"a.png": b"\x89PNG"}))
    with pytest.raises(SourceError, match="holds no file of TeX"):
        read(tmp_path / "pictures.tar")


def test_which_file_is_the_main_one(tmp_path: Path) -> None:
    document = b"\\documentclass{article}\\begin{document}%s\\end{document}"
    files = {
        "b.tex": document % b"B \\input{c}",
        "c.tex": document % b"C",
        "figure.tex": document.replace(b"article", b"standalone") % b"F",
        "notes.tex": b"Notes.",
    }
    (tmp_path / "a.tar").write_bytes(tarred(files))
    assert told(read(tmp_path / "a.tar")) == [
        "B C",
        ("not_included", "a.tar: figure.tex: no main file includes it"),
        ("not_included", "a.tar: notes.tex: no main file includes it"),
    ]
    for name, text in {
        "00README.XXX": "c.tex toplevelfile\nb.tex ignore\n",
        "00README.json": '{"sources": [{"filename": "c.tex", "usage": "toplevel"}]}',
    }.items():
        (tmp_path / "b.tar").write_bytes(tarred(files | {name: text.encode()}))
        assert told(read(tmp_path / "b.tar"))[0] == "C"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a % b\nc", "a \nc"),
        ("50\\% of\\\\% b\nc", "50\\% of\\\\\nc"),
        ("a\n  % whole line\nb", "a\nb"),
        ("a % b\n\nc", "a \n\nc"),
        ("com%\nment \\alpha%\nx", "comment \\alpha\nx"),
        ("\\url{http://a.b/c%20d}% x", "\\url{http://a.b/c%20d}"),
        ("\\verb+%+ a\\begin{comment}x\\end{comment}b", "\\verb+%+ ab"),
        ("a\\iffalse b \\ifx c\\fi d\\else e\\fi f\\iff g", "a e f\\iff g"),
        ("a \\iffalse never closed", "a \\iffalse never closed"),
    ],
)
def test_comments(source: str, expected: str) -> None:
    aside = Aside()
    assert aside.back(without_comments(source, aside)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\newcommand{\a}{A}\a b \a{} c \a\b", r"Ab A c A\b"),
        (r"\def\v#1{\vec#1}\v x \v{yz}", r"\vec x \vec yz"),
        (r"\def\L{L}\cal\L", r"\cal L"),
        (r"\newcommand{\e}{\epsilon}\e x", r"\epsilon x"),
        (r"\newcommand{\o}[1]{(#1)}\newcommand{\p}{\o}\p{x} y", r"(x) y"),
        (r"\let\eps\varepsilon $\eps$", r" $\varepsilon$"),
        (r"\newcommand{\mycond}[1]{\ifx#1\relax\fi}\mycond{x}", r"\mycond{x}"),
        (r"\renewcommand{\section}[1]{#1}\section{x}", r"\section{x}"),
        (r"\newcommand{\etal}{et al.\xspace}\etal said", r"et al. said"),
        (r"\newenvironment{pf}{\textit{Proof.}}{$\square$}\begin{pf}x\end{pf}", r"\textit{Proof.}x$\square$"),
        (r"\def\a{\b}\def\b{\a}\a \a", r"\a \a"),
        (r"\newcommand{\x}{1}\x\renewcommand{\x}{2}\x", "12"),
        ("\\def\\broken#1{a\n\\broken{b", "\\def\\broken#1{a\n\\broken{b"),
    ],
)
def test_macros(source: str, expected: str) -> None:
    assert Macros().expand(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\newpage [kept] \linebreak[4]x", " [kept] x"),
        (r"\setlength\parindent{0pt}a\vskip 2pt plus 1pt b", "a b"),
        (r"\IEEEPARstart{T}{his} is", "This is"),
        (r"a\\author{b} \author[1]{A {B}}c", r"a\\author{b} c"),
        (r"{\textsf{x}\xspace} y", r"{\textsf{x}} y"),
        ("a  \n\n\n\nb", "a\n\nb"),
    ],
)
def test_what_carries_no_text(source: str, expected: str) -> None:
    assert cleaned(source, bibliography=False) == expected


def test_macros_that_explode_stay_as_they_are() -> None:
    names = "abcdefghijklmnopqrst"
    pairs = itertools.pairwise(names)
    bomb = "\\def\\a{aaaaaaaaaa}" + "".join("\\def\\{}{{{}}}".format(one, f"\\{last}" * 10) for last, one in pairs)
    macros = Macros()
    assert macros.expand(f"{bomb}\\t") == "\\t"
    assert macros.stopped
    many = "\\def\\a#1{#1}" + "\\a{" * 4_000
    assert Macros().expand(many).endswith("\\a{")


def test_hostile_sources_end(tmp_path: Path) -> None:
    head = b"\\documentclass{article}\\begin{document}"
    for data in (
        head + b"\\begin{tikzpicture}" * 4_000,
        head + b"\\newcommand{" * 4_000,
        head + b"\\title{" * 4_000,
        head + b"{" * 60_000,
        head + b"%" * 60_000,
        head + b"\\iffalse" * 4_000,
        head + b"\\verb|" * 4_000,
        head + b"\\begin{verbatim}" * 4_000,
        b"\\documentclass[" * 4_000,
        b"\\usepackage[" * 4_000 + head,
        head + b"\\vskip 1" * 4_000,
        head + b"\\let\\a" + b" " * 60_000,
    ):
        (tmp_path / "a.tex").write_bytes(data)
        assert len(read(tmp_path / "a.tex")) == 1
    doubling = {f"f{n}.tex": b"\\input{f%d}\\input{f%d}" % (n + 1, n + 1) for n in range(29)}
    (tmp_path / "a.tar").write_bytes(tarred(doubling | {"m.tex": head + b"\\input{f0}", "f29.tex": b"x" * 1000}))
    assert isinstance(read(tmp_path / "a.tar", max_document_bytes=100_000)[-1], Skip)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2101.00001v2.tar.gz", ("2101.00001", "v2", "2021-01")),
        ("math.GT_0309136", ("math/0309136", None, "2003-09")),
        ("arXiv-1706.03762v5", ("1706.03762", "v5", "2017-06")),
        ("astro-ph0001001.gz", ("astro-ph/0001001", None, "2000-01")),
        ("2113.00001", None),
        ("thesis2001.tex", None),
    ],
)
def test_names_of_arxiv(name: str, expected: tuple[str, str | None, str] | None) -> None:
    found = paper_named(name)
    assert (found and (found.id, found.version, found.month.isoformat()[:7])) == expected
