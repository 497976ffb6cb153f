"""Which of the files that patterns name are text, and patterns that name these alone.

`src/**` names pictures, programs and markup beside the source files. Files are told apart by their endings, and each
ending by its name and by the first bytes of some of its files: what is no text is left out, by patterns with the
endings of what is (`src/**/*.py`).
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from glob import escape, has_magic
from pathlib import Path, PurePath

from tamis.errors import SourceError
from tamis.readers.guess import LOOKED_AT, PLAIN, Format
from tamis.readers.lines import PACKED, unpacked_name
from tamis.readers.patterns import ANY_FOLDERS, irregular, matches
from tamis.readers.signatures import CONTENTS, head_of, recognised

MARKUP = frozenset({"html", "xml", "json"})
"""Contents that a source of text reads as they are."""

NO_TEXT = "no text in UTF-8"
UNKNOWN = "not known as text"
JSON = "JSON"
RECORDS = frozenset({JSON, *(CONTENTS[name].what for name in ("parquet", "warc", "arc"))})
"""Files of records, which want a source of their own beside one of text."""

MOST_READ = 20_000
"""Files of an ending whose first bytes are read, at most; about 50 µs each."""

TOLD = 10
"""Endings that are named of what is left out."""


@dataclass(frozen=True)
class Assorted:
    """The files of a source that are text, and what else its patterns name.

    Attributes:
        patterns: that name them and no others.
        left: ending of files that are left out → how many, and what they are.
        odd: files that a source refuses, among others of their ending that it reads → what they are.
    """

    patterns: tuple[str, ...]
    left: dict[str, tuple[int, str]]
    odd: dict[Path, str]

    def refused(self) -> str:
        """The odd files, in words."""
        told = [f"{path} ({what})" for path, what in sorted(self.odd.items())[:TOLD]]
        more = len(self.odd) - TOLD
        return ", ".join(told) + (f" and {more:,} more" if more > 0 else "")

    def told(self) -> str:
        """What is left out, in words; the most files first."""
        ordered = sorted(self.left.items(), key=lambda item: (-item[1][0], item[0]))
        told = [f"{count:,} {ending} ({what})" for ending, (count, what) in ordered[:TOLD]]
        more = sum(count for _, (count, _) in ordered[TOLD:])
        return ", ".join(told) + (f" and {more:,} of {len(ordered) - TOLD} more endings" if more else "")


def ending_of(name: str) -> str:
    """`.py` of a.py, `.txt.gz` of a.txt.gz, the whole name where it has no dot (or only in front)."""
    packed = next((one for one in PACKED if name.endswith(one)), "")
    stem = name.removesuffix(packed)
    dot = stem.rfind(".")
    return (stem[dot:] if dot > 0 else stem) + packed


def _is_plain(ending: str) -> bool:
    """Whether an ending is one of text."""
    bare = unpacked_name(ending.lower())
    return bare.startswith(".") and bare[1:] in PLAIN


def _other_than_text(path: Path, *, plain: bool) -> str | None:
    """What a file is if it is no text; None for text and for an empty file.

    Args:
        path: the file.
        plain: whether markup, and what has no signature, is text.
    """
    try:
        head, _ = head_of(path)
    except SourceError:
        return "cannot be read"
    found = recognised(head) if head.strip() else None
    if found is not None and not (plain and found in MARKUP):
        return JSON if found == "json" else CONTENTS[found].what
    if not _is_text(head):
        return NO_TEXT
    return None if plain or not head.strip() else UNKNOWN


def _is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are UTF-8 without NUL; they may end inside a character."""
    try:
        return "\0" not in getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False


def texts_of(patterns: Sequence[str], given: Format | None, *, text_first: bool) -> Assorted | None:
    """Tell the text files among those that patterns name from all others.

    Args:
        patterns: paths and patterns.
        given: the format, where the user has said it: with "text" all but what cannot be text is taken.
        text_first: whether JSON Lines and Parquet beside files of text are left out, too, as in a folder of programs.

    Returns:
        None where there is nothing to tell apart: no file of text, none of anything else, or records beside text,
        which want a source of their own.

    Raises:
        SourceError: what is no text cannot be left out by its ending, or a folder cannot be listed.
    """
    found = {pattern: [path for path in matches(pattern) if not irregular(path)] for pattern in patterns}
    by_ending: dict[str, list[Path]] = defaultdict(list)
    for path in sorted({path for files in found.values() for path in files}):
        by_ending[ending_of(path.name)].append(path)
    if given not in (None, "text") or (given is None and not any(map(_is_plain, by_ending))):
        return None
    left: dict[str, tuple[int, str]] = {}
    odd: dict[Path, str] = {}
    for ending, files in by_ending.items():
        plain = given == "text" or _is_plain(ending)
        most = MOST_READ if plain else LOOKED_AT
        told = {path: _other_than_text(path, plain=plain) for path in files[:: -(-len(files) // most)]}
        others = {path: what for path, what in told.items() if what is not None}
        if plain and len(others) < len(told):
            # What is no UTF-8 is skipped and listed when it is read; what has a signature is refused there.
            odd |= {path: what for path, what in others.items() if what != NO_TEXT}
            continue
        left[ending] = (len(files), next(iter(others.values()), "empty"))
    records = [what for _, what in left.values() if what in RECORDS]
    if not (left or odd) or (records and not text_first) or len(left) == len(by_ending):
        return None
    narrowed = [one for pattern, files in found.items() for one in _narrowed(pattern, files, left)]
    return Assorted(tuple(dict.fromkeys(narrowed)), left, odd)


def _narrowed(pattern: str, files: Sequence[Path], left: Mapping[str, tuple[int, str]]) -> list[str]:
    """Patterns of those files of a pattern whose ending is not among those that are left out.

    Raises:
        SourceError: the last part of the pattern says more than any name.
    """
    endings = sorted({ending_of(path.name) for path in files})
    if not set(endings) & left.keys():
        return [pattern]
    if not has_magic(pattern):
        raise SourceError(f"{pattern}: {left[endings[0]][1]}; take it out of --source")
    *folders, last = PurePath(pattern).parts
    if last == ANY_FOLDERS:
        folders.append(last)
    elif last != "*":
        other = next(ending for ending in endings if ending in left)
        raise SourceError(
            f"{pattern} names files that are no text ({left[other][0]:,} {other}: {left[other][1]}); name the others "
            "alone"
        )
    names = [
        f"*{escape(ending)}" if ending.startswith(".") else escape(ending) for ending in endings if ending not in left
    ]
    return [str(PurePath(*folders, name)) for name in names]
