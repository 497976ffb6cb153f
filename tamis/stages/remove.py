"""Remove what was asked to be removed: takedowns, opt-outs, addresses that must not be read.

Lists are text files, UTF-8, one entry a line; empty lines and lines that begin with `#` are skipped. Four kinds:

* `urls`     an address; every document of that page goes, whatever its date and spelling: http or https, with or
             without `www.`, a final slash, the default port, a fragment, tracking parameters, percent-encoding
             (`tamis.urls.listed_key`). That is more than URL de-duplication takes for one page: there, two pages taken
             for one would lose a page; here, two spellings taken for two would leave one that must go.
* `domains`  a host name; every document of it and of its subdomains goes.
* `ids`      the id of a document (32 hexadecimal digits): this capture with this text goes.
* `hashes`   16 hexadecimal digits: the first half of an id, which is the hash of a URL key (of the text where there
             is no URL), so all captures go. Or 64: SHA-256 of a URL key, or of an id, so that a list need not say
             what it lists. A hash is of one spelling: URL keys tell `www.` and a final slash apart.

The lists are inputs of the rule: a changed list runs this stage and everything after it again, so the removal reaches
every later output. A line that is none of these is refused with its number, because an entry that is passed over in
silence is a promise broken. Put the stage first in the pipeline: behind de-duplication, a removed document could have
stood for copies of its text elsewhere, and they would go with it.

Copies that an earlier run dropped for a document that is removed now come back by themselves: the stages behind run
again. So that this can be said (`tamis.report.takedowns`), a job notes what stood for what in the ledgers that these
stages are about to write again: `stood_for`, id and stage of each copy, and the document that stood for it.

Reasons, in this order where several hold: `removed_url`, `removed_domain`, `removed_id`, `removed_hash`. Writes
documents, dropped, stats, stood_for. All kinds of document are looked at. Memory: a batch, about 100 bytes an entry of
the lists, and 70 a copy that an earlier run dropped.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
from pydantic import Field

from tamis import exchange
from tamis.barrier import Files, paths
from tamis.errors import SourceError
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.section import FilePath, Section
from tamis.shards import column_names, document_batches, table_batches
from tamis.urls import listed_key, url_key

VERSION = 2

STAGE = "remove"
STOOD_FOR = pa.schema([("id", pa.string()), ("stage", pa.dictionary(pa.int8(), pa.string())), ("kept_id", pa.string())])
"""One row a document that a stage behind this one dropped as a copy in the run before, with what it kept for it."""

log = logging.getLogger(__name__)

ID = re.compile(r"[0-9a-f]{32}")
HASH = re.compile(r"[0-9a-f]{16}|[0-9a-f]{64}")
HOST = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Config(Section):
    """Removing listed documents: takedowns, opt-outs."""

    urls: tuple[FilePath, ...] = Field(
        (),
        description="Files of addresses, one a line; every capture of them goes, with or without www. and a final "
        "slash.",
    )
    domains: tuple[FilePath, ...] = Field(
        (), description="Files of host names, one a line; their subdomains go with them."
    )
    ids: tuple[FilePath, ...] = Field((), description="Files of document ids (32 hexadecimal digits), one a line.")
    hashes: tuple[FilePath, ...] = Field(
        (),
        description="Files of hashes, one a line: 16 hexadecimal digits (the first half of an id: hash of the URL "
        "key), or 64 (SHA-256 of a URL key or of an id).",
    )

    @property
    def files(self) -> list[str]:
        """All lists."""
        return [*self.urls, *self.domains, *self.ids, *self.hashes]


@dataclass(frozen=True)
class Lists:
    """What must go."""

    urls: frozenset[str]
    domains: frozenset[str]
    ids: frozenset[str]
    hashes: frozenset[str]


def host_of(key: str) -> str | None:
    """The host name of a URL key; None where it has none (package URLs, bare names)."""
    try:
        return (urlsplit(key).hostname or "").rstrip(".") or None if key.startswith("https://") else None
    except ValueError:
        return None


def _url(entry: str) -> str | None:
    key = url_key(entry)
    # An address has a scheme, or a host that `url_key` recognised.
    return listed_key(key) if re.match(r"[a-z][a-z0-9+.-]*:", key, re.IGNORECASE) else None


def _domain(entry: str) -> str | None:
    host = host_of(url_key(f"https://{entry.rstrip('.').removeprefix('*.')}/"))
    # A single label would take a whole top-level domain away.
    return host if host and "." in host and HOST.fullmatch(host) and not re.search(r"[/?#@:\s]", entry) else None


def _digits(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda entry: entry.lower() if pattern.fullmatch(entry.lower()) else None


ENTRIES: dict[str, tuple[Callable[[str], str | None], str]] = {
    "urls": (_url, "an address (https://example.org/page)"),
    "domains": (_domain, "a host name (example.org)"),
    "ids": (_digits(ID), "a document id (32 hexadecimal digits)"),
    "hashes": (_digits(HASH), "a hash (16 or 64 hexadecimal digits)"),
}


def _entries(path: Path, kind: str) -> Iterator[str]:
    """The entries of one list in their canonical form.

    Raises:
        SourceError: the file is missing or not UTF-8, or a line is not an entry.
    """
    read, expected = ENTRIES[kind]
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        msg = f"{path}: the list of remove.{kind} cannot be read ({error.strerror})"
        raise SourceError(msg) from error
    for number, line in enumerate(lines, 1):
        try:
            entry = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            msg = f"{path}, line {number}: not UTF-8. Correct the line; nothing was removed."
            raise SourceError(msg) from error
        if not entry or entry.startswith("#"):
            continue
        found = read(entry)
        if found is None:
            msg = f"{path}, line {number}: {entry[:200]!r} is not {expected}. Correct the line; nothing was removed."
            raise SourceError(msg)
        yield found


def read_lists(config: Config) -> Lists:
    """Read all lists.

    Raises:
        SourceError: a list is missing, or a line is not an entry; the message says which.
    """
    return Lists(
        **{
            kind: frozenset(entry for path in getattr(config, kind) for entry in _entries(Path(path), kind))
            for kind in ENTRIES
        }
    )


def _sha256(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _domains_of(host: str) -> Iterator[str]:
    """A host name and all that it lies under."""
    while host:
        yield host
        host = host.partition(".")[2]


def reason(document_id: str, url: str | None, lists: Lists, *, long_hashes: bool) -> str | None:
    """Why a document goes; None when it stays.

    Args:
        document_id: its id.
        url: its address.
        lists: what must go.
        long_hashes: whether any hash is a SHA-256.
    """
    key = url_key(url) if url is not None and (lists.urls or lists.domains or long_hashes) else None
    if key is not None and lists.urls and listed_key(key) in lists.urls:
        return "removed_url"
    if key is not None and lists.domains and not lists.domains.isdisjoint(_domains_of(host_of(key) or "")):
        return "removed_domain"
    if document_id in lists.ids:
        return "removed_id"
    if document_id[:16] in lists.hashes:
        return "removed_hash"
    if long_hashes and any(_sha256(text) in lists.hashes for text in (document_id, key) if text is not None):
        return "removed_hash"
    return None


def removed(documents: pa.Table, lists: Lists) -> list[str | None]:
    """The reason for each of n documents; None for those that stay."""
    long_hashes = any(len(entry) == 64 for entry in lists.hashes)
    columns: Sequence[list[str | None]] = [documents[name].to_pylist() for name in ("id", "url")]
    return [reason(str(name), url, lists, long_hashes=long_hashes) for name, url in zip(*columns, strict=True)]


def stood_for(ledgers: Iterable[Path]) -> Iterator[pa.Table]:
    """What stood for what in an earlier run, with the schema `STOOD_FOR`.

    Args:
        ledgers: of one shard and the stages behind, as far as there was such a run. One that cannot be read is passed
            over with a warning: it is about to be written again, and a takedown does not wait for it.
    """
    for path in ledgers:
        if not path.exists():
            continue
        try:
            if "kept_id" in column_names(path):
                for rows in table_batches(path, STOOD_FOR.names):
                    yield rows.filter(rows["kept_id"].is_valid()).cast(STOOD_FOR)
        except SourceError as error:
            log.warning("copies that an earlier run dropped are not looked at in %s: %s", path, error)


def parts_of(paths: Iterable[Path], shard: int, shards: int) -> list[Path]:
    """The files that lie beside some of one shard, which an earlier run with more shards has left for it too.

    Those of numbers past the shards of this run go at its end; until then each is that of one shard of this run.

    Args:
        paths: files of the shard, `part-00000.parquet`.
        shard: number of the shard.
        shards: of this run.
    """
    found = []
    for path in paths:
        for beside in sorted(path.parent.glob(f"part-*{path.suffix}")):
            number = beside.stem.removeprefix("part-")
            if number.isdecimal() and int(number) % shards == shard:
                found.append(beside)
    return found


def run_apply(
    config: Config,
    *,
    shard: int,
    shards: int,
    documents: Path,
    earlier: Files | None,
    kept: Path,
    dropped: Path,
    stats: Path,
    stood: Path,
) -> None:
    """Remove the listed documents of one shard.

    Args:
        config: the section.
        shard: number of the shard.
        shards: how many there are.
        documents: as the stage before left them.
        earlier: where the stages behind have their ledgers of this shard; an earlier run's, if there was one.
        kept: documents to write.
        dropped: ledger to write.
        stats: counts to write.
        stood: what stood for what in that run, to write.
    """
    lists = read_lists(config)
    ledgers = parts_of(paths(earlier or ()), shard, shards)
    exchange.write(stood, STOOD_FOR, [pa.concat_tables([STOOD_FOR.empty_table(), *stood_for(ledgers)])])
    with outcome_writer(Outputs(kept, dropped, stats), STAGE, shard) as writer:
        for before in document_batches(documents):
            reasons = pa.array(removed(before, lists), pa.string())
            ledger = dropped_rows(STAGE, before.filter(reasons.is_valid()), reasons.drop_null())
            writer.add(before, before.filter(reasons.is_null()), ledger)
        writer.notes.update({"largest_list_of_" + kind: len(getattr(lists, kind)) for kind in ENTRIES})
