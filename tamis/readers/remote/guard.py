"""Which machines may be connected to: none of a private network, unless the configuration names it.

A public server may redirect to, a list may name, and a public name may resolve to an address that only this machine
reaches: its own services, those of its network, the metadata of a cloud's machine with credentials in it. So a name is
resolved and looked at before a connection, and the address that was connected to is looked at again before anything is
sent, because a name may resolve to something else a moment later.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit

NAT64 = ipaddress.ip_network("64:ff9b::/96")


class HostRefusedError(Exception):
    """A machine must not be connected to; the message says which and why."""


def port_of(url: str) -> tuple[str, int]:
    """Host and port of an http or https address."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def is_public(address: str) -> bool:
    """Whether an IP address is one that everybody reaches."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in NAT64:
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
        for inner in (found.ipv4_mapped, found.sixtofour, *(found.teredo or ())):
            if inner is not None and not is_public(str(inner)):
                return False
        if found.ipv4_mapped is not None:
            return True
    return found.is_global and not found.is_multicast


class Guard:
    """Lets public machines pass, and those that are allowed."""

    def __init__(self, allowed: Iterable[str]) -> None:
        """Know which are allowed.

        Args:
            allowed: `host`, or `host:port` for that port alone; an IPv6 address stands in brackets.
        """
        self._allowed = {name.lower() for name in allowed}

    def allows(self, host: str, port: int) -> bool:
        """Whether a host may have any address."""
        name = f"[{host}]" if ":" in host else host
        return not self._allowed.isdisjoint((name.lower(), f"{name}:{port}".lower()))

    def resolve(self, host: str, port: int) -> None:
        """Look at what a name resolves to.

        Raises:
            HostRefusedError: at an address that is not public.
            OSError: it does not resolve.
        """
        if not self.allows(host, port):
            for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                self._check(host, port, str(address[0]))

    def named(self, host: str, port: int) -> None:
        """Look at a name that somebody else resolves, as far as it is an address itself.

        Raises:
            HostRefusedError: it is one that is not public.
        """
        if self.allows(host, port):
            return
        if host.lower().rstrip(".").rpartition(".")[2] == "localhost":
            self._check(host, port, "127.0.0.1")
        with suppress(socket.gaierror):
            for *_, address in socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST):
                self._check(host, port, str(address[0]))

    def connected(self, host: str, port: int, connection: socket.socket) -> None:
        """Look at what was connected to.

        Raises:
            HostRefusedError: its address is not public.
        """
        if not self.allows(host, port):
            self._check(host, port, str(connection.getpeername()[0]))

    def _check(self, host: str, port: int, address: str) -> None:
        if not is_public(address):
            where = host if host == address else f"{host}, which is {address}"
            raise HostRefusedError(
                f"{where}: not an address of the public internet, and not named by the configuration. If its files are "
                f"meant, add {host}:{port} to remote.allow_hosts of the source"
            )
