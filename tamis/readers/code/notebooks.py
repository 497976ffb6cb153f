"""A Jupyter notebook as a script: code as it stands, Markdown as comments, outputs left out.

The form is that of Jupytext's light scripts, which StarCoder was trained on: cells are parted by an empty line, magics
(`%matplotlib`, `!pip`) are comments, a cell of another language (`%%bash`) is one altogether.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

LANGUAGES = {
    "python": "Python", "python2": "Python", "python3": "Python", "ipython": "Python", "sage": "Python", "r": "R",
    "julia": "Julia", "bash": "Shell", "scala": "Scala", "javascript": "JavaScript", "typescript": "TypeScript",
    "c++": "C++", "c++11": "C++", "c++14": "C++", "c++17": "C++", "cpp": "C++", "java": "Java", "rust": "Rust",
    "haskell": "Haskell", "go": "Go", "c#": "C#", "f#": "F#", "sql": "SQL", "octave": "MATLAB", "matlab": "MATLAB",
    "ruby": "Ruby", "kotlin": "Kotlin", "clojure": "Clojure", "perl": "Perl", "lua": "Lua", "powershell": "PowerShell",
}  # fmt: skip
SLASHES = frozenset({"Scala", "JavaScript", "TypeScript", "C++", "Java", "Rust", "Go", "C#", "F#", "Kotlin"})
SIGNS = {**dict.fromkeys(SLASHES, "//"), "Haskell": "--", "SQL": "--", "Lua": "--", "MATLAB": "%", "Clojure": ";;"}
MAGIC = re.compile(r"[ \t]*(?:%|!|\?)\S|[ \t]*[\w.]+\?{1,2}[ \t]*$")


def script_of(notebook: str | bytes) -> tuple[str, str]:
    """The script of a notebook, and its language.

    Args:
        notebook: its JSON, formats 3 and 4.

    Raises:
        ValueError: no JSON, or no notebook.
    """
    try:
        value = json.loads(notebook)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, Mapping):
        raise ValueError(f"a notebook is an object, not {type(value).__name__}")  # noqa: TRY004 - of the value
    language = _language(value.get("metadata"))
    sign = SIGNS.get(language, "#")
    cells = [piece for cell in _cells(value) if (piece := _piece(cell, language, sign))]
    return "\n\n".join(cells) + ("\n" if cells else ""), language


def _language(metadata: object) -> str:
    """The language of the kernel; Python, where a notebook does not say."""
    for part, key in (("kernelspec", "language"), ("language_info", "name"), ("kernelspec", "name")):
        section = metadata.get(part) if isinstance(metadata, Mapping) else None
        name = section.get(key) if isinstance(section, Mapping) else None
        if isinstance(name, str) and (known := LANGUAGES.get(name.lower())):
            return known
    return "Python"


def _cells(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    sheets = value.get("worksheets")
    holders = [value, *(sheets if isinstance(sheets, list) else [])]
    found = [cells for one in holders if isinstance(one, Mapping) and isinstance(cells := one.get("cells"), list)]
    if not found:
        raise ValueError("no cells: not a notebook")
    for cells in found:
        yield from (cell for cell in cells if isinstance(cell, Mapping))


def _piece(cell: Mapping[str, Any], language: str, sign: str) -> str:
    """What a cell gives: its text, or nothing."""
    source = cell.get("source", cell.get("input"))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    if not isinstance(source, str) or not source.strip():
        return ""
    lines = source.rstrip().split("\n")
    if cell.get("cell_type") != "code" or lines[0].startswith("%%"):
        return "\n".join(f"{sign} {line}".rstrip() for line in lines)
    if language == "Python":
        lines = [f"{sign} {line}" if MAGIC.match(line) else line for line in lines]
    return "\n".join(lines)
