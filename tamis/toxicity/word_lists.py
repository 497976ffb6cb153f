"""Word lists as files: one entry a line, as LDNOOBW publishes them and C4 uses them; and as tries for the kernel.

A file is UTF-8, plain, `.gz` or `.zst`; lines that are empty or begin with "# " are no entries. In a folder each file
is named by its language (`en`, `de.txt`, `zh.txt.gz`, `fr-CA-u-sd-caqc`: what stands before the first hyphen counts),
and hidden files, licences and pages (`.md`) are passed over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tamis.errors import ConfigError, SourceError
from tamis.language_codes import UNDECIDED, language_code
from tamis.readers.lines import opened

if TYPE_CHECKING:
    from tamis.kernels.listed_words import Trie

LONGEST = 100
"""Characters of an entry. Those of LDNOOBW have up to 42; a longer line is of a page that was fetched by mistake."""

CODE = re.compile(r"[a-z]{2,3}")
NO_LIST = re.compile(r"(?i)(\..*|.*\.(md|rst|html?|json|ya?ml)|(licen[cs]e|readme|copying|notice|users)(\..*)?)")
"""Names of files that are no lists, in a folder of them."""

C4_LANGUAGES = frozenset({"ja", "th", "zh"})
"""Languages of which C4 looks for entries anywhere, whatever is beside them."""


def by_name(name: str) -> str | None:
    """The language that the name of a file in a folder of lists says; None where the file is no list."""
    if NO_LIST.fullmatch(name):
        return None
    return language_code(name.partition(".")[0])


def in_folder(folder: str, leave_out: Iterable[str]) -> dict[str, list[str]]:
    """Language → files of a folder of lists, by name; files that are to be left out are not there.

    Args:
        folder: the folder; nothing is found where there is none.
        leave_out: names of files.
    """
    found: dict[str, list[str]] = {}
    names = sorted(path.name for path in Path(folder).iterdir() if path.is_file()) if Path(folder).is_dir() else []
    for name in names:
        if name not in set(leave_out) and (language := by_name(name)) is not None:
            found.setdefault(language, []).append(f"{folder.rstrip('/')}/{name}")
    return found


def read_entries(path: str) -> list[str]:
    """The entries of a file, as they stand there.

    Raises:
        SourceError: it is missing, damaged, not UTF-8, empty, or no list of words.
    """
    if not Path(path).is_file():
        # A pipe would be waited for without an end.
        msg = f"{path}: cannot be opened, for there is no such file; correct the path, or take the list out of the "
        raise SourceError(f"{msg}configuration")
    with opened(Path(path)) as file:
        data = file.read()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise SourceError(f"{path}: is UTF-16; write it as UTF-8 (iconv -f UTF-16 -t UTF-8)")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        msg = f"{path}, line {line}: is not UTF-8; write the list as UTF-8 (of Latin-1: iconv -f LATIN1 -t UTF-8)"
        raise SourceError(msg) from error
    entries: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        entry = line.strip()
        if not entry or entry.startswith("# ") or entry == "#":
            continue
        if len(entry) > LONGEST:
            msg = f"{path}, line {number}: has {len(entry)} characters; a list of words has an entry a line"
            raise SourceError(f"{msg} (of up to {LONGEST} characters). Is it a page? Fetch the list itself")
        if all(unicodedata.category(letter)[0] in "PZC" for letter in entry):
            msg = f"{path}, line {number}: {entry!r} has no letter, number or sign and would be found nearly everywhere"
            raise SourceError(f"{msg}; take the line out")
        entries[entry] = None
    if not entries:
        raise SourceError(f"{path}: has no entry; write one a line, or take the list out of the configuration")
    return list(entries)


def check(lists: Mapping[str, Iterable[str]], key: str) -> None:
    """Hold that every list can be used, and none is there twice.

    Texts of no known language (`und`: most are too short to tell) have none of their own, and may be held against
    those of others.

    Args:
        lists: language → files.
        key: the section's, for messages.

    Raises:
        ConfigError: a list is given twice.
        SourceError: a file cannot be used.
    """
    seen: dict[tuple[bool, tuple[str, ...]], str] = {}
    for language, files in lists.items():
        for path in files:
            entries = language == UNDECIDED, tuple(sorted(read_entries(path)))
            if (other := seen.get(entries)) is not None:
                msg = f"{key}: {path} and {other} are the same list; take one of them out"
                raise ConfigError(msg)
            seen[entries] = path


def folded(entry: str) -> str:
    """An entry as it is looked for: NFKC, and every run of white space one blank (capitals are folded by the trie)."""
    return " ".join(unicodedata.normalize("NFKC", entry).split())


def trie(entries: Iterable[str], table: np.ndarray) -> tuple[Trie, list[str]]:
    """Entries as `tamis.kernels.listed_words.Trie`, and their names by number.

    Entries that fold to the same are one, under the first name.

    Args:
        entries: of one list, normalised.
        table: of `tamis.kernels.listed_words.folding`.
    """
    from tamis.kernels.folded_characters import LENGTH_SHIFT
    from tamis.kernels.listed_words import Trie, prefixes_of

    folded_entries: list[bytes] = []
    nodes: list[dict[int, int]] = [{}]
    numbers: dict[int, int] = {}
    names: list[str] = []
    for entry in entries:
        state, folded_entry = 0, b""
        for value in table[[ord(letter) for letter in entry]].tolist():
            size = value >> LENGTH_SHIFT & 7
            own = (value & (1 << LENGTH_SHIFT) - 1).to_bytes(8, "little")[:size]
            folded_entry += own
            for byte in own:
                if byte not in nodes[state]:
                    nodes[state][byte] = len(nodes)
                    nodes.append({})
                state = nodes[state][byte]
        # What is not shown leaves nothing of an entry that is nothing else.
        if state and state not in numbers:
            numbers[state] = len(names)
            names.append(entry)
            folded_entries.append(folded_entry)
    alphabet = sorted({byte for node in nodes for byte in node})
    classes = np.zeros(256, np.uint8)
    classes[alphabet] = np.arange(1, len(alphabet) + 1)
    width = len(alphabet) + 1
    steps = np.full(len(nodes) * width, -1, np.int32)
    ends = np.full(len(nodes), -1, np.int32)
    places = {byte: place for place, byte in enumerate(alphabet, 1)}
    for state, node in enumerate(nodes):
        for byte, following in node.items():
            steps[state * width + places[byte]] = following
    ends[list(numbers)] = list(numbers.values())
    return Trie(classes, steps, ends, prefixes_of(folded_entries)), names
