"""Drop documents whose address is on a block list: adult, gambling, phishing, advertisers, banned words.

RefinedWeb (Penedo et al. 2023) and FineWeb begin so, with 4.6 million domains and words of three strengths; a page of a
blocked site costs nothing more than its address. Lists are files, plain, `.gz` or `.zst`, one entry a line, in the
forms that they are published in:

* `folders`     of the UT1 lists (Université Toulouse Capitole): `domains` and `urls` in a folder a category
* `domains`     a host a line; it and all below it (`example.org`, `*.example.org`)
* `hosts`       a hosts file: `0.0.0.0 example.org`
* `adblock`     EasyList and its like; only rules for a whole host are taken (`||example.org^`), all others are about
                parts of pages
* `urls`        an address a line, with or without scheme and `www.`; it and all that its path begins
* `words`       a word; in the address it stands between other characters than letters and digits
* `soft_words`  words of which `soft_words_least` different ones are needed
* `subwords`    parts of words, looked for in the letters and digits of the whole address put together

Capitals do not matter, nor do scheme, user, port and fragment. Lists have names: the reason in the ledger is the name
of the first list, in the order of the configuration, that has the address; `allow` comes before all of them. Documents
without an address, or with one that has no host, stay. Of 38,000 addresses, real ones and ones made of the
lists, all that datatrove's `URLFilter` drops by FineWeb's lists go here, too, but for words behind a `#`; more go
because domains hold for all below them and addresses for all that they begin.

The lists are inputs of the rule: a changed list runs this stage and everything after it again. Lines that are no entry
are counted in the notes; a list of which more than a tenth is none is refused. For takedowns, where every line is a
promise, there is `remove`.

A selector over all kinds. Writes documents, dropped, stats. Memory: a batch, and 16 to 32 bytes an entry of the lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from tamis import hashing
from tamis.errors import ConfigError, SourceError
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.readers.lines import opened
from tamis.section import FilePath, Section
from tamis.shards import document_batches

VERSION = 1

STAGE = "url_filter"
ListName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
OTHERS_SHARE = 0.1
"""Share of lines that are no entry from which on a file is taken for no list of its form."""
NOT_ALPHANUMERIC = re.compile(rb"[^A-Za-z0-9]+")
UT1_FILES = ("domains", "urls")

Files = tuple[FilePath, ...]


class Allow(Section):
    """Addresses that no list blocks."""

    domains: Files = Field((), description="Files of host names, one a line; all below them stay, too.")
    urls: Files = Field((), description="Files of addresses, one a line.")


class BlockList(Section):
    """A list under a name, which is the reason that the ledger gives."""

    folders: Files = Field(
        (), description="Folders of the UT1 lists, such as `blacklists/adult`: their files `domains` and `urls`."
    )
    domains: Files = Field((), description="Files of host names, one a line; all below them goes, too.")
    hosts: Files = Field((), description="Hosts files: `0.0.0.0 example.org`.")
    adblock: Files = Field((), description="Lists of ad blockers; their rules for whole hosts are taken.")
    urls: Files = Field((), description="Files of addresses, one a line; all that their paths begin goes, too.")
    words: Files = Field((), description="Files of words, one a line; an address with one of them goes.")
    soft_words: Files = Field((), description="Files of words of which several are needed.")
    soft_words_least: int = Field(2, ge=1, description="How many different soft words. FineWeb has 2.")
    subwords: Files = Field((), description="Files of parts of words, of at least three letters or digits.")

    @model_validator(mode="after")
    def _some_file(self) -> BlockList:
        if not (self.folders or any(getattr(self, name) for name in FORMS)):
            msg = f"names no file; give it one of folders, {', '.join(FORMS)}"
            raise ValueError(msg)
        return self


class Config(Section):
    """Dropping documents by lists of domains, addresses and words."""

    block: dict[ListName, BlockList] = Field(
        {}, description="Name → list; the first that has an address is the reason."
    )
    allow: Allow = Field(Allow(), description="What stays although it is listed.")

    @property
    def files(self) -> list[str]:
        """All files of lists."""
        return [path for _, _, path in _named(self)]

    def check_files(self, stage: str) -> None:
        """Hold that every list is there.

        Args:
            stage: key of the section.

        Raises:
            ConfigError: there is no list, or a folder has none.
        """
        if not self.block:
            raise ConfigError(
                f"{stage}.block: the pipeline names {stage}, and there is no list; give it one or take it out"
            )
        for name, given in self.block.items():
            for folder in given.folders:
                if not any((Path(folder) / file).is_file() for file in UT1_FILES):
                    msg = f"{stage}.block.{name}.folders: {folder} has no file `domains` or `urls`; name one category"
                    raise ConfigError(msg)


FORMS = ("domains", "hosts", "adblock", "urls", "words", "soft_words", "subwords")


def _named(config: Config) -> Iterator[tuple[int, str, str]]:
    """Number of the list (0 is `allow`), form and path of each file."""
    for form in ("domains", "urls"):
        yield from ((0, form, path) for path in getattr(config.allow, form))
    for number, given in enumerate(config.block.values(), 1):
        for folder in given.folders:
            yield from ((number, file, f"{folder}/{file}") for file in UT1_FILES if Path(folder, file).is_file())
        for form in FORMS:
            yield from ((number, form, path) for path in getattr(given, form))


@dataclass(frozen=True)
class Table:
    """Hashes of entries and the number of the first list that has each.

    Attributes:
        keys: uint64, a power of two of them; one where there is no entry.
        values: int32.
    """

    keys: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Lists:
    """All lists, as `tamis.kernels.url_lists.verdicts` asks them.

    Attributes:
        names: of the lists; that of number 0 is never a reason.
        tables: of domains, addresses, words and soft words.
        soft_least: int64, a list each.
        word_marks: how words and soft words begin.
        parts: of words: where those of a beginning start, where each begins in their letters, the letters, the lists.
        entries: name of a list → its entries.
        passed_over: name of a list → its lines that are none.
    """

    names: tuple[str, ...]
    tables: tuple[Table, ...]
    soft_least: np.ndarray
    word_marks: np.ndarray
    parts: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    entries: dict[str, int]
    passed_over: dict[str, int]


TABLES = {"domains": 0, "hosts": 0, "adblock": 0, "urls": 1, "words": 2, "soft_words": 3}
"""Form → place of its table."""


def _table(parts: list[tuple[int, np.ndarray]]) -> Table:
    from tamis.kernels.url_lists import put

    total = sum(len(hashes) for _, hashes in parts)
    size = 1 << (4 * total // 3).bit_length() if total else 1
    table = Table(np.zeros(size, np.uint64), np.zeros(size, np.int32))
    for number, hashes in parts:
        put(table.keys, table.values, hashes, number)
    return table


def _parts(found: list[tuple[int, bytes]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    from tamis.kernels.url_lists import MARKS, marks_of

    marks = marks_of(part for _, part in found)
    order = np.argsort(marks, kind="stable")
    ordered = [found[place] for place in order]
    starts = np.searchsorted(marks[order], np.arange(MARKS + 1))
    bounds = np.cumsum([0, *(len(part) for _, part in ordered)])
    letters = np.frombuffer(b"".join(part for _, part in ordered), np.uint8)
    return starts, bounds, letters, np.array([number for number, _ in ordered], np.int32)


def key() -> np.uint64:
    """The key of all hashes."""
    return hashing.keys(STAGE, 1)[0]


def read_lists(config: Config) -> Lists:
    """Read all lists.

    Raises:
        SourceError: a file is missing, damaged, or no list of its form.
    """
    from tamis.kernels import url_lists

    forms = dict(
        zip(
            FORMS,
            (
                url_lists.DOMAIN,
                url_lists.HOSTS,
                url_lists.ADBLOCK,
                url_lists.ADDRESS,
                url_lists.WORD,
                url_lists.WORD,
                url_lists.PART,
            ),
            strict=True,
        )
    )
    names = ("allow", *config.block)
    hashed: tuple[list[tuple[int, np.ndarray]], ...] = ([], [], [], [])
    parts: list[tuple[int, bytes]] = []
    word_marks = np.zeros(url_lists.MARKS, np.uint8)
    entries, passed_over = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for number, form, path in _named(config):
        with opened(Path(path)) as file:
            data = np.frombuffer(file.read(), np.uint8)
        hashes, places, others = url_lists.entries(data, forms[form], key())
        if others > OTHERS_SHARE * (len(hashes) + others):
            msg = (
                f"{path}: {others:,} of {len(hashes) + others:,} lines are no entries of {STAGE}.block.{names[number]}."
                f"{form}; name it under what it is ({', '.join(FORMS)})"
            )
            raise SourceError(msg)
        if form in ("words", "soft_words", "subwords"):
            lines = (data[begin:end].tobytes() for begin, end in places.tolist())
            words = [NOT_ALPHANUMERIC.sub(b"", line).lower() for line in lines]
            if form == "subwords":
                parts += [(number, word) for word in words]
            else:
                word_marks[url_lists.marks_of(words)] = 1
        if form in TABLES:
            hashed[TABLES[form]].append((number, hashes))
        entries[names[number]] += len(hashes)
        passed_over[names[number]] += others
    least = np.array([1, *(given.soft_words_least for given in config.block.values())], np.int64)
    return Lists(names, tuple(map(_table, hashed)), least, word_marks, _parts(parts), entries, passed_over)


def blocked(urls: pa.ChunkedArray, lists: Lists) -> pa.Array:
    """The name of the list for each of n addresses; null for those that stay."""
    from tamis.kernels.url_lists import NONE, verdicts
    from tamis.kernels.words import buffers

    text = pc.fill_null(urls.combine_chunks(), "").cast(pa.large_string())
    tables = [array for table in lists.tables for array in (table.keys, table.values)]
    found = verdicts(*buffers(text), key(), *tables, lists.soft_least, lists.word_marks, *lists.parts)
    stays = (found == NONE) | (found == 0)
    return pa.array(lists.names, pa.string()).take(pa.array(np.where(stays, 0, found), pa.int32(), mask=stays))


def run_apply(config: Config, *, shard: int, documents: Path, kept: Path, dropped: Path, stats: Path) -> None:
    """Drop the documents of one shard whose address is listed.

    Args:
        kept: documents to write.
        dropped: ledger rows to write.
        stats: stats to write; the notes count entries of the lists, and lines that are none.

    Raises:
        SourceError: a list cannot be used.
    """
    lists = read_lists(config)
    without = 0
    with outcome_writer(Outputs(kept, dropped, stats), STAGE, shard) as writer:
        for before in document_batches(documents):
            reasons = blocked(before["url"], lists)
            without += before["url"].null_count
            ledger = dropped_rows(STAGE, before.filter(reasons.is_valid()), reasons.drop_null())
            writer.add(before, before.filter(reasons.is_null()), ledger)
        writer.notes["without_url"] = without
        if shard == 0:
            # Every shard reads the same lists.
            writer.notes.update({f"entries_{name}": count for name, count in lists.entries.items() if count})
            writer.notes.update({f"passed_over_{name}": count for name, count in lists.passed_over.items() if count})
