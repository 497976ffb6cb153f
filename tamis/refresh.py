"""`tamis refresh`: ask whether remote files and lists have changed, so that the next run fetches those that have.

A run asks for nothing twice: a file that was fetched stays what it was, until somebody wants to know. Then its server
is asked on the terms of the record (`If-None-Match`, `If-Modified-Since`), and the record goes of what has changed, of
what could not be fetched, and of what its server does not tell from another version. The next run fetches those, and
reads again the units that they are of. What is gone from its server stays as it was fetched, and is named.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from pathlib import Path

from tamis import config, launch
from tamis.errors import SourceError, TamisError
from tamis.readers import Source
from tamis.readers.named_files import with_others
from tamis.readers.remote.addresses import is_address, shown
from tamis.readers.remote.fetched import client_of, target_of
from tamis.readers.remote.http import AgainError, Response, UnfetchedError
from tamis.readers.remote.listing import kept_list, lists_of
from tamis.readers.remote.origin import Origin, forget, origin_of

AT_A_TIME = 8
NAMED = 20
"""Files that are named of each kind, at most."""

SAME, CHANGED, UNKNOWN, FAILED, GONE, SILENT = (
    "unchanged",
    "changed",
    "not told apart by its server",
    "not fetched the last time",
    "gone from its server; what was fetched stays",
    "not answered for; what was fetched stays",
)
AGAIN = (CHANGED, UNKNOWN, FAILED)
"""What is fetched again by the next run."""


def verdict(origin: Origin) -> str:
    """What has become of a fetched file on its server.

    Args:
        origin: its record.

    Returns:
        One of the words above.
    """
    whole = origin.whole
    if whole is None:
        return FAILED
    terms = {"If-None-Match": whole.etag} if whole.etag else {}
    if not whole.etag and whole.last_modified:
        terms = {"If-Modified-Since": whole.last_modified}
    try:
        response = client_of(origin.remote, origin.named).get(target_of(origin.address, origin.remote), terms)
    except UnfetchedError as error:
        return GONE if " answers 404" in str(error) or " answers 410" in str(error) else SILENT
    except AgainError:
        return SILENT
    try:
        return _compared(origin, response)
    finally:
        # Of the file itself nothing is wanted.
        response.close()


def _compared(origin: Origin, response: Response) -> str:
    whole = origin.whole
    if response.status == 304 or whole is None:
        return SAME
    told = [
        (response.headers.get("etag"), whole.etag),
        (response.headers.get("last-modified"), whole.last_modified),
        (response.length, whole.length),
    ]
    if any(now is not None and then is not None and now != then for now, then in told):
        return CHANGED
    return SAME if any(now is not None and now == then for now, then in told[:2]) else UNKNOWN


def _forget_lists(source: Source, told: Counter[str]) -> Iterator[str]:
    """Ask for the lists and patterns of a source; the records go of those that are to be had anew."""
    for pattern in source.paths:
        if is_address(pattern) and kept_list(pattern, source.remote).exists():
            kept_list(pattern, source.remote).unlink()
            told["lists of a bucket, asked for again"] += 1
    for place in lists_of(source.manifests, source.remote):
        origin = origin_of(place)
        if origin is not None and (found := verdict(origin)) != SAME:
            yield f"{shown(origin.address)}: {found}"
            told[found] += 1
            if found in AGAIN:
                forget(place)


def _chosen(source: Source) -> Iterator[Path]:
    """The places of its remote files that are read."""
    remote, read = source.remote_files(), set(source.input_files())
    return iter(with_others({path: wanted for path, wanted in remote.items() if path in read}))


def _ask(sources: Sequence[Source], say: Callable[[str], None]) -> Counter[str]:
    told: Counter[str] = Counter()
    for source in sources:
        for line in _forget_lists(source, told):
            say(line)
    places = sorted({place for source in sources for place in _chosen(source)})
    known = [(place, origin) for place in places if (origin := origin_of(place)) is not None]
    told["not fetched yet"] += len(places) - len(known)
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        for (place, origin), found in zip(known, threads.map(verdict, (origin for _, origin in known)), strict=True):
            told[found] += 1
            if found in AGAIN:
                forget(place)
            if found != SAME and told[found] <= NAMED:
                say(f"{shown(origin.address)}: {found}")
    return told


def run(arguments: Sequence[str], *, every: bool, say: Callable[[str], None]) -> int:
    """Ask, and say what was found.

    Args:
        arguments: of Snakemake, as `tamis run` takes them: the configuration and the working directory.
        every: whether all files are fetched again, and nobody is asked.
        say: prints a line.

    Raises:
        ConfigError: the configuration is refused.
        SourceError: no source has remote files, or a list cannot be had.
    """
    given = launch.parse_workflow(arguments)
    values = launch.merged(arguments)
    with chdir(os.path.realpath(given.directory)):
        return _run(config.load(values).sources, every=every, say=say)


def _run(sources: Sequence[Source], *, every: bool, say: Callable[[str], None]) -> int:
    chosen = [source for source in sources if source.manifests or any(is_address(path) for path in source.paths)]
    if not chosen:
        raise SourceError("no source of this configuration names remote files; name another with --configfile")
    if every:
        told: Counter[str] = Counter()
        for source in chosen:
            places = [*lists_of(source.manifests, source.remote), *_places(source)]
            for pattern in source.paths:
                kept_list(pattern, source.remote).unlink(missing_ok=True)
            for place in places:
                told["to be fetched again"] += origin_of(place) is not None
                forget(place)
    else:
        told = _ask(chosen, say)
    for found, count in sorted(told.items()):
        if count:
            say(f"{count:>9,}  {found}")
    if every or any(told[found] for found in AGAIN):
        say("The next run fetches them, and reads again what they are part of.")
    return 0


def _places(source: Source) -> list[Path]:
    try:
        return list(with_others(source.remote_files()))
    except TamisError:  # its lists cannot be had: there is nothing of it to be forgotten either
        return []
