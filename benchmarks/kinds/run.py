"""Which kind is seen in files whose kind their name tells: source code of many languages, pages, licences, tables.

    python benchmarks/kinds/run.py --learn ARCHIVES --test ARCHIVES [--texts TEXTS] [--fit] [--results FOLDER]

The archives are source distributions (`.tar.gz`): a file's ending says what it is, and it is judged by its text alone.
Of each project at most `MOST` files of an ending are taken, so that no large project decides. TEXTS is a folder of JSON
Lines files of prose, mails, markup and licences (`text` in each record); half of them are learnt from, by a hash of
their name. `--fit` fits the weights of `tamis/readers/code_form.py` anew, on what is learnt from and on a few lines out
of each file but pages, and prints them.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import sys
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import numpy as np
import zstandard

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tamis.kernels.code_form import NAMES, figures  # noqa: E402
from tamis.readers.forms import SAMPLE_CHARACTERS, kind_of  # noqa: E402

MOST = 40
SMALLEST, LARGEST = 200, 300_000
"""Bytes of a file that is taken."""
TEXTS = 400
"""Texts that are taken of a file of texts."""
STRENGTH = 10.0
"""C of the logistic regression."""

LANGUAGES = {
    language: endings.split()
    for language, endings in {
        "Ada": "adb ads", "Agda": "agda", "Assembler": "asm s", "AWK": "awk", "Batch": "bat", "C": "c h",
        "C#": "cs", "C++": "cc cpp cxx hpp hh", "Clojure": "clj cljs", "CMake": "cmake", "COBOL": "cob cbl",
        "CoffeeScript": "coffee", "Crystal": "cr", "CSS": "css scss less", "CUDA": "cu", "Cython": "pyx pxd", "D": "d",
        "Dart": "dart", "Elixir": "ex exs", "Erlang": "erl hrl", "F#": "fs fsx", "Fortran": "f f90 f95 for",
        "Go": "go", "Groovy": "groovy", "Haskell": "hs", "Haxe": "hx", "Hy": "hy", "Java": "java",
        "JavaScript": "js jsx mjs", "Julia": "jl", "Kotlin": "kt kts", "Lean": "lean", "Lisp": "lisp el", "Lua": "lua",
        "MATLAB, Objective-C": "m mm", "Nim": "nim", "OCaml": "ml mli", "Pascal": "pas", "Perl": "pl pm",
        "PHP": "php",
        "PowerShell": "ps1 psm1", "Prolog": "prolog", "Protocol Buffers": "proto", "PureScript": "purs",
        "Python": "py pyi", "R": "r", "Racket": "rkt", "Ruby": "rb", "Rust": "rs", "Scala": "scala", "Scheme": "scm",
        "Shell": "sh bash zsh fish", "Smalltalk": "st", "Solidity": "sol", "SQL": "sql", "Swift": "swift", "Tcl": "tcl",
        "TypeScript": "ts tsx", "Vala": "vala", "Verilog": "v sv", "VHDL": "vhd vhdl", "Visual Basic": "vb",
        "Yacc, Lex": "y l", "Zig": "zig",
    }.items()
}  # fmt: skip
LANGUAGE_OF = {ending: language for language, endings in LANGUAGES.items() for ending in endings}
LICENCE = re.compile(r"(?i)(?:.*[._-])?(?:licen[cs]es?|copying|unlicense)(?:[._-].*)?(?:\.txt|\.md|\.rst)?")
PAGES = ("rst", "md", "markdown")
TABLES = ("csv", "tsv")
ALLOWED = {
    "code": ("code",),
    "page": ("prose", "catalogue", "maths"),
    "licence": ("licence",),
    "table": ("catalogue",),
    "text": ("prose", "catalogue", "maths", "licence"),
}
"""What a file is → the kinds that are right for it."""


@dataclass(frozen=True)
class File:
    """A file whose kind is known.

    Attributes:
        expected: key of `ALLOWED`.
        group: its programming language, or what it is otherwise.
        origin: project or file of texts.
        name: path inside it.
        text: its text.
    """

    expected: str
    group: str
    origin: str
    name: str
    text: str


def told(name: str) -> tuple[str, str] | None:
    """What a file is by its name, and its group; None where the name does not say."""
    last = name.rpartition("/")[2]
    ending = last.rpartition(".")[2].lower() if "." in last else ""
    if ending in LANGUAGE_OF:
        return "code", LANGUAGE_OF[ending]
    if LICENCE.fullmatch(last) and ending != "json":
        return "licence", "licences"
    if ending in PAGES:
        return "page", "pages"
    return ("table", "tables") if ending in TABLES else None


def of_archives(folder: Path) -> Iterator[File]:
    """The files of all archives of a folder whose names tell what they are."""
    for path in sorted(folder.glob("*.tar.gz")):
        project = re.split(r"-\d", path.name)[0].lower()
        taken: Counter[str] = Counter()
        with tarfile.open(path) as archive:
            for member in archive:
                known = told(member.name)
                if known is None or not member.isfile() or not SMALLEST <= member.size <= LARGEST:
                    continue
                # Collections of examples hold a folder a language.
                group = (
                    member.name.rpartition("/")[0] if "examplefiles" in member.name else member.name.rpartition(".")[2]
                )
                if taken[group] >= MOST:
                    continue
                content = archive.extractfile(member)
                try:
                    text = content.read().decode() if content else ""
                except UnicodeDecodeError:
                    continue
                # Qt's translations have the ending of TypeScript.
                if text.strip() and not text.startswith("<?xml"):
                    taken[group] += 1
                    yield File(*known, project, member.name, text)


def of_texts(folder: Path, *, learn: bool) -> Iterator[File]:
    """Texts of people, of the half of the files that is learnt from or of the other."""
    for path in sorted(folder.glob("*.jsonl.zst")):
        if learn != bool(blake2b(path.name.encode(), digest_size=1).digest()[0] & 1):
            continue
        with path.open("rb") as file:
            lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8", newline="\n")
            texts = (json.loads(line)["text"] for line in lines)
            for number, text in enumerate(text for text in texts if len(text) >= SMALLEST):
                if number == TEXTS:
                    break
                yield File("text", path.name.partition(".")[0], path.name, str(number), text)


def excerpt(file: File) -> File:
    """A few lines out of a file, the same every time."""
    dice = random.Random(file.name)  # noqa: S311 - a sample
    lines = [line for line in file.text[:SAMPLE_CHARACTERS].split("\n") if line.strip()]
    begin = dice.randrange(max(1, len(lines) - 3))
    return replace(file, text="\n".join(lines[begin : begin + dice.randint(4, 12)]))


def figures_of(files: list[File]) -> np.ndarray:
    """float32[n, features]."""
    return np.stack([figures(np.frombuffer(file.text[:SAMPLE_CHARACTERS].encode(), np.uint8)) for file in files])


def fit(files: list[File]) -> tuple[float, np.ndarray]:
    """Intercept and weights; each group counts by the root of its size."""
    from sklearn.linear_model import LogisticRegression

    sizes = Counter(file.group for file in files)
    weights = np.array([sizes[file.group] ** -0.5 for file in files])
    model = LogisticRegression(C=STRENGTH, max_iter=10_000)
    model.fit(
        figures_of(files),
        [file.expected == "code" for file in files],
        sample_weight=weights * len(files) / weights.sum(),
    )
    return float(model.intercept_[0]), model.coef_[0]


def table(files: list[File]) -> str:
    """Groups, and how their files were judged."""
    kinds: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for file in files:
        kinds[file.expected, file.group][kind_of(file.text)] += 1
    rows = ["| what it is | files | right | seen as |", "|---|---|---|---|"]
    shares: defaultdict[str, list[float]] = defaultdict(list)
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for (expected, group), seen in sorted(kinds.items()):
        good = sum(seen[kind] for kind in ALLOWED[expected])
        right[expected] += good
        total[expected] += seen.total()
        shares[expected].append(good / seen.total())
        others = ", ".join(f"{kind} {count}" for kind, count in seen.most_common())
        rows.append(f"| {group} | {seen.total():,} | {100 * good / seen.total():.1f} % | {others} |")
    rows += [
        f"| **{expected}**, all {len(shares[expected])} groups | {total[expected]:,} "
        f"| {100 * right[expected] / total[expected]:.1f} %, mean of groups "
        f"{100 * float(np.mean(shares[expected])):.1f} % | |"
        for expected in sorted(total)
    ]
    return "\n".join(rows)


def main() -> None:
    """Judge, and fit where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learn", type=Path, help="archives that the weights are fitted on")
    parser.add_argument("--test", type=Path, required=True, help="archives that are judged")
    parser.add_argument("--texts", type=Path, default=ROOT.parent / "shared" / "data" / "text")
    parser.add_argument("--fit", action="store_true", help="fit the weights and print them")
    parser.add_argument("--wrong", type=int, default=0, help="so many files to name that were judged wrongly")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    given = parser.parse_args()
    if given.fit:
        learnt = [*of_archives(given.learn), *(of_texts(given.texts, learn=True) if given.texts.is_dir() else ())]
        # A few lines of a page are often all code that it quotes.
        intercept, weights = fit([*learnt, *(excerpt(file) for file in learnt if file.expected != "page")])
        print(f"INTERCEPT = {intercept:.3f}\nWEIGHTS = {{")
        for name, weight in zip(NAMES, weights, strict=True):
            print(f"    {json.dumps(name)}: {weight:.3f},")
        print("}")
        return
    files = [*of_archives(given.test), *(of_texts(given.texts, learn=False) if given.texts.is_dir() else ())]
    wrong = [file for file in files if kind_of(file.text) not in ALLOWED[file.expected]]
    for file in wrong[:: max(1, len(wrong) // given.wrong)] if given.wrong else ():
        print(file.expected, kind_of(file.text), file.origin, file.name, repr(file.text[:100]))
    report = f"# Kinds by form, {datetime.now(tz=UTC):%Y-%m-%d}\n\n{table(files)}\n"
    print(report)
    (given.results / f"{datetime.now(tz=UTC):%Y-%m-%d}-kinds.md").write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
