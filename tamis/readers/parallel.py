"""Parallel corpora: Moses pairs (`x.en` and `x.de`), tables of two columns (TSV), OPUS's zip archives of Moses pairs.

Each side of a pair of lines is a document. Its metadata name the pair, the language and the side, so that both can be
put together again; with `lines` so many pairs make a document on either side. A pair without one of its sides, or with
a line that is no UTF-8 or too long, is listed as a whole: no side comes without the other. Files whose sides have
different numbers of lines are refused, because nobody can say where they part. Memory: one line of either side, or
`lines`.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, field_validator

from tamis.errors import SourceError
from tamis.language_codes import TWO_LETTERS
from tamis.readers.lines import BLOCK, COMPRESSIONS, opened, unpacked_name
from tamis.readers.patterns import irregular, matches
from tamis.readers.record import Passed, Record, Skip, Source, make
from tamis.readers.remote.addresses import is_place
from tamis.readers.signatures import head_of
from tamis.readers.values import invalid_utf8, shorten

if TYPE_CHECKING:
    from tamis.readers.remote.listing import Wanted

_CODE = r"(?:[a-z]{2,3})(?:[_-][A-Za-z0-9]{2,8})*"
_SUFFIX = re.compile(rf"(?P<stem>.+)\.(?P<language>{_CODE})")
_NAMED = "[a-z]{2,3}(?:_[A-Za-z]{2,4})?"
_PAIR = re.compile(rf"(?:^|[._])(?P<first>{_NAMED})[-_](?P<second>{_NAMED})(?=[._]|$)")
NO_LANGUAGES = frozenset(
    {"csv", "gz", "ids", "log", "md", "tar", "tgz", "tmx", "tsv", "txt", "xml", "xz", "zip", "zst"}
)
"""Endings that look like codes of languages."""

KNOWN = frozenset({*TWO_LETTERS, *TWO_LETTERS.values()})

LOOKED_AT = 64
"""Files that are looked at to say whether they are pairs."""

BLANK = b" \t\r\n\v\f"


def are_pairs(patterns: Sequence[str]) -> bool:
    """Whether patterns name parallel corpora: both sides of Moses pairs, or tables named after two languages."""
    try:
        files = [path for pattern in patterns for path in matches(pattern) if not irregular(path)]
        return bool(files) and all(_is_pair(path, files) for path in files[:LOOKED_AT])
    except (SourceError, OSError):
        return False


def _is_pair(path: Path, files: Sequence[Path]) -> bool:
    side = language_of(path.name)
    if side is not None:
        others = [one for other in files if other != path and (one := language_of(other.name)) and one[0] == side[0]]
        return len(others) == 1 and {side[1].split("_")[0], others[0][1].split("_")[0]} <= KNOWN
    if not _is_whole(path) or languages_named(path.name) is None:
        return False
    if path.suffix == ".zip":
        with _members(path, None):
            return True
    return b"\t" in head_of(path)[0].split(b"\n")[0]


def language_of(name: str) -> tuple[str, str] | None:
    """What comes before the language in a file's name, and the language; None where there is none (`x.en.gz`)."""
    found = _SUFFIX.fullmatch(unpacked_name(name))
    if not found or found["language"] in NO_LANGUAGES:
        return None
    return found["stem"], found["language"]


def languages_named(name: str) -> tuple[str, str] | None:
    """The two languages that the name of a table has (`WikiMatrix.de-en.tsv.gz`)."""
    for found in _PAIR.finditer(name):
        first, second = found["first"], found["second"]
        if first != second and {first.split("_")[0], second.split("_")[0]} <= KNOWN:
            return first, second
    return None


Sides = tuple[Any, Any]
"""Both sides of a pair: bytes, the length of a line that is too long, or the number of columns of a row and None."""


Places = dict[tuple[Path, str], list[Path]]
"""Folder and what comes before the language in a file's name → files."""


class ParallelSource(Source):
    """Parallel corpora: the sides of each pair are documents of their own."""

    reads: ClassVar[frozenset[str] | None] = frozenset({"zip", "html", "xml", "json"}) | COMPRESSIONS

    format: Literal["parallel"] = Field(
        default="parallel",
        description="Moses pairs (x.en and x.de; also compressed, or in OPUS's .zip) and TSV (.tsv, .tsv.gz, .txt): "
        "one document a side and pair.",
    )
    languages: tuple[str, str] | None = Field(
        default=None,
        description="Languages of both sides, as the files' names have them for Moses pairs; null: what the names say "
        "(x.en and x.de; x.de-en.tsv).",
    )
    columns: tuple[int, int] = Field(
        default=(1, 2),
        description="Columns of the sides in a table, from 1: [2, 3] where a score comes first (WikiMatrix).",
    )
    lines: int = Field(
        default=1,
        ge=1,
        le=100_000,
        description="Pairs of lines that make a document on either side. OPUS's lines are sentences; where they lie in "
        "the order of their texts, 20 to 100 are a passage.",
    )

    @field_validator("languages")
    @classmethod
    def _two(cls, value: tuple[str, str] | None) -> tuple[str, str] | None:
        if value is not None and (value[0] == value[1] or not all(re.fullmatch(_CODE, one) for one in value)):
            raise ValueError("two different codes of languages, as the files' names have them: [de, en]")
        return value

    @field_validator("columns")
    @classmethod
    def _apart(cls, value: tuple[int, int]) -> tuple[int, int]:
        if value[0] == value[1] or min(value) < 1:
            raise ValueError("two different columns, counted from 1")
        return value

    _elsewhere: Places | None = PrivateAttr(default=None)
    """Where files that are fetched come to lie, by what both sides of a pair have in common."""

    def found_files(self) -> list[Path]:
        """All but the second side of each Moses pair; sorted by path.

        Raises:
            SourceError: as for all formats; a side has no other.
        """
        self._elsewhere = None
        return [path for path in super().found_files() if not self._is_side(path) or self._sides(path)[1] != path]

    def remote_files(self) -> Mapping[Path, Wanted]:
        """First sides, whose others are fetched along with them, tables and archives; what is not read is not fetched.

        Raises:
            SourceError: a side has no other; or as for all formats.
        """
        self._elsewhere = None
        remote = super().remote_files()
        found: dict[Path, Wanted] = {}
        for path, wanted in remote.items():
            if _is_whole(path):
                found[path] = wanted
            elif self._is_side(path):
                first, second = self._sides(path)
                if path == first:
                    found[path] = replace(wanted, along=((second, remote[second]),))
        return found

    def paths_of(self, files: Sequence[Path]) -> tuple[str, ...]:
        """Both sides of the pairs that are fetched: what else lies beside them there belongs to others."""
        sides = [side for path in files if self._is_side(path) and is_place(path) for side in self._sides(path)]
        return tuple(sorted(str(side) for side in sides))

    def governing(self, files: Sequence[Path]) -> list[Path]:
        """The other side of Moses pairs."""
        sides = [self._sides(path) for path in files if self._is_side(path) and self.unread(str(path)) is None]
        return sorted({second for _, second in sides})

    def _beside(self, path: Path, stem: str) -> list[Path]:
        """Files that may be the other side of one: of those that are fetched what the source names, else its folder."""
        if self._elsewhere is None:
            told = [Path(name) for name in self.paths if is_place(name)]
            self._elsewhere = defaultdict(list)
            for place in told or super().remote_files():
                if found := language_of(place.name):
                    self._elsewhere[place.parent, found[0]].append(place)
        fetched = self._elsewhere.get((path.parent, stem), [])
        return fetched if path in fetched else [other for other in path.parent.iterdir() if other.is_file()]

    def unread(self, path: str) -> Skip | None:
        """What lies beside corpora: lists of their origins, licences, and sides in other languages."""
        file = Path(path)
        if _is_whole(file):
            return None
        named = language_of(file.name)
        if named is None:
            detail = "neither a table (.tsv, .txt), an archive (.zip) nor a side (x.de beside x.en)"
            return Skip(path, 0, "no_side", detail)
        if self.languages is not None and named[1] not in self.languages:
            detail = f"{named[1]}; languages names {' and '.join(self.languages)}"
            return Skip(path, 0, "language_not_chosen", detail)
        return None

    def _is_side(self, path: Path) -> bool:
        named = None if _is_whole(path) else language_of(path.name)
        return named is not None and (self.languages is None or named[1] in self.languages)

    def read(self, path: Path) -> Iterator[Record | Skip | Passed]:
        """The documents of a table, an archive or a Moses pair, both sides of a pair after each other.

        Raises:
            SourceError: missing or damaged; the sides have different numbers of lines; or the languages are not known.
        """
        if _is_zip(path):
            with _members(path, self.languages) as (name, languages, first, second):
                pairs = _zipped(path, languages, _lines(first, self._limit), _lines(second, self._limit))
                yield from self._documents(path, name, languages, pairs)
        elif _is_whole(path):
            named = self.languages or languages_named(path.name)
            if named is None:
                raise SourceError(f"{path}: its name has no two languages (x.de-en.tsv); say languages: [de, en]")
            with opened(path) as file:
                yield from self._documents(path, _stem(path), named, self._columns(_lines(file, self._limit)))
        else:
            one, other = self._sides(path)
            from tamis.readers.remote.fetched import had

            had(other)
            stem, language = language_of(one.name) or ("", "")
            languages = (language, (language_of(other.name) or ("", ""))[1])
            with opened(one) as first, opened(other) as second:
                pairs = _zipped(path, languages, _lines(first, self._limit), _lines(second, self._limit))
                yield from self._documents(path, stem, languages, pairs)

    @property
    def _limit(self) -> int:
        return self.max_document_bytes

    def _sides(self, path: Path) -> tuple[Path, Path]:
        """Both files of a Moses pair, in the order of `languages` or else of their names.

        Raises:
            SourceError: there are not two.
        """
        stem = (language_of(path.name) or (path.name, ""))[0]
        sides: dict[str, list[Path]] = defaultdict(list)
        for other in sorted(self._beside(path, stem)):
            found = language_of(other.name)
            if found is not None and found[0] == stem:
                sides[found[1]].append(other)
        wanted = self.languages or tuple(sorted(sides))
        chosen = [sides[language][0] for language in wanted if len(sides.get(language, ())) == 1]
        if len(wanted) != 2 or len(chosen) != 2:
            there = ", ".join(self._named(one) for files in sides.values() for one in files)
            msg = (
                f"{self._named(path)}: a Moses pair has two sides, here are {there}; say which with languages, name "
                "both, or take one out"
            )
            raise SourceError(msg)
        return chosen[0], chosen[1]

    def _named(self, path: Path) -> str:
        """What the configuration calls a file."""
        wanted = super().remote_files().get(path) if is_place(path) else None
        return str(path) if wanted is None else wanted.address

    def _columns(self, lines: Iterable[bytes | int]) -> Iterator[Sides]:
        """The sides of the rows of a table."""
        first, second = self.columns
        for line in lines:
            if isinstance(line, int):
                yield line, line
                continue
            row = line.split(b"\t")
            yield (row[first - 1], row[second - 1]) if len(row) >= max(first, second) else (len(row), None)

    def _documents(
        self, path: Path, name: str, languages: tuple[str, str], pairs: Iterable[Sides]
    ) -> Iterator[Record | Skip | Passed]:
        """Documents of pairs of lines."""
        gathered: tuple[list[bytes], list[bytes]] = ([], [])
        begins = number = 0
        for number, (first, second) in enumerate(pairs, start=1):
            refused = self._refused(first, second, languages)
            if refused is not None:
                yield Skip(str(path), number, *refused)
            else:
                begins = begins if gathered[0] else number
                gathered[0].append(bytes(first).strip(BLANK))
                gathered[1].append(bytes(second).strip(BLANK))
            if gathered[0] and (number % self.lines == 0 or sum(map(len, gathered[0])) > self._limit // 2):
                yield from self._sides_of(path, name, languages, gathered, begins)
                gathered = ([], [])
        if gathered[0]:
            yield from self._sides_of(path, name, languages, gathered, begins)

    def _refused(self, first: Any, second: Any, languages: tuple[str, str]) -> tuple[str, str] | None:
        """Why a pair is none."""
        if second is None:
            return "ragged_row", f"{first} columns, {max(self.columns)} needed"
        for side, language in zip((first, second), languages, strict=True):
            if isinstance(side, int):
                return "too_large", f"{language}: {side} bytes, limit {self._limit}"
            if wrong := invalid_utf8(side):
                return "invalid_utf8", f"{language}: {wrong}"
        empty = [language for side, language in zip((first, second), languages, strict=True) if not side.strip(BLANK)]
        return ("empty_side", f"nothing in {' and '.join(empty)}") if empty else None

    def _sides_of(
        self,
        path: Path,
        name: str,
        languages: tuple[str, str],
        sides: tuple[list[bytes], list[bytes]],
        begins: int,
    ) -> Iterator[Record | Skip]:
        """The two documents of a pair, or why there are none."""
        made: list[Record] = []
        for place, (language, lines) in enumerate(zip(languages, sides, strict=True)):
            count = len(lines)
            metadata = {
                "pair": f"{name}:{begins}",
                "language": language,
                "side": place + 1,
                "other": languages[1 - place],
                **({"lines": count} if self.lines > 1 else {}),
            }
            item = make(self, str(path), begins, b"\n".join(lines), metadata=metadata, kind="prose")
            if isinstance(item, Skip):
                yield Skip(item.path, item.record, item.reason, shorten(f"{language}: {item.detail}"))
                return
            made.append(item)
        yield from made


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _is_whole(path: Path) -> bool:
    """Whether a file holds both sides: a table, or an archive."""
    return path.suffix == ".zip" or (
        language_of(path.name) is None and re.search(r"\.(?:tsv|txt|tab|csv)$", unpacked_name(path.name)) is not None
    )


def _stem(path: Path) -> str:
    """The name of a table or archive without its endings; of other files the whole name, but for a compression."""
    return re.sub(r"\.(?:tsv|txt|tab|csv|zip)$", "", unpacked_name(path.name))


def _zipped(
    path: Path, languages: tuple[str, str], first: Iterator[bytes | int], second: Iterator[bytes | int]
) -> Iterator[Sides]:
    """The lines of two files, side by side.

    Raises:
        SourceError: one has more than the other.
    """
    counts = [0, 0]
    missing = object()
    for one, other in zip_longest(first, second, fillvalue=missing):
        counts[0] += one is not missing
        counts[1] += other is not missing
        if counts[0] == counts[1]:
            yield one, other
    if counts[0] != counts[1]:
        told = " and ".join(f"{count:,} in {language}" for count, language in zip(counts, languages, strict=True))
        raise SourceError(
            f"{path}: its sides are not aligned: {told} lines. Fetch both again; nothing is used of them."
        )


def _lines(file: IO[bytes] | Any, limit: int) -> Iterator[bytes | int]:
    """All lines of a file, empty ones too, without line feeds; the length of one that is longer than the limit."""
    pieces: list[bytes] = []
    length = 0
    first = True
    while block := file.read(BLOCK):
        if first:
            block, first = block.removeprefix(b"\xef\xbb\xbf"), False
        *ends, rest = block.split(b"\n")
        for end in ends:
            length += len(end)
            yield (b"".join([*pieces, end]) if pieces else end) if length <= limit else length
            pieces, length = [], 0
        length += len(rest)
        if length > limit:
            pieces.clear()
        elif rest:
            pieces.append(rest)
    if length:
        yield b"".join(pieces) if length <= limit else length


@contextmanager
def _members(
    path: Path, languages: tuple[str, str] | None
) -> Iterator[tuple[str, tuple[str, str], IO[bytes], IO[bytes]]]:
    """Name, languages and both sides of the Moses pair in a zip archive.

    Raises:
        SourceError: it has not one pair, or is damaged.
    """
    try:
        with ExitStack() as held:
            archive = held.enter_context(zipfile.ZipFile(path))
            found: dict[str, dict[str, zipfile.ZipInfo]] = defaultdict(dict)
            for info in archive.infolist():
                if (named := language_of(info.filename)) and not info.is_dir():
                    found[named[0]][named[1]] = info
            pairs = {
                stem: tuple(languages or sorted(sides))
                for stem, sides in found.items()
                if (set(languages) <= sides.keys() if languages else len(sides) == 2)
            }
            if len(pairs) != 1:
                names = ", ".join(info.filename for info in archive.infolist()[:10])
                msg = f"{path}: holds {len(pairs)} Moses pairs, not one ({names}); say languages, or unpack it"
                raise SourceError(msg)
            ((stem, (first, second)),) = pairs.items()
            sides = found[stem]
            yield (
                stem,
                (first, second),
                held.enter_context(archive.open(sides[first])),
                held.enter_context(archive.open(sides[second])),
            )
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        msg = f"{path}: cut short, damaged or encrypted ({error}). Fetch it again; nothing of it is used."
        raise SourceError(msg) from error
