"""Which remote files a source names: addresses, patterns of s3 keys, and lists of addresses (manifests).

A list is one file that names others, a line each, as Common Crawl's `warc.paths.gz`: an address, or a path that is read
against `prefix`, else against where the list lies; `sha256:<64 hex digits>` may follow. Empty lines and those that
begin with `#` are passed over. A list may name files of the web and of buckets and local files below a local `prefix`,
and nothing else: who writes it does not reach the files of this machine.

Lists and the answers to patterns are fetched once, when the workflow is parsed, and kept in `downloads/`; later runs
need no network to know their files. `tamis refresh` asks again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from tamis.checksums import canonical
from tamis.errors import SourceError, TamisError
from tamis.readers.fetch import DOWNLOADS
from tamis.readers.lines import content
from tamis.readers.remote import s3
from tamis.readers.remote.addresses import checked, folder_of, is_address, place_of, shown
from tamis.readers.remote.download import BLOCK, Waits
from tamis.readers.remote.fetched import client_of, fetch, hosts_of
from tamis.readers.remote.http import AgainError, Response, UnfetchedError
from tamis.readers.remote.origin import Origin, origin_of
from tamis.readers.remote.section import Remote
from tamis.shards import read_json, write_json

log = logging.getLogger("tamis.remote")

LISTS = "lists"
LIST_BYTES = 512 << 20
"""Of a list of addresses, when it is decompressed, at most: some millions of lines."""

PINNED = re.compile(r"\s+sha256:(?P<sha256>[0-9A-Fa-f]{64})\s*$")


@dataclass(frozen=True)
class Named:
    """What a source says of its files, as far as they are not local.

    Attributes:
        source: its name.
        addresses: those of `paths`, as `checked`.
        manifests: local and remote lists.
        prefix: what their lines are read against.
        remote: how files are fetched.
    """

    source: str
    addresses: tuple[str, ...]
    manifests: tuple[str, ...]
    prefix: str | None
    remote: Remote

    @property
    def hosts(self) -> tuple[str, ...]:
        """Hosts that the configuration names, with ports."""
        given = [*self.addresses, *self.manifests, *([self.prefix] if self.prefix else [])]
        return hosts_of([checked(one) for one in given if is_address(one)])


@dataclass(frozen=True)
class Wanted:
    """A remote file.

    Attributes:
        address: as `checked`.
        bytes: its size, where a list says it.
        sha256: the hash that it must have, in small letters, where a list says it.
        endpoint: of an s3 address: its server, where it is not Amazon's.
        along: places of other files that are fetched with it, because it is read with them, and what they are.
    """

    address: str
    bytes: int | None = None
    sha256: str | None = None
    endpoint: str | None = None
    along: tuple[tuple[Path, Wanted], ...] = ()

    @property
    def identity(self) -> str:
        """What tells it from another file, before it is fetched."""
        return canonical([self.address, self.sha256, *(other.identity for _, other in self.along)])


@dataclass(frozen=True)
class Listed:
    """What a source names: remote files by their places, and local files that its lists name."""

    remote: dict[Path, Wanted]
    local: tuple[Path, ...]


def listed(named: Named, waits: Waits | None = None) -> Listed:
    """The files that a source names by addresses, patterns and lists.

    Raises:
        SourceError: a list or pattern cannot be had, names nothing, or what it must not; or one file is named
            twice with two hashes.
    """
    remote: dict[Path, Wanted] = {}
    local: dict[Path, None] = {}
    endpoint = s3.endpoint_of(named.remote.s3)
    for wanted in _all(named, waits):
        if isinstance(wanted, Path):
            local[wanted] = None
            continue
        if wanted.address.startswith("s3://") and endpoint is not None:
            wanted = replace(wanted, endpoint=endpoint)  # noqa: PLW2901 - where it lies is a part of what it is
        place = place_of(wanted.address, wanted.endpoint)
        known = remote.setdefault(place, wanted)
        if known.sha256 != wanted.sha256:
            if None not in (known.sha256, wanted.sha256):
                raise SourceError(
                    f"source {named.source!r}: {shown(wanted.address)} is named with two hashes; keep one"
                )
            remote[place] = known if known.sha256 else wanted
    return Listed(remote, tuple(local))


def _all(named: Named, waits: Waits | None) -> Iterator[Wanted | Path]:
    for address in named.addresses:
        if address.startswith("s3://") and s3.MAGIC & set(address):
            yield from keys_of(named, address, waits)
        elif "*" in address:
            raise SourceError(
                f"source {named.source!r}: {shown(address)}: a web server lists no files; name each, or a list of them "
                "(manifests)"
            )
        else:
            yield Wanted(address)
    for manifest in named.manifests:
        yield from _lines(named, manifest, waits)


def _lines(named: Named, manifest: str, waits: Waits | None) -> Iterator[Wanted | Path]:
    where = f"source {named.source!r}: {shown(manifest)}"
    address = checked(manifest) if is_address(manifest) else None
    path = Path(manifest) if address is None else _had(named, address, waits)
    try:
        data = content(path, LIST_BYTES)
    except SourceError as error:
        raise SourceError(f"{where}: {error}") from error
    if isinstance(data, int):
        raise SourceError(f"{where}: {data} bytes, where a list of addresses has at most {LIST_BYTES}")
    base = named.prefix or (folder_of(address) if address else f"{path.parent}/")
    some = False
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").splitlines(), start=1):
        text = line.strip("\ufeff \t\r")
        if text and not text.startswith("#"):
            some = True
            try:
                yield line_of(text, base, manifest=address or str(path), prefixed=named.prefix is not None)
            except SourceError as error:
                raise SourceError(f"{where}, line {number}: {error}") from error
    if not some:
        raise SourceError(f"{where}: names no file; correct it or take it out")


def line_of(text: str, base: str, *, manifest: str, prefixed: bool) -> Wanted | Path:
    """The file that a line of a list names.

    Args:
        text: the line.
        base: an address or a local folder, against which paths are read.
        manifest: where the list lies.
        prefixed: whether the configuration names the base.

    Raises:
        SourceError: it names what a list must not, or nothing.
    """
    pinned = PINNED.search(text)
    sha256 = pinned["sha256"].lower() if pinned else None
    text = text[: pinned.start()] if pinned else text
    whole = is_address(text)
    address = text if whole else f"{base.rstrip('/')}/{text.removeprefix('./')}"
    if is_address(address):
        if not whole and ".." in text.split("/"):
            raise SourceError(f"{text[:200]!r}: leads out of {shown(base)}; write the address that is meant")
        address = checked(address)
        if whole and address.startswith("http:") and manifest.startswith(("https:", "s3:")):
            raise SourceError(f"{shown(address)}: http, named by a list that came by a safer way; write https")
        return Wanted(address, sha256=sha256)
    if sha256 is not None:
        raise SourceError(f"{text[:200]!r}: a hash is for addresses; a local file is known by what it holds")
    path = Path(text)
    inside = not path.is_absolute() and ".." not in path.parts
    if is_address(manifest) or prefixed:
        if not inside:
            raise SourceError(f"{text[:200]!r}: a local file outside of {base}, which a list must not name")
    elif path.is_absolute():
        return path
    return Path(base) / path


def _had(named: Named, address: str, waits: Waits | None) -> Path:
    """The place of a list that lies elsewhere, with the list there."""
    (place,) = lists_of([address], named.remote)
    origin = origin_of(place)
    if origin is None or origin.whole is None or not place.exists():
        log.warning("fetching the list %s ...", shown(address))
        endpoint = s3.endpoint_of(named.remote.s3) if address.startswith("s3://") else None
        wanted = Origin(address=address, endpoint=endpoint, named=named.hosts, remote=named.remote)
        try:
            fetch(wanted, place, waits=waits)
        except UnfetchedError as error:
            raise SourceError(f"source {named.source!r}: {error}") from error
    return place


def lists_of(manifests: Iterable[str], remote: Remote) -> list[Path]:
    """The places of those lists that lie elsewhere."""
    found = []
    for address in (checked(manifest) for manifest in manifests if is_address(manifest)):
        endpoint = s3.endpoint_of(remote.s3) if address.startswith("s3://") else None
        found.append(place_of(address, endpoint))
    return found


def kept_list(address: str, remote: Remote) -> Path:
    """Where the answer to a pattern is kept."""
    digest = blake2b(canonical([address, s3.endpoint_of(remote.s3)]).encode(), digest_size=8).hexdigest()
    return Path(DOWNLOADS, LISTS, f"{digest}.json")


def keys_of(named: Named, pattern: str, waits: Waits | None) -> list[Wanted]:
    """The files of a bucket that a pattern names.

    Raises:
        SourceError: the bucket cannot be listed, or nothing matches.
    """
    path = kept_list(pattern, named.remote)
    try:
        kept: Any = read_json(path)
    except (OSError, ValueError, TamisError):
        log.warning("listing %s ...", shown(pattern))
        kept = {"pattern": pattern, "keys": ask(named, pattern, waits or Waits())}
        write_json(path, kept)
    if not kept["keys"]:
        path.unlink(missing_ok=True)
        raise SourceError(
            f"source {named.source!r}: {pattern} matches nothing in its bucket; correct it or take it out"
        )
    bucket, _ = s3.parts_of(pattern)
    return [Wanted(f"s3://{bucket}/{key}", bytes=size) for key, size, _ in kept["keys"]]


def ask(named: Named, pattern: str, waits: Waits) -> list[list[Any]]:
    """Key, size and ETag of what a pattern names, from the server.

    Raises:
        SourceError: the bucket cannot be listed.
    """
    bucket, key = s3.parts_of(pattern)
    prefix = s3.prefix_of(key)
    client = client_of(named.remote, named.hosts)

    def pages() -> Iterator[s3.Key]:
        token, count, tries = None, 0, 0
        while True:
            target = s3.Stored(f"s3://{bucket}/", named.remote.s3, s3.query_of(prefix, token))
            try:
                keys, token = s3.page(_body(client.get(target, {})))
            except (AgainError, ValueError) as failure:
                tries += 1
                if tries > named.remote.retries:
                    msg = f"source {named.source!r}: {pattern}: not listed in {tries} tries, the last time: {failure}"
                    raise SourceError(msg) from None
                waits.sleep((getattr(failure, "wait", None) or 0.0) + waits.jitter(tries))
                continue
            tries = 0
            yield from keys
            count += max(len(keys), 1)
            if token is None:
                return
            if count > s3.MOST_KEYS:
                msg = f"source {named.source!r}: {pattern}: more than {s3.MOST_KEYS} keys; name a folder of them"
                raise SourceError(msg)

    return [list(found) for found in s3.chosen(key, pages())]


def _body(response: Response) -> bytes:
    data = b""
    try:
        while block := response.read(BLOCK):
            data += block
            if len(data) > s3.PAGE_BYTES:
                raise ValueError("an answer without end")
    finally:
        response.close()
    return data
