"""Having a remote file where it belongs, whole, with its record; or with the record that it cannot be had."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from tamis.errors import SourceError
from tamis.readers.remote import s3
from tamis.readers.remote.addresses import beside, is_place, shown
from tamis.readers.remote.download import Download, Waits, part_of
from tamis.readers.remote.guard import Guard, port_of
from tamis.readers.remote.http import Client, Target, UnfetchedError, Web
from tamis.readers.remote.origin import ORIGIN, Origin, origin_of, record
from tamis.readers.remote.section import Remote

log = logging.getLogger("tamis.remote")


def target_of(address: str, remote: Remote) -> Target:
    """What is asked for an address."""
    return s3.Stored(address, remote.s3) if address.startswith("s3://") else Web(address)


def hosts_of(addresses: Iterable[str]) -> tuple[str, ...]:
    """Hosts with ports of addresses that the configuration names, sorted."""
    found = {port_of(address) for address in addresses if address.startswith("http")}
    return tuple(sorted(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in found))


def client_of(remote: Remote, named: tuple[str, ...]) -> Client:
    """What sends requests."""
    endpoint = s3.endpoint_of(remote.s3)
    own = hosts_of([endpoint]) if endpoint else ()
    return Client(Guard([*remote.allow_hosts, *named, *own]), remote.timeout)


def fetch(origin: Origin, path: Path, sha256: str | None = None, waits: Waits | None = None) -> Origin:
    """Have a file where it belongs, whole, with its record.

    Args:
        origin: its address and how it is fetched.
        path: where it belongs.
        sha256: the hash that it must have, where that is known.
        waits: the clock.

    Returns:
        Its record.

    Raises:
        UnfetchedError: it cannot be fetched.
        FolderError: the disk is full.
    """
    with part_of(path) as part:
        known = origin_of(path)
        if known is not None and _is_there(known, path, sha256):
            log.info("%s: already there", path)
            return (
                known
                if known.remote == origin.remote
                else record(known.model_copy(update={"remote": origin.remote}), path)
            )
        # Whatever lies there is not what its record says, or has none.
        beside(path, ORIGIN).unlink(missing_ok=True)
        client = client_of(origin.remote, origin.named)
        target = target_of(origin.address, origin.remote)
        log.info("%s: fetching %s", path, shown(origin.address))
        whole = Download(client, target, path, retries=origin.remote.retries, waits=waits or Waits()).run(part, sha256)
        done = record(origin.model_copy(update={"whole": whole, "failed": None}), path)
    log.info("%s: fetched, %d bytes, sha256 %s", path, whole.bytes, whole.sha256)
    return done


def _is_there(known: Origin, path: Path, sha256: str | None) -> bool:
    """Whether a file lies there that has the size that its record says; its hash is looked at when it is read."""
    if known.whole is None or (sha256 is not None and known.sha256 != sha256.lower()):
        return False
    return path.is_file() and path.stat().st_size == known.whole.bytes


def give_up(origin: Origin, path: Path, why: str) -> Origin:
    """Write down that a file cannot be fetched."""
    return record(origin.model_copy(update={"whole": None, "failed": why}), path)


def had(path: Path) -> Origin | None:
    """The record of a file that is to be read, with the file where it belongs; None for one that nobody fetched.

    Raises:
        SourceError: it could not be fetched, or its record is missing.
    """
    if not is_place(path):
        return None
    origin = origin_of(path)
    if origin is None:
        raise SourceError(f"{path}: nothing beside it says where it came from; run again, and it is fetched again")
    if origin.failed is not None:
        raise SourceError(f"{origin.failed.rstrip('.')}. `tamis refresh` lets the next run try again.")
    if not path.exists():
        try:
            return fetch(origin, path, origin.sha256)
        except UnfetchedError as error:
            raise SourceError(f"{path}: was deleted, and cannot be had again: {error}") from error
    return origin
